"""The Pi: shells round small pieces. Never imports the archive."""
