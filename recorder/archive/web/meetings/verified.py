"""Is a recording whole, and what did its buttons say? Both from the store, without any key that opens something."""

import io
from dataclasses import dataclass

from recorder.archive import export
from recorder.archive.catalogue import Catalogue
from recorder.archive.listing import Row
from recorder.archive.records import Records
from recorder.archive.store import Store
from recorder.errors import SealedError, StoreError, WireError
from recorder.sealed.verify import Report, State, verify
from recorder.wire.consent import ConsentReceipt, check_receipt
from recorder.wire.records import parse_record


@dataclass(frozen=True, slots=True)
class Verified:
    """`flaw` says in words why it cannot be believed, or not be read; None if it can."""

    report: Report | None
    receipt: ConsentReceipt | None
    flaw: str | None

    @property
    def whole(self) -> bool:
        return self.flaw is None and self.report is not None and self.report.state is State.WHOLE


def verified(store: Store, catalogue: Catalogue, row: Row) -> Verified:
    """Of a recording that was kept."""
    key = catalogue.public_keys([row.device]).get(row.device)
    if key is None:
        return Verified(None, None, f"{row.device} is not enrolled any more: there is no key to check it with")
    receipt: ConsentReceipt | None = None
    flaw: str | None = None
    try:
        receipt = check_receipt(key, parse_record(export.receipt(store, row.recording))[1])
    except (StoreError, SealedError, WireError) as error:
        flaw = str(error)
    try:
        report = verify(io.BufferedReader(Records(lambda: export.export(store, row.recording))), [key])
    except (StoreError, SealedError) as error:
        return Verified(None, receipt, str(error))
    return Verified(report, receipt, report.flaw or flaw)
