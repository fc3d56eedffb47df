"""What an older version left at the rights desk, brought up to date: `python -m tests.web.older CONFIG RECORDING`.

It goes back to before two people were needed, leaves erasures there, comes back, and says as JSON what became of each.
"""

import json
import sys
from pathlib import Path

from recorder.archive.web.serving import set_up
from recorder.wire.consent import DAY_MS

LEFT = (("entered", "counter", 2), ("by_code", "page", 2), ("late", "letter", 0.75))
"""Each with the channel it came by, and how many days ago; they are open, and nobody had a say in it."""


def main(config_file: str, recording: str) -> None:
    set_up(Path(config_file))
    from django.core.management import call_command
    from django.db import connection

    from recorder.archive.access import Role
    from recorder.archive.web.clock import now_ms
    from recorder.archive.web.people.models import Person

    person = Person.objects.make("desk@gemeente.example", "Somebody", [Role.RIGHTS_DESK])
    told = {}
    for name, channel, days_ago in LEFT:
        call_command("migrate", "rights", "0002", verbosity=0, interactive=False)
        came_ms, by = now_ms() - int(days_ago * DAY_MS), None if channel == "page" else person.pk.hex
        if connection.vendor == "postgresql" and by is not None:
            by = str(person.pk)
        values = ["0" * 32, recording, "erasure", channel, "", came_ms, came_ms + 30 * DAY_MS, "open", ""]
        fields = "id, recording, kind, channel, words, came_ms, due_ms, state, decision"
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM rights_event")
            cursor.execute("DELETE FROM rights_request")
            cursor.execute(f"INSERT INTO rights_request ({fields}) VALUES ({', '.join(['%s'] * 9)})", values)
            event = ["0" * 32, "came", "", by, came_ms]
            cursor.execute(
                "INSERT INTO rights_event (request_id, what, words, person_id, at_ms) VALUES (%s,%s,%s,%s,%s)", event
            )
        for _ in range(2):  # once more changes nothing
            call_command("migrate", verbosity=0, interactive=False)
            call_command("migrate", "rights", "0004", verbosity=0, interactive=False)
        call_command("migrate", verbosity=0, interactive=False)
        told[name] = _told(recording, person, came_ms)
    print(json.dumps(told))


def _told(recording, person, came_ms):  # type: ignore[no-untyped-def] # modules that need Django
    from recorder.archive.web.meetings.seen import see
    from recorder.archive.web.rights.models import Request

    found = Request.objects.get()
    (seen,) = see([recording])
    return {
        "proposed": found.proposed,
        "by_who_entered": found.proposed_by_id == person.pk,
        "words": bool(found.decision),
        "happened": [each.what for each in found.events.order_by("id")],
        "due_after_days": round((found.due_ms - seen.row.came_ms) / DAY_MS),
        "locked": seen.fate.locked,
        "goes": seen.fate.goes_ms is not None,
    }


if __name__ == "__main__":
    main(*sys.argv[1:3])
