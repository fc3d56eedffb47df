"""The rights desk: what those who were heard ask for, and what becomes of it."""
