"""What is about to go, for whoever watches over it; and the certificates of what is gone."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise

from recorder.archive.certificate import Certificate
from recorder.archive.due import fates
from recorder.archive.export import certificate
from recorder.archive.retention import Cause
from recorder.archive.web.archive import archive, terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.holding import standing
from recorder.archive.web.holds.listing import Shown
from recorder.archive.web.holds.models import Expected
from recorder.archive.web.known import known
from recorder.archive.web.meetings.models import Link
from recorder.archive.web.rights.kinds import WAITING
from recorder.archive.web.rights.models import Request, Restriction
from recorder.archive.web.words import CAUSES
from recorder.config import Config
from recorder.errors import KeyFileError, SignedTextError
from recorder.keyfiles import load_device_public
from recorder.wire.consent import DAY_MS

PAGE_ROWS = 100
DAYS = (1, 7, 30)


@dataclass(frozen=True, slots=True)
class Told:
    """One that goes, or that is kept; `now` is what became of it since the night."""

    expected: Expected
    now: str
    """`goes`, `kept` or `gone`."""
    holds: list[Shown]

    @property
    def cause(self) -> Promise:
        return CAUSES[Cause(self.expected.cause)]


def going(days: int, after: str) -> tuple[list[Told], str]:
    """Those that go within so many days, the soonest first, behind `after`; and what the next portion is behind, if any."""
    found = Expected.objects.filter(goes_ms__lt=now_ms() + days * DAY_MS).order_by("goes_ms", "recording")
    last = Expected.objects.filter(recording=after).first() if after else None
    if last is not None and last.goes_ms is not None:
        found = found.filter(goes_ms__gte=last.goes_ms).exclude(goes_ms=last.goes_ms, recording__lte=last.recording)
    rows = list(found[: PAGE_ROWS + 1])
    return _told(rows[:PAGE_ROWS]), rows[PAGE_ROWS - 1].recording if len(rows) > PAGE_ROWS else ""


def kept() -> list[Told]:
    """Those that are past their date and kept, the longest first."""
    return _told(list(Expected.objects.filter(kept=True).order_by("due_ms", "recording")[:PAGE_ROWS]))


@dataclass(frozen=True, slots=True)
class Overdue:
    """What keeps a recording, or locks others out of it, and should have been dealt with by `since_ms`."""

    recording: str
    since_ms: int
    request: Request | None
    """None for a restriction that somebody must look at again."""


def overdue() -> list[Overdue]:
    """What the rights desk has left lying, the longest first: an undecided request keeps its recording for so long."""
    now = now_ms()
    requests = Request.objects.filter(state__in=WAITING, due_ms__lt=now).order_by("due_ms")[:PAGE_ROWS]
    restrictions = Restriction.objects.filter(lifted_ms=None, look_again_ms__lte=now).order_by("look_again_ms")
    found = [Overdue(each.recording, each.due_ms, each) for each in requests]
    found += [Overdue(each.recording, each.look_again_ms, None) for each in restrictions[:PAGE_ROWS]]
    return sorted(found, key=lambda each: each.since_ms)


def _told(rows: list[Expected]) -> list[Told]:
    ids = [each.recording for each in rows]
    now = now_ms()
    found = fates(archive().catalogue, ids, known, terms(), now)
    cases: dict[str, int | None] = dict.fromkeys(ids)
    cases |= dict(Link.objects.filter(recording__in=ids).values_list("recording", "case_id"))
    holds = standing(cases)
    told = []
    for each in rows:
        fate = found.get(each.recording)
        state = "gone" if fate is None else "kept" if fate.goes_ms != fate.due_ms else "goes"
        counting = [shown for shown in (Shown(hold, now) for hold in holds.get(each.recording, [])) if shown.counts]
        told.append(Told(each, state, counting))
    return told


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate; `flaw` says in words why it cannot be believed, or not be checked."""

    data: bytes
    certificate: Certificate | None
    flaw: str | None

    @property
    def cause(self) -> Promise:
        assert self.certificate is not None
        return CAUSES[self.certificate.deletion.cause]


def certified(recording: str) -> Certified:
    """The certificate of a recording's deletion. StoreError if there is none."""
    data = certificate(archive().store, recording)
    try:
        return Certified(data, Certificate.verify(data, load_device_public(public_key_file(settings.CONFIG))), None)
    except (SignedTextError, KeyFileError) as error:
        return Certified(data, None, str(error))


def public_key_file(config: Config) -> Path:
    """The archive's public key: the pages have no other. The nightly run puts it there."""
    return Path(config.archive.folder) / "keys" / "archive.pub"
