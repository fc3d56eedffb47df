"""What somebody finds by a code: from the catalogue, the store and the trail, and with no name in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Max
from django.utils.functional import Promise

from recorder.archive import naming
from recorder.archive.certificate import Certificate
from recorder.archive.code import parse
from recorder.archive.export import receipt as export_receipt
from recorder.archive.listing import Row, of_code
from recorder.archive.retention import Cause, Fate
from recorder.archive.web.archive import archive, terms
from recorder.archive.web.client.words import CAUSES, DEVICES, ENDED, KINDS, SECOND, STANDS, TAKEN_BACK
from recorder.archive.web.clock import now_ms
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.meetings.verdicts import Verdict, verdict
from recorder.archive.web.rights.deciding import by_two, may_withdraw
from recorder.archive.web.rights.kinds import Kind, State
from recorder.archive.web.rights.models import Request, Restriction
from recorder.archive.web.trail.reading import Listener, listeners
from recorder.errors import SealedError, SignedTextError, StoreError, WireError
from recorder.wire.consent import DAY_MS, ConsentReceipt, check_receipt
from recorder.wire.records import parse_record

NOBODYS = ""
"""Looked up in the place of what is no code at all: it costs what a wrong one costs."""


@dataclass(frozen=True)
class Found:
    """A meeting."""

    row: Row
    receipt: ConsentReceipt | None
    """None if it cannot be read, or does not bear the room's signature."""

    @property
    def recording(self) -> str:
        return self.row.recording

    @property
    def state(self) -> str:
        """One of "kept", "open" (not all of it has come), "lost" (nobody can listen), "refused" and "deleted"."""
        if self.row.state == "kept" and self.row.keybox is None:
            return "lost"
        return self.row.state

    @property
    def there(self) -> bool:
        """Whether anything of it is kept, so that something may be asked of it."""
        return self.row.state in ("kept", "open")

    @property
    def when_ms(self) -> int | None:
        """When it was, by the room's clock. Of what was refused or deleted the receipt alone still tells."""
        if self.row.made_ms is not None and self.there:
            return self.row.made_ms
        return None if self.receipt is None else self.receipt.wall_ms

    @cached_property
    def fate(self) -> Fate | None:
        """None unless it was kept."""
        seen = see([self.recording])
        return seen[0].fate if seen else None

    @property
    def free_until_ms(self) -> int | None:
        """Until when it is erased without any reason (D7); None once that is over, or before it has come."""
        if self.row.came_ms is None:
            return None
        until_ms = self.row.came_ms + terms().client_days * DAY_MS
        return until_ms if now_ms() < until_ms else None

    @property
    def broken_off(self) -> Promise | None:
        return ENDED.get(self.row.ended or "")

    @property
    def checked(self) -> Verdict:
        """Whether it is whole; as it was some minutes ago, if it was looked at then."""
        return verdict(self.row)

    @property
    def listened(self) -> Sequence[Listener]:
        return listeners(self.recording)

    @cached_property
    def asked(self) -> Sequence["Asked"]:
        requests = Request.objects.filter(recording=self.recording).order_by("came_ms")
        requests = requests.annotate(handed_ms=Max("copies__opened_ms"))
        restrictions = {each.request_id: each for each in Restriction.objects.filter(recording=self.recording)}
        return [Asked(each, self.fate, each.handed_ms, restrictions.get(each.pk)) for each in requests]

    def may_ask(self, kind: Kind) -> bool:
        """Whether asking for this changes anything: not while it is dealt with, nor where it was granted and counts."""
        return self.there and not any(each.request.kind == kind and each.counts for each in self.asked)

    @property
    def certificate(self) -> Certificate | None:
        """Of a deleted one; None while it is not there yet."""
        try:
            return Certificate.parse(archive().store.get(naming.deleted(self.recording)))
        except (StoreError, SignedTextError):
            return None

    @property
    def why_gone(self) -> Promise:
        return CAUSES[Cause(self.row.cause or "")]

    @property
    def device_word(self) -> Promise | None:
        found = self.certificate
        return None if found is None else DEVICES[found.device]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for it. Not in which words, and not what the answer says: that is for the person who asked."""

    request: Request
    fate: Fate | None
    """Of the recording; None if it is not there, or not all of it."""
    handed_ms: int | None
    """When its copy was last handed over."""
    restriction: Restriction | None
    """What followed from it: nobody but the rights desk may use the recording, until that is lifted."""

    @property
    def counts(self) -> bool:
        """Whether it waits, or was granted and still counts. One's own words may be added to, as often as one likes."""
        if self.request.state != State.GRANTED:
            return self.request.waiting
        if self.request.kind == Kind.ACCESS:
            return by_two(self.request)
        return self.request.kind == Kind.ERASURE or (
            self.restriction is not None and self.restriction.lifted_ms is None
        )

    @property
    def to_be_fetched(self) -> bool:
        """Whether there is a copy to be had at the desk: of what is locked there is none."""
        free = self.fate is not None and not self.fate.locked
        return free and (self.request.kind, self.request.state) == (Kind.ACCESS, State.GRANTED) and self.counts

    @property
    def erased_ms(self) -> int | None:
        """After when it is erased because of this; None if it is not, or something keeps it for now."""
        if self.fate is None or self.fate.kept or self.request.proposed is not None:
            return None
        granted = (self.request.kind, self.request.state) == (Kind.ERASURE, State.GRANTED)
        return self.fate.due_ms if granted else None

    @property
    def goes_now(self) -> bool:
        """Whether the next night erases it."""
        return self.erased_ms is not None and self.erased_ms <= now_ms()

    @property
    def may_be_taken_back(self) -> bool:
        """Whether an erasure can be, by the client at the desk. Not where that is what a second person looks at."""
        if self.request.kind != Kind.ERASURE or not may_withdraw(self.request):
            return False
        return self.fate is not None and not self.goes_now

    @property
    def kind(self) -> Promise:
        return KINDS[Kind(self.request.kind)]

    @property
    def stands(self) -> Promise:
        if self.request.kind != Kind.ERASURE or self.request.proposed is None:
            return STANDS[self.request.state]
        return SECOND if self.request.waiting else TAKEN_BACK[self.request.proposed]


def find(typed: str) -> Found | None:
    """What there is by this code; None for what is nobody's, and at the same cost for what is no code at all."""
    catalogue, store = archive()
    rows = of_code(catalogue, parse(typed) or NOBODYS)
    if not rows:
        return None
    row = rows[0]
    key = catalogue.public_keys([row.device]).get(row.device)
    try:
        receipt = None if key is None else check_receipt(key, parse_record(export_receipt(store, row.recording))[1])
    except (StoreError, SealedError, WireError):
        receipt = None
    return Found(row, receipt)
