"""The audit trail, kept: every act of people on the pages is a line of `recorder.archive.audit`."""
