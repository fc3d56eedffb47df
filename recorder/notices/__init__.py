"""What people are told of the recorder: one source for every text."""
