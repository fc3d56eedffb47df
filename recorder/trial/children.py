"""How the processes of a trial are started, so that whatever ends it ends them as well, and nothing else does.

Control-C and a closed terminal are signals to everything that runs there. Each process has a session of its own instead, where
it hears of none: the trial ends it when its turn has come. If the trial can no longer do that, the kernel kills it.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO

PIPE_BYTES = 1_048_576
"""What a room says in some twenty minutes: one that waits to be heard by a trial that Control-Z has stopped would hang."""
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


def start(
    command: Sequence[str],
    *,
    output: int | IO[bytes],
    errors: int | IO[bytes],
    input_: int = subprocess.DEVNULL,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command`. From the main thread: the kernel counts the end of the thread that starts it."""
    return subprocess.Popen(
        [*_ENDS_WITH_US, *command],
        stdin=input_,
        stdout=output,
        stderr=errors,
        env=os.environ | (environment or {}),
        start_new_session=True,
        pipesize=PIPE_BYTES,
    )
