"""What time it is, for the pages: one place, so that a test can say another."""

import time


def now_ms() -> int:
    """Unix time in milliseconds, as everything of the archive counts."""
    return time.time_ns() // 1_000_000
