"""The devices that may upload stand in the catalogue and in the store: so it shows whether these two belong together.

A disk that is not mounted, a wrong setting or a lost catalogue looks like an archive that is new. Whoever served it would sign
for what the right one never gets, and the rooms would forget it. So serving asks first, and so does enrolling, after which it
would look right.
"""

from collections.abc import Sequence

from recorder.archive import naming
from recorder.archive.catalogue import Catalogue
from recorder.archive.database import Keys
from recorder.archive.naming import Enrolment
from recorder.archive.store import Store
from recorder.canonical import encode
from recorder.errors import CatalogueError, StoreError


def check(store: Store, catalogue: Catalogue) -> None:
    """StoreError or CatalogueError unless the store has all devices of the catalogue, and none if that has none."""
    known = catalogue.enrolled()  # first: an object is written before its row
    stored = set(store.list(naming.DEVICES))
    missing = [name for name in known if naming.device(name) not in stored]
    if missing:
        raise StoreError(
            f"the object store is not the one that belongs to this catalogue: it lacks {naming.device(missing[0])}. "
            "Is the right disk mounted, and are archive.folder, archive.objects and archive.catalogue right?"
        )
    if stored and not known:
        raise CatalogueError(
            "the catalogue has no device, and the object store has: the catalogue is not the one that belongs to this store, "
            "or was lost. Check archive.catalogue; if it was lost, rebuild it: recorder archive --config FILE rebuild"
        )


def enrol(store: Store, catalogue: Catalogue, enrolments: Sequence[Enrolment]) -> None:
    """Let these devices upload. CatalogueError if the key or the name of one is taken."""
    check(store, catalogue)
    with catalogue.write(Keys(devices=[each.name for each in enrolments])) as writing:
        new = [each for each in enrolments if writing.enrol(each)]
        for name in sorted(store.put({naming.device(each.name): encode(each) for each in new})):
            raise CatalogueError(f"{name} was enrolled before; move the catalogue away and rebuild it from the objects")
