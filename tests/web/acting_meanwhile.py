"""An administrator changes an account, and its person acts meanwhile: `python -m tests.web.acting_meanwhile CONFIG RECORDING`.

A process of its own, for its database is the configuration's. Prints what became of each.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from recorder.archive.web import serving

SECONDS_MAX = 60


def main() -> None:
    serving.set_up(Path(sys.argv[1]))
    from django.db import connection, transaction

    from recorder.archive.access import Action, Role
    from recorder.archive.web.access import note
    from recorder.archive.web.clock import now_ms
    from recorder.archive.web.meetings.models import Statement
    from recorder.archive.web.people import keeping
    from recorder.archive.web.people.models import Person

    keeper = Person.objects.make("keeper@gemeente.example", "Keeper", [Role.ADMINISTRATOR])
    clerk = Person.objects.make("clerk@gemeente.example", "Clerk", [Role.RIGHTS_DESK])
    keeping.confirm(keeper)
    account_locked, trail_locked = Event(), Event()

    def change() -> str:
        with keeping.keeping(keeper, clerk) as now:
            account_locked.set()
            trail_locked.wait(SECONDS_MAX)
            note(keeper, Role.ADMINISTRATOR, Action.KEEP_ACCOUNTS)
            keeping.review(now)
        return "changed"

    def attach() -> str:
        account_locked.wait(SECONDS_MAX)
        with transaction.atomic():
            note(clerk, Role.RIGHTS_DESK, Action.ATTACH, recording=sys.argv[2])
            trail_locked.set()
            Statement.objects.create(recording=sys.argv[2], text="x", of_client=False, person=clerk, at_ms=now_ms())
        return "attached"

    def told(act: Callable[[], str]) -> None:
        try:
            print(act())
        finally:
            connection.close()

    threads = [Thread(target=told, args=[act]) for act in (change, attach)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
