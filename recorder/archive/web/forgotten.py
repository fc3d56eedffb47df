"""What people said of a recording goes with it.

    gone with it    of which case it was, who disputed that, statements, permits to hear it, and the details of its lines of
                    the audit trail; its fragments for training, of which the same night destroys the sound
                    (`training.destroying`)
    a request       keeps its kind, its days and who decided, for three years, and nothing of what was said in it; so does
                    what was disclosed, with to whom. Masks and who fetched a copy go
    a hold          is of a case: the recording is taken out of it. It goes itself, and the case's number with it, when the case
                    has no recording left, OVER_KEPT_DAYS after it was over: whoever set it must be able to read that it lapsed
    what stays      the lines of the audit trail without their details, for three years: who did what when, with which id; and
                    what the archive keeps (`recorder.archive.deletion`). None of it leads to the client

What is said of no recording, as whose case somebody looked for, stands in the trail for as long as the line does.
"""

from collections.abc import Collection, Iterator

from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.db.models import Model, Q
from django.utils import timezone

from recorder.archive.audit import KEPT_DAYS
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.models import CONFIRM_DAYS, Expected, Hold
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings.models import Case, Dispute, Link, Statement, Unlinked
from recorder.archive.web.rights.kinds import Proposal
from recorder.archive.web.rights.models import CopyPermit, Disclosure, Event, Mask, Request, Restriction
from recorder.archive.web.trail.models import Line
from recorder.archive.web.trail.writing import acting
from recorder.archive.web.training.models import Fragment, TrainingConsent
from recorder.wire.consent import DAY_MS

GOES: tuple[type[Model], ...] = (
    *(Link, Unlinked, Dispute, Statement, Permit, Expected, CopyPermit, Restriction),
    *(Fragment, TrainingConsent),
)
"""Models whose rows are of one recording, by a field of that name, and go with it."""
OVER_KEPT_DAYS = 30
PORTION_ROWS = 500


def forgotten(recordings: Collection[str]) -> None:
    """Forget what goes with these, which were deleted. Once more does no harm."""
    with acting():  # it has the rows of restrictions before those of requests, and who lifts one the other way round
        for model in GOES:
            model._default_manager.filter(recording__in=recordings).delete()
        Mask.objects.filter(Q(request__recording__in=recordings) | Q(disclosure__recording__in=recordings)).delete()
        Event.objects.filter(request__recording__in=recordings).update(words="")
        Request.objects.filter(recording__in=recordings).update(words="", decision="")
        lifting = Request.objects.filter(recording__in=recordings, proposed=Proposal.LIFTED.value)
        lifting.update(proposed=None, proposed_by=None, proposed_ms=None)  # there is nothing left to be lifted
        Disclosure.objects.filter(recording__in=recordings).update(words="")
        Hold.objects.filter(recording__in=recordings).update(recording=None)
        Line.objects.filter(recording__in=recordings, details__isnull=False).update(details=None, salt=None)


def spoken_of() -> Iterator[list[str]]:
    """The recordings of which something is known here that would go with them, in portions; some more than once."""
    told, said = Q(details__isnull=False), ~Q(words="")
    rest = ((Hold, Q(recording__isnull=False)), (Line, told), (Request, said), (Disclosure, said))
    for model, which in (*((each, Q()) for each in GOES), *rest):
        after = ""
        of_model = model._default_manager.filter(which).order_by("recording")  # type: ignore[attr-defined]
        while portion := list(
            of_model.filter(recording__gt=after).values_list("recording", flat=True).distinct()[:PORTION_ROWS]
        ):
            yield portion
            after = portion[-1]


def forget_the_old() -> None:
    """Forget the holds that are over for long, of cases without a recording, and then the cases of which nothing is left.

    And what people asked of recordings, when it was decided as long ago as the oldest line of the audit trail may be.
    """
    since = now_ms() - OVER_KEPT_DAYS * DAY_MS
    unconfirmed = Q(confirmed_ms=None, placed_ms__lt=since - CONFIRM_DAYS * DAY_MS)
    over = Q(ended_ms__lt=since) | Q(expires_ms__lt=since) | unconfirmed
    with transaction.atomic():
        Hold.objects.filter(over, case__links=None).delete()
        Case.objects.filter(links=None, holds=None).delete()
        decided_ms = now_ms() - KEPT_DAYS * DAY_MS
        Request.objects.filter(decided_ms__lt=decided_ms, words="").delete()
        Disclosure.objects.filter(judged_ms__lt=decided_ms, words="").delete()


def forget_the_expired() -> None:
    """Forget the sessions that are over, and the addresses of who tried codes and passwords: by themselves they stay."""
    SessionStore.clear_expired()
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM limits WHERE expires < %s", [now])
