"""Holds: what keeps a recording beyond its date, and what is about to be deleted."""
