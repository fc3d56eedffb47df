"""The pages of the archive, for people in a browser: Django, with an app for each room of them (docs/adr/0023-the-pages.md)."""
