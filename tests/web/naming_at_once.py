"""One sets a hold for a new case while another names it: `python -m tests.web.naming_at_once CONFIG RECORDING RECORDING`.

A process of its own, for its database is the configuration's. Prints which of the two are done.
"""

import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any

from recorder.archive.web import serving

SECONDS_MAX = 60
HOLDS = "holds"


def main() -> None:
    serving.set_up(Path(sys.argv[1]))
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from recorder.archive.access import Role
    from recorder.archive.web.holds.models import Hold
    from recorder.archive.web.meetings.models import Case, Link
    from recorder.archive.web.people import keeping
    from recorder.archive.web.people.models import Person
    from tests.web.deciding import in_use

    in_use()
    held, linked = sys.argv[2:]
    desk = Person.objects.make("desk@gemeente.example", "Desk", [Role.RIGHTS_DESK])
    worker = Person.objects.make("worker@gemeente.example", "Worker", [Role.CASEWORKER], ["room-1"])
    for each in (desk, worker):
        keeping.confirm(each)
        TOTP.activate(each, generate_totp_secret())

    def somebody_waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchone()[0])

    def meet(mine: Event, other: Event) -> None:
        """Until the other has what it takes first, too, or waits for us: then each goes on to what it takes next."""
        mine.set()
        end = time.monotonic() + SECONDS_MAX
        while not other.is_set() and not somebody_waits():
            if time.monotonic() > end:
                raise TimeoutError("the other neither came nor waits")
            other.wait(0.01)

    has_trail, has_case = Event(), Event()
    make = Case.objects.get_or_create

    def making(**values: Any) -> Any:
        """Who sets a hold comes here with the trail; who links may have nothing yet, and goes on to it with the case."""
        if current_thread().name == HOLDS:
            meet(has_trail, has_case)
            return make(**values)
        made = make(**values)
        meet(has_case, has_trail)
        return made

    Case.objects.get_or_create = making  # type: ignore[method-assign]

    def post(person: Person, address: str, said: dict[str, str]) -> Callable[[], None]:
        client = Client(raise_request_exception=False, headers={"host": settings.ALLOWED_HOSTS[0]})
        client.force_login(person)

        def posted() -> None:
            try:
                client.post(address, said)
            finally:
                connection.close()

        return posted

    until = (date.today() + timedelta(90)).isoformat()  # noqa: DTZ011
    hold = {"kind": "objection", "case": "Z-NEW", "reason": "Hoorzitting", "until": until}
    acts = (
        post(desk, f"/recordings/{held}/hold/", hold),
        post(worker, f"/meetings/{linked}/case/", {"case": "Z-NEW", "there": "on"}),
    )
    threads = [Thread(target=act, name=name) for act, name in zip(acts, (HOLDS, "links"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if Hold.objects.filter(recording=held).exists():
        print("held")
    if Link.objects.filter(recording=linked).exists():
        print("linked")


if __name__ == "__main__":
    main()
