"""The sealed recording, pure: layout, seal, open, verify. Its specification is docs/sealed-recording.md."""
