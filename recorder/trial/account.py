"""`meeting.json`: what became of a meeting, with what was measured on the way.

Of a refused one it tells no more than its receipt does: not when the recording began or how long it was.
"""

import statistics
from typing import Any

from recorder.audio import TICKS_PER_SECOND
from recorder.sealed.verify import KeyboxState, Report
from recorder.trial.room import RoomProcess

TELL_HOW_LONG = ("opened", "shut", "grace_over")
"""What happened in a meeting that tells how long its recording was."""


def account(room: RoomProcess, recording: str, report: Report) -> dict[str, Any]:
    """The meeting of `recording`: outcome, times, counts, gaps, latencies.

    A time has its unit in its name, or in that of what it stands in.
    """
    refused = bool(room.happened("refused", recording))

    def first(name: str) -> Any:
        found = [] if refused and name in TELL_HOW_LONG else room.happened(name, recording)
        return next(iter(found), None)

    def wall(name: str) -> int | None:
        happening = first(name)
        return None if happening is None else happening.wall_ms

    def between(start: Any, end: Any) -> float | None:
        return None if start is None or end is None else round(end.monotonic_ms - start.monotonic_ms, 3)

    def press(button: str, before: Any) -> Any:
        """The last press of `button` up to `before`."""
        presses = [h for h in room.happened("pressed") if h.detail == button]
        return next((h for h in reversed(presses) if before and h.monotonic_ms <= before.monotonic_ms), None)

    receipts = {h.detail: h.monotonic_ms for h in room.happened("receipted", recording)}
    sealed = [] if refused else room.happened("sealed", recording)
    roads = [receipts[h.detail] - h.monotonic_ms for h in sealed if h.detail in receipts]
    shut, over, no = first("shut"), first("grace_over"), first("refused")
    return {
        "outcome": "refused"
        if refused
        else "kept"
        if report.keybox is KeyboxState.PRESENT
        else "empty"
        if not report.blocks
        else "lost",
        "recording": recording,
        "verified": report.state,
        "ended": report.ended,
        "times_unix_ms": {
            name: wall(name)
            for name in ("begun", "opened", "shut", "grace_over", "released", "signed", "refused", "purged")
        },
        "counts": {
            "blocks": report.blocks,
            "ticks": report.ticks,
            "seconds": round(report.ticks / TICKS_PER_SECOND, 3),
            "marks": sum(event.name == "mark" for event in report.events),
        },
        "gaps": [
            {"position_ticks": gap.position, "length_ticks": gap.length, "cause": gap.cause} for gap in report.gaps
        ],
        "events": [{"ticks": event.ticks, "wall_ms": event.wall_ms, "name": event.name} for event in report.events],
        "latencies_ms": {
            "start_to_first_sample": between(press("start", first("opened")), first("opened")),
            "stop_to_shut": between(press("start", shut), shut),
            "stop_to_signed": between(press("start", shut), first("signed")),
            "grace_over_to_signed": between(over, first("signed")),
            "refuse_to_tap_shut": between(press("refuse", no), first("killed")),
            "refuse_to_key_erased": between(press("refuse", no), first("erased")),
            "refuse_to_purge_signed": between(press("refuse", no), first("purged")),
            "sealed_to_signed_median": round(statistics.median(roads), 3) if roads else None,
            "sealed_to_signed_max": round(max(roads), 3) if roads else None,
        },
    }
