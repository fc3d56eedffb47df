"""Central storage. Never imports the device; only the reading room touches private keys."""
