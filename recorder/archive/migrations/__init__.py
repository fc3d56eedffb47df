"""The catalogue's migrations, from the first table on. Run at the archive's start; never edited once released."""
