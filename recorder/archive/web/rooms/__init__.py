"""The rooms: whether they work, now and over time."""
