"""The client's page: what becomes of one's own recording, by a code and without an account."""
