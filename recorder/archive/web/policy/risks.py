"""What could go wrong for those who are recorded, and what is done about it: the DPIA's part that comes with the product.

Each risk names the rows of docs/threats.md that say more: what is tried against it, by which test, and what remains.
"""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Risk(NamedTuple):
    risk: Promise
    measure: Promise
    threats: tuple[str, ...]
    """The first cells of rows there, to the letter."""


RISKS: tuple[Risk, ...] = (
    Risk(
        _("Somebody is recorded who does not know it."),
        _("Capture begins with a press, a tone and a lit lamp. Without current through the lamp nothing is captured."),
        ("record without saying so", "cover the light", "break the light", "ship a recorder that always listens"),
    ),
    Risk(
        _("A no is not respected, or saying it costs something."),
        _("The refuse button wins at once, without a network. The key is erased: nobody can open what was refused."),
        ("keep what was refused", "press start at the very moment of a no", "say that the client agreed"),
    ),
    Risk(
        _("Somebody listens who has no business with it."),
        _(
            "Sealed before it touches a disk or a network. Who listens names purpose, case and reason; it is written down."
        ),
        ("listen", "hear what is on the card", "plug in a keyboard or a network cable"),
    ),
    Risk(
        _("A recording is changed, or a part is left out."),
        _("The room signs every block and the whole. Gaps are declared, and the pages show whether all is there."),
        ("cut something out, or put something in",),
    ),
    Risk(
        _("A recording that a client needs is gone."),
        _(
            "The room keeps it until the archive has signed for it. "
            "A hold or a request stops deletion, and an erasure needs two people."
        ),
        (
            "make the room forget what is not stored",
            'hold a meeting "off the record" by pulling the plug',
            "destroy what the client needs, as one of the rights desk",
        ),
    ),
    Risk(
        _("Recordings are kept too long."),
        _(
            "Each has its deletion date from the beginning. A ceiling counts for all without a hold. Deletion destroys the key."
        ),
        ("learn for how long somebody spoke before they said no",),
    ),
    Risk(
        _("Figures or logs tell who was where, and when."),
        _(
            "Logs tell nothing of a conversation. Figures go in large steps. No name or citizen number leaves the case system."
        ),
        (
            "learn the same, or who sat in which room and when, from what those see who run it",
            "read the room's log for what a refused meeting leaves",
        ),
    ),
    Risk(
        _("Staff are watched by means of recordings."),
        _(
            "No page lists the recordings of a member of staff. Only the privacy officer reads the trail, and hears nothing."
        ),
        (),
    ),
)
