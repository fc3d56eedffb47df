"""What the client reads: the letter with the decision, that it takes longer, that a restriction ends; the one with the copy.

Plain words in Dutch or English. A decision says how to object, and where to complain (AVG, article 12, paragraph 4; UAVG,
article 34; Awb, articles 3:45 and 6:7).
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import override

from recorder.archive.retention import Fate
from recorder.archive.web.access import NotInUse
from recorder.archive.web.policy.live import live
from recorder.archive.web.rights.kinds import Ground, Kind, State
from recorder.archive.web.rights.models import CopyPermit, Disclosure, Mask, Request
from recorder.archive.web.rights.paper import Paper
from recorder.archive.web.rights.words import GROUNDS, KINDS
from recorder.archive.web.times import day, minute, offset
from recorder.config import Config

AUTHORITY = "Autoriteit Persoonsgegevens, Postbus 93374, 2509 AJ Den Haag, autoriteitpersoonsgegevens.nl"


class Sender(NamedTuple):
    """Who writes."""

    name: str
    address: str
    """In one line: it stands within a sentence, too."""
    contact: str
    """Of the privacy officer."""


def sender(config: Config) -> Sender:
    """The name that stands on every page, and what the organisation has decided. NotInUse before it has.

    What `consent` of the settings says of it is a room's, for its receipts: here it would be another, older answer.
    """
    decided = live()
    if not (decided.address and decided.privacy_officer):
        raise NotInUse
    address = ", ".join(each.strip() for each in decided.address.splitlines() if each.strip())
    return Sender(config.web.organisation, address, decided.privacy_officer)


def decision(request: Request, masks: Collection[Mask], fate: Fate | None, who: Sender, language: str) -> bytes:
    """The letter that tells what was decided; a PDF. `fate` is the recording's, if it is there."""
    with override(language):
        paper = Paper(_("Our decision on your request"), f"{who.name}, {who.address}", language)
        _about(paper, request, request.decided_ms or 0)
        paper.heading(_("What we decided"))
        if request.state == State.GRANTED:
            paper.text(_("We do what you ask."))
            paper.text(_follows(Kind(request.kind)))
            if request.kind == Kind.ERASURE and fate is not None:
                _until_erased(paper, fate)
        else:
            paper.text(_("We do not do what you ask."))
        paper.heading(_("Why"))
        paper.text(request.decision)
        _masks(paper, masks)
        paper.heading(_("Do you not agree?"))
        paper.text(
            _(
                "You can object (in Dutch: bezwaar). Do so within six weeks after the date of this letter. "
                "Write to %(name)s, %(address)s. Objecting costs nothing. Put in your letter:"
            )
            % {"name": who.name, "address": who.address}
        )
        paper.list(
            [
                _("your name and address"),
                _("the date"),
                _("that you object to this decision, and its number"),
                _("why you do not agree"),
                _("your signature"),
            ]
        )
        _complain(paper, who)
        return paper.close()


def extension(request: Request, why: str, at_ms: int, who: Sender, language: str) -> bytes:
    """The letter that tells that an answer takes longer, as of `at_ms`; a PDF."""
    with override(language):
        paper = Paper(_("We need more time for your request"), f"{who.name}, {who.address}", language)
        _about(paper, request, at_ms)
        paper.heading(_("When you get an answer"))
        paper.text(_("You get our answer on %(day)s at the latest.") % {"day": day(request.due_ms)})
        paper.heading(_("Why"))
        paper.text(why)
        _complain(paper, who)
        return paper.close()


def end(request: Request, why: str, at_ms: int, lifted_ms: int | None, who: Sender, language: str) -> bytes:
    """The letter that tells that its restriction ends, as of `at_ms`, or has ended at `lifted_ms`; a PDF.

    The client is told before (AVG, article 18, paragraph 3): so there is one before it has.
    """
    with override(language):
        paper = Paper(_("The recording may be used again"), f"{who.name}, {who.address}", language)
        _about(paper, request, at_ms)
        paper.heading(_("What changes"))
        if lifted_ms is None:
            paper.text(_("We had stopped the use of the recording. That ends now. We tell you before it does."))
        else:
            paper.text(_("We had stopped the use of the recording. That ended on %(day)s.") % {"day": day(lifted_ms)})
        paper.text(_("Then staff may listen again, if they need it for their work. You can see who listened."))
        paper.heading(_("Why"))
        paper.text(why)
        paper.heading(_("Do you not agree?"))
        paper.text(_("Tell us, and why. You can also ask again that nobody uses the recording."))
        _complain(paper, who)
        return paper.close()


