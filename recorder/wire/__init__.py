"""The wire, pure: topics, messages, the intake's judgement and the sender's machine. See docs/wire.md."""
