"""Wederhoor: record an interview so that both sides can believe it. Read docs/ARCHITECTURE.md first."""

__version__ = "0.1.0"
