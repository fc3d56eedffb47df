"""Device identities: the authority that signs them."""
