"""What an older version left of cases, brought up to date: `python -m tests.web.older_cases CONFIG`.

It goes back to when a number was kept as it was typed, leaves cases there, comes back, and says as JSON what became of them.
"""

import json
import sys
from pathlib import Path

from recorder.archive.web.serving import set_up

CASES = (("z-1", 100), ("Z-1", 300), ("Z-2", None), ("z-3/b", 100), ("z-2", None))
"""Each with when it was decided."""
LINKED = ("z-1", "Z-1", "z-1", "z-3/b")
HELD = ("z-1", "Z-1", "z-2")


def main(config_file: str) -> None:
    set_up(Path(config_file))
    from django.core.management import call_command

    from recorder.archive.web.holds.models import Hold
    from recorder.archive.web.meetings.models import Case, Link
    from recorder.archive.web.trail import chain, reading, writing
    from recorder.archive.web.trail.models import Line

    call_command("migrate", verbosity=0, interactive=False)
    call_command("migrate", "meetings", "0002", verbosity=0, interactive=False)
    cases = {number: Case.objects.create(number=number, decided_ms=decided_ms) for number, decided_ms in CASES}
    for place, number in enumerate(LINKED):
        Link.objects.create(recording=str(place) * 32, case=cases[number], device="room-1", at_ms=0)
    for number in HELD:
        Hold.objects.create(
            case=cases[number], kind="objection", reason="", expires_ms=1, placed_ms=0, at_once=True, recording=None
        )
    writing.write(person="somebody", role="listener", action="find", details={"case": "z-1"})
    before = list(Line.objects.values_list("text", "details", "hash"))
    for _ in range(2):  # once more changes nothing
        call_command("migrate", verbosity=0, interactive=False)
        call_command("migrate", "meetings", "0002", verbosity=0, interactive=False)
    call_command("migrate", verbosity=0, interactive=False)
    chain.check([], 0)
    found = {
        "cases": sorted(Case.objects.values_list("number", "decided_ms")),
        "links": list(Link.objects.order_by("recording").values_list("recording", "case__number")),
        "holds": sorted(Hold.objects.values_list("case__number", flat=True)),
        "trail_is_as_it_was": list(Line.objects.values_list("text", "details", "hash")) == before,
        "typed": [reading.details(each) for each in Line.objects.all()],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
