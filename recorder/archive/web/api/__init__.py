"""The same acts for a program of the organisation: HTTP and JSON, by a token."""
