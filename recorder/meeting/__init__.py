"""The meeting, pure: its table of states and the light's pattern."""
