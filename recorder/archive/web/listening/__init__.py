"""Listening: a permit names purpose, case and reason, and the reading room plays by it."""
