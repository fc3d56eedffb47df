"""Who plays the runs: processes with a ground of their own each, which may mount. One of them has the servers.

    python -m tests.faults.players FOLDER

is such a process: a case a line on its standard input, an outcome a line on its standard output, JSON.
"""

import contextlib
import logging
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from recorder.trial import children
from recorder.trial.machines import RAM
from tests.faults.faults import BY_NAME
from tests.faults.judge import Verdict
from tests.faults.nursery import end_with_parent
from tests.faults.run import Case, Outcome, run
from tests.faults.site import Ground
from tests.filesystem import with_own_mounts

END_SECONDS_MAX = 20.0


class Players:
    """So many. A context manager; ends them whatever they do."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="wederhoor-faults-", dir=RAM))
        self._folder.chmod(0o711)  # PostgreSQL may run as another user
        folders = [self._folder / str(number) for number in range(self._number)]
        for folder in folders:
            folder.mkdir()
            folder.chmod(0o711)  # whatever the umask is
        self._players = [
            children.start(
                with_own_mounts([sys.executable, "-m", __name__, str(folder)]),
                input_=subprocess.PIPE,
                output=subprocess.PIPE,
                errors=sys.__stderr__.fileno(),  # type: ignore[union-attr]
            )
            for folder in folders
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for player in self._players:
            player.stdin.close()  # type: ignore[union-attr]
        for player in self._players:
            with contextlib.suppress(subprocess.TimeoutExpired):
                player.wait(END_SECONDS_MAX)
            player.kill()
            player.wait()
            player.stdout.close()  # type: ignore[union-attr]
        shutil.rmtree(self._folder)

    def play(self, cases: Iterable[Case]) -> Iterator[Outcome]:
        """Each as soon as it is done. What needs a server the first player plays, before all else: they take long to start."""
        waiting: dict[bool, deque[Case]] = {True: deque(), False: deque()}
        for case in cases:
            waiting[any(BY_NAME[name].needs not in ("", "sqlite") for name in case.faults)].append(case)
        with selectors.DefaultSelector() as busy:
            for player in self._players:
                self._give(player, waiting, busy)
            while busy.get_map():
                for key, _ in busy.select():
                    player = key.data
                    busy.unregister(player.stdout)
                    line = player.stdout.readline()
                    if not line:
                        raise RuntimeError("a player has ended; it has told why")
                    self._give(player, waiting, busy)
                    yield msgspec.json.decode(line, type=Outcome)

    def _give(
        self,
        player: "subprocess.Popen[bytes]",
        waiting: dict[bool, deque[Case]],
        busy: selectors.BaseSelector,
    ) -> None:
        queue = waiting[True] if player is self._players[0] and waiting[True] else waiting[False]
        if queue:
            assert player.stdin is not None
            assert player.stdout is not None
            player.stdin.write(msgspec.json.encode(queue.popleft()) + b"\n")
            player.stdin.flush()
            busy.register(player.stdout, selectors.EVENT_READ, player)


def _main() -> None:
    end_with_parent()
    logging.disable()  # what the archive tells is in its log
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    with Ground(Path(sys.argv[1])) as ground:
        for line in sys.stdin.buffer:
            case = msgspec.json.decode(line, type=Case)
            try:
                outcome = run(ground, case)
            except Exception:  # noqa: BLE001 - what could not be played is wrong too, and the next one may be
                outcome = Outcome(case, Verdict(wrong=[traceback.format_exc()]), (), 0.0)
            answers.write(msgspec.json.encode(outcome) + b"\n")


if __name__ == "__main__":
    _main()
