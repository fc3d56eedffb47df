"""Recordings as people find and see them: one's meetings without a case, a case's recordings, one recording."""
