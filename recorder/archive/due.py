"""What is due, from what the catalogue knows of a recording and what people did."""

from dataclasses import dataclass

from recorder.archive.listing import Row
from recorder.archive.retention import Facts


@dataclass(frozen=True, slots=True)
class People:
    """What people did."""

    linked: bool = False
    decided_ms: int | None = None
    holds_until_ms: tuple[int, ...] = ()
    request_open: bool = False
    erasure_asked_ms: int | None = None
    erasure_granted_ms: int | None = None


def facts(row: Row, people: People) -> Facts:
    """All that counts for what is to become of it."""
    return Facts(
        made_ms=row.made_ms if row.made_synced and row.made_ms else row.first_ms,
        came_ms=row.first_ms,
        delete_after_ms=row.delete_after_ms,
        receipt=True,
        linked=people.linked,
        decided_ms=people.decided_ms,
        holds_until_ms=people.holds_until_ms,
        request_open=people.request_open,
        erasure_asked_ms=people.erasure_asked_ms,
        erasure_granted_ms=people.erasure_granted_ms,
    )
