"""An organisation that has decided all that it must: what most tests of the pages begin with.

A new archive has not. `python -m tests.web.deciding CONFIG` does it to one whose pages are processes of their own.
"""

import sys
import uuid
from datetime import date
from pathlib import Path

from recorder.archive.access import Purpose
from recorder.archive.web.policy import decided
from recorder.archive.web.policy.decided import Basis, Decided

DECIDED = Decided(
    bases=dict.fromkeys(Purpose, Basis.PUBLIC_TASK),
    **{name: f"words for {name}" for name in decided.TEXTS},
    **{name: date(2026, 1, 15) for name in decided.DAYS},
)


def in_use() -> None:
    """DECIDED counts, in the database that Django has."""
    from recorder.archive.web.clock import now_ms
    from recorder.archive.web.policy.models import State, Version

    if not Version.objects.filter(state=State.LIVE).exists():
        Version.objects.create(
            text=decided.write(DECIDED),
            why="the tests begin",
            state=State.LIVE,
            person=uuid.UUID(int=1),
            at_ms=now_ms(),
            second=uuid.UUID(int=2),
            second_ms=now_ms(),
        )


if __name__ == "__main__":
    from recorder.archive.web.serving import set_up

    set_up(Path(sys.argv[1]))
    in_use()
