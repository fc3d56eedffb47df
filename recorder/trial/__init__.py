"""One room on one machine: real broker, archive, room and sound, for trying, tests and bench."""
