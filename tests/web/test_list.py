"""`recorder archive list` tells when a recording goes as things are, as the nightly run judges it, with either database."""

import time

import msgspec

from recorder.wire.consent import DAY_MS
from tests.archive.conftest import postgresql_server  # noqa: F401 (a fixture)
from tests.rooms import Recording
from tests.web.test_forget import Site, site  # noqa: F401 (a fixture)

DO = """
import sys
from pathlib import Path
from recorder.archive.access import Role
from recorder.archive.web.serving import set_up
set_up(Path(sys.argv[1]))
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.models import Hold
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.kinds import Kind
from recorder.archive.web.rights.models import Request
from recorder.archive.web.rights.opening import open_request
decided, held, asked, lately = sys.argv[2:]
now = now_ms()
person, second = (Person.objects.make(f"{each}@gemeente.example", each, [Role.LISTENER]) for each in "ab")
for recording in (decided, held, asked, lately):
    case = Case.objects.create(number="Z-" + recording[:6].upper(), decided_ms=now if recording == decided else None)
    Link.objects.create(recording=recording, case=case, person=person, device="room-1", at_ms=now)
    if recording == held:
        Hold.objects.create(
            case=case, kind="objection", reason="x", expires_ms=now + 300 * 86_400_000, placed_by=person,
            placed_ms=now, at_once=True, confirmed_by=second, confirmed_ms=now,
        )
open_request(asked, Kind.ACCESS, "", person=None)
made = open_request(lately, Kind.ACCESS, "", person=None)
Request.objects.filter(pk=made.pk).update(state="refused", decided_ms=now)
"""


def told(site: Site, *recordings: Recording) -> list[dict[str, object]]:  # noqa: F811
    done = site.command("list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = {each["recording"]: each for each in map(msgspec.json.decode, done.stdout.splitlines())}
    return [found[each.id] for each in recordings]


def in_days(fate: object) -> object:
    """Rounded."""
    assert isinstance(fate, dict)
    goes_ms = fate["goes_ms"]
    return goes_ms and round((goes_ms - time.time() * 1_000) / DAY_MS)


def test_it_tells_what_people_decided(site: Site) -> None:  # noqa: F811
    decided, held, asked, lately, alone = (site.archive.record(days_ago=each) for each in (100, 3, 2, 2, 1))
    refused = site.archive.refuse()
    site.script(DO, decided.id, held.id, asked.id, lately.id)
    fates = [each["fate"] for each in told(site, decided, held, asked, lately, alone, refused)]
    assert fates[5] is None
    causes = [(in_days(each), each["cause"], each["kept"]) for each in fates[:5] if isinstance(each, dict)]
    assert causes == [
        (56, "decision", False),
        (300, "term", True),
        (None, "term", True),
        (124, "term", True),
        (13, "unlinked", False),
    ]
    lines = {line.split()[4]: line.split() for line in site.command("list").stdout.splitlines()[1:-1]}
    birth = time.strftime("%Y-%m-%d", time.localtime(time.time() + 26 * 86_400))
    assert lines[decided.id][-1] == "decision" and birth not in lines[decided.id]
    assert lines[held.id][-1] == "held"
    assert lines[asked.id][-4:] == ["not", "yet", "a", "request"]
    assert lines[lately.id][-3:] == ["term,", "held", "now"], (
        "one person decided it, and a colleague can look for a day"
    )
    assert lines[alone.id][-1] == "unlinked"
    assert lines[refused.id][-1] == "refused"


def test_without_what_people_did_it_says_that_the_date_is_the_one_from_birth(site: Site) -> None:  # noqa: F811
    """And makes no database: one that has no account, in the place of one that is lost, would look like it."""
    recording = site.archive.record()
    before = sorted(each.name for each in site.archive.folder.iterdir())
    done = site.command("list")
    assert done.returncode == 0
    head, *lines = done.stdout.splitlines()
    assert head.rstrip().endswith("date from birth")
    assert time.strftime("%Y-%m-%d", time.localtime(time.time() + 126 * 86_400)) in lines[0]
    assert "the date from birth is not what people decided since" in done.stdout
    assert ("cannot be asked; check web.database" in done.stderr) is bool(site.archive.config.web.database)
    assert "fate" not in msgspec.json.decode(site.command("list", "--json").stdout)
    assert recording.id in lines[0]
    assert sorted(each.name for each in site.archive.folder.iterdir()) == before
