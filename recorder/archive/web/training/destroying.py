"""The end of fragments, each night: what expired, was rejected or whose client took it back, and what no fragment is known of.

The keybox goes first: from then on nobody can open it. What lies in the store and belongs to no fragment that may still be
heard is destroyed, whatever it came from: its recording was deleted, a crash left it, or a backup brought it back.
"""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import Q

from recorder.archive.rebuild import is_keybox
from recorder.archive.store import Store
from recorder.archive.web.archive import fragments
from recorder.archive.web.clock import now_ms
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.writing import acting
from recorder.archive.web.training.models import Fragment, State
from recorder.wire.consent import DAY_MS

DESTROY = "destroy_fragment"


def destroy(store: Store, number: str) -> None:
    """Destroy the sound of one. StoreError if the store fails; then once more does it."""
    _destroy(store, number, list(store.list(f"{number}/")))


def destroy_dead(person: str, role: str) -> int:
    """Destroy all that nobody may hear any more, and write down each in this name; how many fragments. StoreError."""
    store, there = fragments(), defaultdict[str, list[str]](list)
    for name in store.list(""):  # before the rows are read: whatever lies here by now has had a row since then
        there[name.partition("/")[0]].append(name)
    dead = list(_dead())
    living = set(Fragment.objects.exclude(pk__in=[each.pk for each in dead]).values_list("sealed", flat=True))
    for number, names in there.items():
        if number not in living:
            _destroy(store, number, names)
    for each in dead:
        with acting():
            if Fragment.objects.filter(pk=each.pk).delete()[0]:  # else another run has done it
                details = {"fragment": str(each.pk)}
                writing.write(person=person, role=role, action=DESTROY, recording=each.recording, details=details)
    return len(dead)


def _dead() -> Collection[Fragment]:
    now = now_ms()
    return Fragment.objects.filter(
        Q(expires_ms__lte=now)
        | Q(state=State.REJECTED)
        | Q(consent__withdrawn_ms__isnull=False)
        | Q(state=State.MAKING, at_ms__lt=now - DAY_MS)
    )


def _destroy(store: Store, number: str, names: Collection[str]) -> None:
    store.delete([name for name in names if is_keybox(name)])
    store.delete([name for name in names if not is_keybox(name)])
    store.settle(f"{number}/")
