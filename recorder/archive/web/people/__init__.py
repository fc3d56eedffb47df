"""Who works with the pages: accounts, their roles, their rooms, and how they sign in."""
