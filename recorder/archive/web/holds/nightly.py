"""The nightly run: what is due goes, what goes with it is forgotten, and what is to come is left to be read.

1. What was deleted and came back out of a backup is deleted again, also of what people said; what a crash left is finished.
2. Holds that nobody confirmed lapse.
3. Each recording that is due is judged once more in a transaction in which nobody can set a hold, and noted as going. Then it
   is deleted, and what people said of it, with a line in the audit trail. One that fails stays for the next night.
4. Fragments for training that nobody may hear any more are destroyed (`training.destroying`).
5. The forecast, a checkpoint of the trail, and the end of its lines that are three years old.

Two runs at once are safe: each step of a deletion is done once, whoever comes to it, and a line is written by whoever takes the
note away.

What people did must be there. With an empty database no recording would have a case, and all would go: then nothing is deleted.
Where it lacks a deletion that the list has, it is from a backup, and links and holds since then are lost: for a night nothing
new is deleted, so that people can look.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.archive.catalogue import Catalogue
from recorder.archive.deletion import Deleter
from recorder.archive.deletions import Deletions, Listed
from recorder.archive.due import fates, walk
from recorder.archive.retention import Cause
from recorder.archive.web.archive import terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.forgotten import forget_the_expired, forget_the_old, forgotten, spoken_of
from recorder.archive.web.holds import forecast, holding
from recorder.archive.web.holds.forecast import Foreseen
from recorder.archive.web.holds.models import Going, How, Run
from recorder.archive.web.known import known
from recorder.archive.web.people.models import Person
from recorder.archive.web.trail import chain, writing
from recorder.archive.web.trail.models import Line
from recorder.archive.web.trail.publishing import publish
from recorder.archive.web.trail.writing import acting
from recorder.archive.web.training.destroying import destroy_dead
from recorder.errors import CatalogueError, KeyFileError, StoreError, WebError

LOG = logging.getLogger(__name__)

NIGHTLY = "nightly"
SYSTEM = "system"
DELETE = "delete"
LAPSE = "lapse_hold"
Progress = Callable[[int, int], None]
"""Told how many are done, of how many."""


@dataclass
class Tally:
    """What a run did."""

    deleted: Counter[Cause] = field(default_factory=Counter)
    again: int = 0
    """Deleted once more, for they came back."""
    lapsed: int = 0
    failed: set[str] = field(default_factory=set)
    """Recordings that are due and still there."""
    waits: bool = False
    """Nothing new was deleted: what people did is from a backup."""
    fragments: int = 0
    """For training, that were destroyed."""
    fragments_failed: bool = False
    unpublished: bool = False
    """The checkpoint of the audit trail is in the database alone."""
    lines: int = 0
    """Of the audit trail that were old enough to go."""


class Nightly:
    """Deletes from `catalogue` by `deleter`, which writes `deletions`; signs checkpoints with `key` in the archive's `name`."""

    def __init__(
        self, name: str, key: Ed25519PrivateKey, catalogue: Catalogue, deleter: Deleter, deletions: Deletions
    ) -> None:
        self._name = name
        self._key = key
        self._catalogue = catalogue
        self._deleter = deleter
        self._deletions = deletions

    def run(self, progress: Progress = lambda _done, _all: None) -> Tally:
        """One night's. Raises WebError, StoreError or CatalogueError if it cannot begin."""
        if not Person.objects.exists():
            raise WebError(
                "nothing was deleted, for the database of the pages has no account. If it is new, all is well: its tables are "
                "made, and the first account comes next (docs/operating.md, The pages). Else it is not this archive's, or was "
                "lost: without what people linked and held everything would go. Check web.database, or restore it"
            )
        tally, row = Tally(), Run.objects.create(began_ms=now_ms())
        self._deleter.finish()
        tally.again = self._deleter.reapply()
        listed = self._deletions.read()
        tally.waits = _heal(listed)
        self._sweep(listed)
        tally.lapsed = _lapse()
        for going in Going.objects.all():
            self._carry_out(going.recording, Cause(going.cause), tally)
        due, coming = self._look()
        for number, each in enumerate(due):
            progress(number, len(due))
            if not tally.waits and each.recording not in tally.failed and (cause := self._decide(each.recording)):
                self._carry_out(each.recording, cause, tally)
            if tally.waits or each.recording in tally.failed:
                coming.append(each)
        progress(len(due), len(due))
        if not tally.waits:
            _destroy_fragments(tally)
        forecast.store(coming, now_ms())
        forget_the_old()
        forget_the_expired()
        self._publish(tally)
        tally.lines = chain.forget(now_ms())
        Run.objects.filter(pk=row.pk).update(
            ended_ms=now_ms(), deleted=tally.deleted.total(), again=tally.again, failed=len(tally.failed)
        )
        return tally

    def _publish(self, tally: Tally) -> None:
        try:
            publish(self._key, self._name, now_ms())
        except KeyFileError as error:
            LOG.error("a checkpoint of the audit trail was signed, and not put where it is published: %s", error)  # noqa: TRY400 - no defect
            tally.unpublished = True

    def _look(self) -> tuple[list[Foreseen], list[Foreseen]]:
        """What is due, and what else is to be told."""
        due: list[Foreseen] = []
        coming: list[Foreseen] = []
        now = now_ms()
        for row, fate in walk(self._catalogue, known, terms(), now):
            if (found := forecast.foresee(row, fate, now)) is not None:
                (due if fate.is_due(now) else coming).append(found)
        return due, coming

    def _decide(self, recording: str) -> Cause | None:
        """Note that it goes, and why, if it is due still: nobody's act comes in between."""
        with acting():
            fate = fates(self._catalogue, [recording], known, terms(), now_ms()).get(recording)
            if fate is None or not fate.is_due(now_ms()):
                return None
            Going.objects.get_or_create(recording=recording, defaults={"cause": fate.cause.value})
            return fate.cause

    def _carry_out(self, recording: str, cause: Cause, tally: Tally) -> None:
        """Delete what was noted as going, and all that goes with it."""
        try:
            if self._catalogue.standing([recording]):  # else a backup took it away, and there is nothing to delete
                self._deleter.delete(recording, cause)
        except (StoreError, CatalogueError) as error:
            LOG.error("not deleted: recording=%s: %s", recording, error)  # noqa: TRY400 - no defect
            tally.failed.add(recording)
            self._note_failure(recording)
            return
        with acting():
            if Going.objects.filter(recording=recording).delete()[0]:  # else another run has done it
                forgotten([recording])
                forecast.count(cause, now_ms())
                writing.write(person=NIGHTLY, role=SYSTEM, action=DELETE, recording=recording)
                tally.deleted[cause] += 1

    def _note_failure(self, recording: str) -> None:
        try:
            standing = self._catalogue.standing([recording]).get(recording)
        except CatalogueError:
            standing = None
        with acting():
            writing.write(person=NIGHTLY, role=SYSTEM, action=DELETE, result="failed", recording=recording)
            if standing is not None and standing.state != "deleted":
                # Nothing has begun: it may be held again, and is judged anew.
                Going.objects.filter(recording=recording).delete()

    def _sweep(self, listed: Iterable[str]) -> None:
        """Forget again what a backup brought back of recordings that are gone."""
        gone = frozenset(listed)
        for portion in spoken_of():
            standing = self._catalogue.standing(portion)
            deleted = {each for each, found in standing.items() if found.state == "deleted"}
            if back := [each for each in portion if each in gone or each in deleted]:
                forgotten(back)


