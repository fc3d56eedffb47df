"""What the organisation has decided, as settings: purposes, terms, and what it must be able to show of them."""