def cover(permit: CopyPermit, masks: Collection[Mask], files: Sequence[str], when: str, who: Sender) -> bytes:
    """The letter with a copy; a PDF. `files` says what each of them is, `when` when the meeting was."""
    with override(permit.language):
        paper = Paper(_("A copy of a recording"), f"{who.name}, {who.address}", permit.language)
        paper.text(_("Date: %(day)s") % {"day": day(permit.at_ms)})
        paper.text(_("This is a copy of the recording of %(when)s.") % {"when": when})
        paper.text(_("Number of the recording: %(number)s") % {"number": permit.recording})
        if permit.disclosure is not None:
            _ground(paper, permit.disclosure)
        paper.heading(_("What you got"))
        paper.list(files)
        paper.text(
            _("Does the sound not play? Take the WAV file: it plays everywhere. The other file is smaller and better.")
        )
        _masks(paper, masks)
        paper.heading(_("Be careful with it"))
        paper.text(_("There are voices of people in it. Keep it where others cannot reach it."))
        _complain(paper, who)
        return paper.close()


def _about(paper: Paper, request: Request, at_ms: int) -> None:
    paper.text(_("Date: %(day)s") % {"day": day(at_ms)})
    paper.text(_("Number of your request: %(number)s") % {"number": request.pk})
    paper.text(_("Number of the recording: %(number)s") % {"number": request.recording})
    paper.heading(_("What you asked"))
    asked = {"day": day(request.came_ms), "what": KINDS[request.kind]}
    paper.text(_("We had your request on %(day)s. You ask for: %(what)s.") % asked)
    if request.words:
        paper.text(_("In your words: “%(words)s”") % {"words": request.words})


def _follows(kind: Kind) -> str:
    match kind:
        case Kind.ACCESS:
            return _("You get a copy of the recording. With it is a list of who listened.")
        case Kind.ERASURE:
            return _("We erase the recording. After that nobody can listen to it any more.")
        case Kind.RECTIFICATION:
            return _(
                "Your correction now stands with the recording. Who looks at it sees it. The sound stays as it is."
            )
        case Kind.RESTRICTION:
            return _(
                "Nobody uses the recording for now. Only the staff who deal with your request can. "
                "Does that end? Then we tell you before."
            )
        case Kind.OBJECTION:
            return _("We stop using the recording. Only the staff who deal with your request still can.")


def _until_erased(paper: Paper, fate: Fate) -> None:
    """Until when it can be taken back, as the client's page says it."""
    if fate.kept:
        paper.text(_("Somebody still needs it. So we erase it later. Until then you can take it back."))
    else:
        paper.text(
            _("The recording is erased after %(when)s. Until then you can take it back.")
            % {"when": minute(fate.due_ms)}
        )
    paper.text(_("Do you want that? Come to our desk or call us, with your code. There we look whether it is you."))


def _masks(paper: Paper, masks: Collection[Mask]) -> None:
    if not masks:
        return
    paper.heading(_("What you do not hear on the copy"))
    paper.text(_("In some places you hear a tone. There we protect somebody else. The recording itself is unchanged."))
    paper.list(
        _("From %(start)s to %(stop)s: %(whom)s (%(reason)s)")
        % {
            "start": offset(each.start_ms),
            "stop": offset(each.stop_ms),
            "whom": each.whom,
            "reason": each.reason,
        }
        for each in masks
    )


def _ground(paper: Paper, disclosure: Disclosure) -> None:
    paper.heading(_("Why you get it"))
    paper.text(_("For: %(to)s") % {"to": disclosure.to})
    paper.text(_("On the ground that %(ground)s.") % {"ground": GROUNDS[Ground(disclosure.ground).value]})
    paper.text(disclosure.words)
    paper.text(_("Use it for this, and for nothing else."))


def _complain(paper: Paper, who: Sender) -> None:
    paper.heading(_("Questions and complaints"))
    paper.text(_("Do you have a question? Ask our privacy officer: %(contact)s.") % {"contact": who.contact})
    paper.text(
        _("You can also complain to the authority that watches over privacy: %(authority)s.") % {"authority": AUTHORITY}
    )
