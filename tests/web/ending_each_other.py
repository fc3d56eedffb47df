"""Two administrators end each other's account at once, again and again: `python -m tests.web.ending_each_other CONFIG`.

A process of its own, for its database is the configuration's. Prints how many were left after each round.
"""

import sys
from pathlib import Path
from threading import Barrier, Thread

from recorder.archive.web import serving

ROUNDS = 25


def main() -> None:
    serving.set_up(Path(sys.argv[1]))
    from django.core.exceptions import PermissionDenied
    from django.db import connection

    from recorder.archive.access import Role
    from recorder.archive.web.people import keeping
    from recorder.archive.web.people.models import Person

    def end(by: Person, whom: Person, barrier: Barrier, act: str) -> None:
        barrier.wait()
        try:
            with keeping.keeping(by, whom) as now:
                if act == "end":
                    keeping.deactivate(now)
                else:
                    keeping.change(now, [Role.CASEWORKER], [])
        except PermissionDenied:
            pass
        finally:
            connection.close()

    pair = [Person.objects.make(f"{name}@gemeente.example", name, [Role.ADMINISTRATOR]) for name in "ab"]
    for number in range(ROUNDS):
        for each in pair:
            each.is_active = True
            each.save()
            each.give([Role.ADMINISTRATOR], [])
            keeping.confirm(each)
        barrier = Barrier(2)
        acts = ("end", "end" if number % 2 else "change")
        threads = [
            Thread(target=end, args=(*each, barrier, act)) for each, act in zip((pair, pair[::-1]), acts, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(Person.objects.filter(is_active=True, role_rows__role__in=keeping.KEEPERS).count())


if __name__ == "__main__":
    main()
