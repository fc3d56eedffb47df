"""The panel's hardware: pin map, circuits, drawings, enclosure. Start with README.md here."""
