"""Points at which a process may be killed: between two writes of which a crash must not be able to make anything wrong.

A process that watches its points looks, at each passage of one, whether it is armed: a file names the point, and how many
passages more it may make. Then it kills itself, as nothing can be done against.
"""

import functools
import importlib
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple


class Point(NamedTuple):
    """Before or after a call of `where`, as "module:Class.method" or "module:function"."""

    where: str
    before: bool
    often: bool = False
    """Whether a meeting passes it many times."""
    of_a_no: bool = False
    """Whether only a meeting that is refused passes it."""


DEVICE = {
    "a block is durable, and nobody knows": Point("recorder.device.spool:Spool.put", before=False, often=True),
    "a file is written, and has no name": Point("recorder.device.durable:_write", before=False, often=True),
    "a manifest is durable, and its receipt is not": Point("recorder.device.custody:Custody._advance", before=True),
    "a release is decided, and nothing of it written": Point("recorder.device.slot:Slot.commit", before=False),
    "a no is heard, and nothing of it written": Point("recorder.device.slot:Slot.refuse", before=False, of_a_no=True),
    "a refusal is half erased": Point("recorder.device.spool:Spool.purge", before=False, of_a_no=True),
    "everything is signed for, and nothing forgotten": Point("recorder.device.spool:Spool.forget", before=True),
    "it forgets": Point("recorder.device.spool:Spool.forget", before=False),
}
ARCHIVE = {
    "a batch is judged, and nothing of it written": Point(
        "recorder.archive.catalogue:Writing.known", before=False, often=True
    ),
    "there are objects, and no rows": Point("recorder.archive.catalogue:Writing.add", before=True, often=True),
    "rows are written, and not committed": Point(
        "recorder.archive.catalogue:Writing.note_tally", before=True, often=True
    ),
    "a batch is committed, and not signed for": Point("recorder.archive.clerk:Clerk._sign", before=True, often=True),
    "a refusal is committed, and nothing deleted": Point(
        "recorder.archive.clerk:Clerk._purge", before=True, of_a_no=True
    ),
    "a purge is done, and not noted": Point("recorder.archive.catalogue:Writing.purge_done", before=True, of_a_no=True),
    "blocks are read, and not together": Point("recorder.archive.gather:_put", before=True),
    "blocks are together, and also apart": Point("recorder.archive.gather:_put", before=False),
    "blocks are together, and that is not noted": Point("recorder.archive.catalogue:Writing.gather_done", before=True),
}


def arm(file: Path, point: str, passages: int) -> None:
    """Let the process that watches `file` die at the passage of that number, from 1, from now on."""
    temporary = file.with_suffix(".new")
    temporary.write_text(f"{passages} {point}")
    temporary.rename(file)


def watch(file: Path, points: Iterable[tuple[str, Point]]) -> None:
    """Let this process die where `file` says."""
    passed: dict[str, int] = {}

    def pass_by(name: str) -> None:
        try:
            passages, _, armed = file.read_text().partition(" ")
        except FileNotFoundError:
            passed.clear()
            return
        if armed != name:
            return
        passed[name] = passed.get(name, 0) + 1
        if passed[name] >= int(passages):
            file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    for name, point in points:
        _wrap(name, point, pass_by)


def _wrap(name: str, point: Point, pass_by: Callable[[str], None]) -> None:
    module, _, path = point.where.partition(":")
    owner: Any = importlib.import_module(module)
    *above, attribute = path.split(".")
    for each in above:
        owner = getattr(owner, each)
    real = getattr(owner, attribute)

    @functools.wraps(real)
    def passing(*args: Any, **kwargs: Any) -> Any:
        if point.before:
            pass_by(name)
        result = real(*args, **kwargs)
        if not point.before:
            pass_by(name)
        return result

    setattr(owner, attribute, passing)