def _heal(listed: dict[str, Listed]) -> bool:
    """Write the lines that the trail lacks of the newest deletions; whether there were such, so that it is from a backup."""
    lacking = []
    for recording in sorted(listed, key=lambda each: listed[each].decided_ms, reverse=True):
        if Line.objects.filter(recording=recording, action=DELETE).exists() or _is_going(recording):
            break
        lacking.append(recording)
    with acting():
        for recording in reversed(lacking):
            writing.write(person=NIGHTLY, role=SYSTEM, action=DELETE, recording=recording)
    return bool(lacking)


def _destroy_fragments(tally: Tally) -> None:
    try:
        tally.fragments = destroy_dead(NIGHTLY, SYSTEM)
    except StoreError as error:
        LOG.error("fragments for training that should be gone are still there: %s", error)  # noqa: TRY400 - no defect
        tally.fragments_failed = True


def _is_going(recording: str) -> bool:
    return Going.objects.filter(recording=recording).exists()


def _lapse() -> int:
    """Write down which holds nobody confirmed in time; how many. They keep nothing since then anyhow."""
    with acting():
        found = holding.lapsed()
        for hold in found:
            holding.end(hold, None, How.LAPSED)
            writing.write(
                person=NIGHTLY,
                role=SYSTEM,
                action=LAPSE,
                recording=hold.recording,
                details={"case": hold.case.number},
            )
    return len(found)
