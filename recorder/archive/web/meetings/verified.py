"""Is a recording whole, and what did its buttons say? Both from the store, without any key that opens something."""

import io
import re
from dataclasses import dataclass
from enum import StrEnum

from recorder.archive import export
from recorder.archive.catalogue import Catalogue
from recorder.archive.listing import Row
from recorder.archive.records import Records
from recorder.archive.store import Store
from recorder.errors import SealedError, StoreError, WireError
from recorder.sealed.verify import Report, State, verify
from recorder.wire.consent import ConsentReceipt, check_receipt
from recorder.wire.records import parse_record


class Trouble(StrEnum):
    """What kind of flaw it is, for people: what they do about it depends on that, and not on the byte."""

    STRANGER = "stranger"
    """The archive has no key of its room to check it with."""
    UNREADABLE = "unreadable"
    ALTERED = "altered"
    """A signature or a hash is wrong."""
    INCOMPLETE = "incomplete"
    """Something is missing, or not in its place."""
    UNENDED = "unended"
    MALFORMED = "malformed"
    """Signed rightly, but not as a recording is made."""
    RECEIPT = "receipt"
    """The recording is whole; its consent receipt is missing, or wrong."""


_KINDS = (
    (
        Trouble.ALTERED,
        r"signature is wrong|signature is not|another device key|another recording|not those that|not the one that",
    ),
    (Trouble.ALTERED, r"other recipients|not signed|other gaps|another length|altered"),
    (Trouble.INCOMPLETE, r"within a record|stands where|does not begin|is empty|manifest tells of \d+ blocks|follows"),
    (Trouble.INCOMPLETE, r"the last block is not the final one|says \d+ bytes and has"),
)
"""By the words of `recorder.sealed`; what has none of these is malformed. tests/vectors has every flaw there is."""


def trouble(flaw: str) -> Trouble:
    """The kind of a flaw that verifying found."""
    return next((kind for kind, words in _KINDS if re.search(words, flaw)), Trouble.MALFORMED)


@dataclass(frozen=True, slots=True)
class Verified:
    """`flaw` says in the words of specialists why it cannot be believed, or not be read; both are None if it can."""

    report: Report | None
    receipt: ConsentReceipt | None
    trouble: Trouble | None = None
    flaw: str | None = None

    @property
    def whole(self) -> bool:
        return self.trouble is None


def verified(store: Store, catalogue: Catalogue, row: Row) -> Verified:
    """Of a recording that was kept."""
    key = catalogue.public_keys([row.device]).get(row.device)
    if key is None:
        return Verified(None, None, Trouble.STRANGER, f"there is no key of {row.device} to check it with")
    receipt: ConsentReceipt | None = None
    receipt_flaw: str | None = None
    try:
        receipt = check_receipt(key, parse_record(export.receipt(store, row.recording))[1])
    except (StoreError, SealedError, WireError) as error:
        receipt_flaw = str(error)
    try:
        report = verify(io.BufferedReader(Records(lambda: export.export(store, row.recording))), [key])
    except StoreError as error:
        return Verified(None, receipt, Trouble.UNREADABLE, str(error))
    except SealedError as error:
        return Verified(None, receipt, trouble(str(error)), str(error))
    if report.flaw is not None:
        return Verified(report, receipt, trouble(report.flaw), report.flaw)
    if report.state is not State.WHOLE:
        return Verified(report, receipt, Trouble.UNENDED, report.state.value)
    return Verified(report, receipt, None if receipt_flaw is None else Trouble.RECEIPT, receipt_flaw)
