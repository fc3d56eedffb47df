"""What every bench is as a command: an error of ours is one line, and nothing is left of a bench that is ended."""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from recorder.cli import EXIT_BAD_INPUT
from recorder.errors import WederhoorError


def run(main: Callable[[], int]) -> NoReturn:
    """Exit with what `main` returns; by Control-C and SIGTERM in order, with the shell's code for it."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        code = main()
    except WederhoorError as error:
        print(f"bench: {error}", file=sys.stderr)
        code = EXIT_BAD_INPUT
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    sys.exit(code)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, lambda *_: None)  # a second one shall not break off what the first has begun
    sys.exit(128 + number)
