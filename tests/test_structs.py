"""That types are read before threads use them, and that this is still needed."""

import signal
import subprocess
import sys

TRIES = 20
"""Three of four end the process."""


def at_once(*how: str) -> int:
    """How eight threads that decode each Struct for the first time end."""
    return subprocess.run([sys.executable, "-m", "tests.structs_at_once", *how], capture_output=True).returncode


def test_what_was_read_is_decoded_by_many_threads_at_once() -> None:
    assert [at_once("read") for _ in range(3)] == [0, 0, 0]


def test_without_it_the_process_ends() -> None:
    """Where this fails msgspec has been mended, and recorder/structs.py can go."""
    assert any(at_once("unread") == -signal.SIGSEGV for _ in range(TRIES))
