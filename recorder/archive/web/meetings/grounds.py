"""On which legal ground a recording is used: as the organisation decided it, and nowhere else (R8).

A room has its settings, by which it writes its receipts, and a receipt is signed: one that tells another ground than what was
decided stays as it is. Then both are shown, for the client was told the other one.
"""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise

from recorder.archive.access import Purpose, choice
from recorder.archive.web.policy.decided import Basis
from recorder.archive.web.policy.live import live
from recorder.archive.web.policy.words import BASES
from recorder.wire.consent import ConsentReceipt


class Ground(NamedTuple):
    decided: list[Promise]
    """More than one where the purposes of one choice differ; none before it is decided."""
    told: Promise | None
    """What the receipt says, if that is another one."""


def grounds(receipt: ConsentReceipt | None) -> Mapping[str, Ground]:
    """Of each choice, as the receipt calls it. Empty without one."""
    if receipt is None:
        return {}
    bases = live().bases
    found: dict[str, Ground] = {}
    for each in receipt.pii_processing.purposes:
        of = dict.fromkeys(bases[use] for use in Purpose if choice(use) == each.purpose and use in bases)
        told = None if each.lawful_basis in of else BASES[Basis(each.lawful_basis)]
        found[each.purpose] = Ground([BASES[basis] for basis in of], told)
    return found
