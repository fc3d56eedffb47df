"""What is about to go, for whoever watches over it; and the certificates of what is gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise

from recorder.archive.certificate import Certificate
from recorder.archive.due import fates
from recorder.archive.export import certificate
from recorder.archive.listing import rows
from recorder.archive.retention import HOUR_MS, Cause
from recorder.archive.web.archive import archive, terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.listing import Shown
from recorder.archive.web.holds.models import Expected, Run
from recorder.archive.web.holds.words import WITHOUT_CERTIFICATE
from recorder.archive.web.known import known_by
from recorder.archive.web.meetings.models import Link
from recorder.archive.web.paging import Page, page
from recorder.archive.web.words import CAUSES
from recorder.config import Config
from recorder.errors import KeyFileError, SignedTextError, StoreError
from recorder.keyfiles import load_device_public
from recorder.wire.consent import DAY_MS

DAYS = (1, 7, 30)
LATE_HOURS = 36


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


def lists(days: int, after: Mapping[str, str]) -> dict[str, Page[Told]]:
    """Each from behind the place that `after` has under its name.

    going       those that go within so many days: the soonest first
    kept        those that are past their date and kept: the longest first
    """
    soon = Expected.objects.filter(goes_ms__lt=now_ms() + days * DAY_MS)
    found = {
        "going": page(soon, "goes_ms", after.get("going", "")),
        "kept": page(Expected.objects.filter(kept=True), "due_ms", after.get("kept", "")),
    }
    told = _told([each for one in found.values() for each in one.rows])
    return {name: one.of([told[each.recording] for each in one.rows]) for name, one in found.items()}


def _told(rows: Sequence[Expected]) -> dict[str, Told]:
    """What became of each since the night."""
    ids, now = {each.recording for each in rows}, now_ms()
    people, holds = known_by(ids, Link.objects.filter(recording__in=ids).select_related("case"))
    found = fates(archive().catalogue, ids, lambda _kept: people, terms(), now)
    told = {}
    for each in rows:
        fate = found.get(each.recording)
        state = "gone" if fate is None else "kept" if fate.goes_ms != fate.due_ms else "goes"
        counting = [shown for shown in (Shown(hold, now) for hold in holds.get(each.recording, [])) if shown.counts]
        told[each.recording] = Told(each, state, counting)
    return told


def last_run() -> Run | None:
    """The newest nightly run that came to its end."""
    return Run.objects.filter(ended_ms__isnull=False).order_by("-began_ms").first()


def is_late(last: Run | None) -> bool:
    """Whether somebody must look why none came to its end since."""
    return last is None or last.began_ms < now_ms() - LATE_HOURS * HOUR_MS


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


def without_certificate(recording: str) -> Promise | None:
    """Why there is no certificate of this recording, and what to do; None if there is one."""
    try:
        certificate(archive().store, recording)
    except StoreError:
        found = next(iter(rows(archive().catalogue, [recording])), None)
        return WITHOUT_CERTIFICATE["unknown" if found is None else found.state]
    return None


def public_key_file(config: Config) -> Path:
    """The archive's public key: the pages have no other. The nightly run puts it there."""
    return Path(config.archive.folder) / "keys" / "archive.pub"
