"""One of several processes that act at once: `python -m tests.web.clerks CONFIG ACT RECORDING`.

It says "ready", waits for a line, acts, and says what came of it.
"""

import sys
from pathlib import Path

from recorder.archive.web.serving import set_up


def main(config_file: str, act: str, recording: str) -> None:
    set_up(Path(config_file))

    from recorder.archive.access import Role
    from recorder.archive.web.people.models import Person
    from recorder.archive.web.rights.deciding import TooLate, decide
    from recorder.archive.web.rights.kinds import Kind, State
    from recorder.archive.web.rights.models import Request
    from recorder.archive.web.rights.opening import open_request

    if act == "decide":
        asked = Request.objects.get(recording=recording)
        person = Person.objects.make(f"{id(asked)}-{sys.argv[-1]}@gemeente.example", "Somebody", [Role.RIGHTS_DESK])
    print("ready", flush=True)
    sys.stdin.readline()
    if act == "open":
        print(open_request(recording, Kind.RESTRICTION, "", person=None).pk, flush=True)
        return
    try:
        decide(person, Role.RIGHTS_DESK, asked, State.GRANTED, "Ja.")
    except TooLate:
        print("too late", flush=True)
    else:
        print("decided", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
