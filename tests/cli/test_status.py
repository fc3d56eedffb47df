"""`recorder status`: what somebody sees who runs rooms and archive, and what a script is told."""

import json
import re
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from recorder.archive import overview
from recorder.archive.overview import DAY_MS, Intake, Trouble, judge
from recorder.cli import main, status
from recorder.meeting.fault import Fault
from recorder.meeting.table import State
from recorder.tls import distrust
from recorder.wire.status import Status
from tests.archive.site import Site
from tests.archive.test_watch import free_port
from tests.fleet.test_authority import certificate

NOW_MS = 1_700_000_000_000
WELL = Status(
    "room-1",
    online=True,
    version="1",
    state="idle",
    clock_synced=True,
    spool_bytes=5_000_000,
    spool_capacity_bytes=1_073_741_824,
    certificate_ends_ms=NOW_MS + 400 * DAY_MS,
    started_ms=NOW_MS - DAY_MS,
    said_ms=NOW_MS - 5_000,
)
ENDS_MS = NOW_MS + 400 * DAY_MS
LISTENS = Intake(answers=True, subscribed=True, disk_used_ratio=0.12)


def distrust_of(reason: str) -> str:
    """What is said of a broker whose certificate was refused for this."""
    error = ssl.SSLCertVerificationError()
    error.verify_message = reason
    return distrust(error)


def troubles(said: Status | None = WELL, **changes: Any) -> list[tuple[str, str, str]]:
    values: dict[str, Any] = {"ends": ENDS_MS, "broker_ends": ENDS_MS, "broker": "", "intake": LISTENS} | changes
    enrolled = values.get("enrolled", ["room-1"])
    names = ("ends", "broker_ends", "broker", "intake")
    found = judge(NOW_MS, *(values[name] for name in names), enrolled, {"room-1": said} if said else {})
    return [(each.room, each.what, each.told) for each in found.troubles]


def but(**changes: Any) -> Status:
    return msgspec.structs.replace(WELL, **changes)


def test_nothing_needs_a_person_where_all_is_well() -> None:
    assert troubles() == troubles(intake=None) == []


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (troubles(enrolled=[]), [("", "no_room", "")]),
        (troubles(None), [("room-1", "never", "")]),
        (troubles(Status("room-1", online=False)), [("room-1", "gone", "")]),
        (troubles(but(online=False)), [("room-1", "gone", "")]),
        (troubles(but(said_ms=NOW_MS - 181_000)), [("room-1", "silent", "")]),
        (troubles(but(said_ms=NOW_MS - 179_000)), []),
        (troubles(but(said_ms=0, clock_synced=False, faults=("clock",))), [("room-1", "clock", "")]),
        (troubles(but(faults=("broker",))), [("room-1", "other", "broker")]),
        (troubles(but(complaint="unknown")), [("room-1", "rejected", "unknown")]),
        (troubles(but(spool_bytes=858_993_460)), [("room-1", "spool", "")]),
        (troubles(but(spool_bytes=858_993_458)), []),
        (troubles(but(certificate_ends_ms=NOW_MS + 30 * DAY_MS)), [("room-1", "certificate", "")]),
        (troubles(but(certificate_ends_ms=NOW_MS + 30 * DAY_MS + 1)), []),
        (troubles(ends=NOW_MS + 30 * DAY_MS), [("", "certificate", "")]),
        (troubles(broker_ends=NOW_MS + 30 * DAY_MS), [("", "broker_certificate", "")]),
        (troubles(broker_ends=NOW_MS + 30 * DAY_MS + 1), []),
        (troubles(broker_ends=None), []),
        (troubles(None, broker="refused"), [("", "broker", "refused")]),
        (troubles(intake=Intake(answers=False)), [("", "intake_down", "")]),
        (troubles(intake=Intake(answers=True)), [("", "intake_not_subscribed", "")]),
        (troubles(intake=Intake(True, True, stalled_seconds=60)), [("", "intake_stalled", "")]),
        (troubles(intake=Intake(True, True, rejecting=("conflict",))), [("", "rejecting", "conflict")]),
        (troubles(intake=Intake(True, True, disk_used_ratio=0.8)), [("", "disk", "80%")]),
    ],
)
def test_what_needs_a_person(found: list[tuple[str, str, str]], wanted: list[tuple[str, str, str]]) -> None:
    assert found == wanted


def test_of_a_meeting_it_says_that_the_room_is_in_use_and_not_who_said_no() -> None:
    used = {
        state: judge(NOW_MS, ENDS_MS, ENDS_MS, "", None, ["room-1"], {"room-1": but(state=state.value)})
        for state in State
    }
    assert {used[state].rooms[0].use for state in State} == {"free", "in_use", "fault"}
    assert used[State.REFUSED] == used[State.RECORDING]


def test_both_languages_have_every_word() -> None:
    dutch, english = (status._WORDS[language] for language in ("nl", "en"))
    assert dutch.keys() == english.keys()
    for key in dutch:
        assert set(re.findall(r"{\w+}", dutch[key])) == set(re.findall(r"{\w+}", english[key])), key
    assert len(dutch["columns"].split("|")) == len(english["columns"].split("|")) == 8
    source = Path(overview.__file__).read_text(encoding="utf-8")
    named = {*re.findall(r'Trouble\([^,]+, "(\w+)"', source), "silent", "gone", "never", "other"}
    assert {f"trouble {name}" for name in named} == {key for key in dutch if key.startswith("trouble ")}
    assert not {fault.name.lower() for fault in Fault} & named


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With an intake that serves figures, and two rooms of which one never spoke."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.config.write_text(site.config.read_text() + f"[metrics]\nintake_port = {free_port()}\n")
    site.broker.start()
    site.start_archive()
    yield site
    site.close()


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not this machine's, which anybody may fill."""
    monkeypatch.setattr(overview, "DISK_RATIO_MAX", 2.0)


def say(site: Site, **changes: Any) -> None:
    now_ms = time.time_ns() // 1_000_000
    values = {"said_ms": now_ms, "certificate_ends_ms": now_ms + 400 * DAY_MS, "room": "room-1"} | changes
    said = msgspec.structs.replace(WELL, **values)
    site.say(said.room, msgspec.json.encode(said))


def look(site: Site, *arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["status", "--config", str(site.config), *arguments])
    told = capsys.readouterr()
    assert told.err == ""
    return code, told.out


def test_a_person_and_a_script_see_that_all_is_well(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    say(site)
    say(site, room="room-2", state="recording", backlog=1_200, caught_up=20_400)
    code, told = look(site, "--language", "en", capsys=capsys)
    assert code == 0
    assert "the broker localhost:" in told and "the intake listens" in told
    rows = [line.split("  ") for line in told.splitlines() if line.startswith("room-")]
    assert [[cell.strip() for cell in row if cell.strip()][:5] for row in rows] == [
        ["room-1", "connected", "free", "5 of 1024 MiB", "0"],
        ["room-2", "connected", "in use", "5 of 1024 MiB", "1200 of 21600 to go"],
    ]
    assert told.endswith("All is well.\n")
    code, told = look(site, capsys=capsys)
    assert code == 0 and told.endswith("Alles is in orde.\n")
    code, told = look(site, "--json", capsys=capsys)
    found = json.loads(told)
    assert code == 0
    assert (found["broker"], found["troubles"], found["intake"]["subscribed"]) == ("", [], True)
    shown = certificate(site.folder / "broker" / "keys" / "tls.pem").not_valid_after_utc
    assert found["broker_certificate_ends_ms"] == shown.timestamp() * 1_000
    keys = ("name", "use", "backlog", "caught_up")
    assert [tuple(room[key] for key in keys) for room in found["rooms"]] == [
        ("room-1", "free", 0, 0),
        ("room-2", "in_use", 1_200, 20_400),
    ]


def test_what_is_wrong_is_told_in_words_and_by_the_code(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    say(site, faults=("microphone_silent",), complaint="\x1b[2Jdevice \x07unknown")
    site.say("room-2", msgspec.json.encode(Status("room-2", online=False)))
    code, told = look(site, "--language", "nl", capsys=capsys)
    assert code == 1
    assert "  room-1: De microfoon hoort niets. Staat hij uit?\n" in told
    assert "  room-1: Het archief neemt niet alles van deze kamer aan: ?[2Jdevice ?unknown\n" in told
    assert "  room-2: Deze kamer is niet verbonden. Heeft zij stroom en netwerk?\n" in told
    code, told = look(site, "--json", capsys=capsys)
    assert code == 1
    assert [(each["room"], each["what"]) for each in json.loads(told)["troubles"]] == [
        ("room-1", "microphone_silent"),
        ("room-1", "rejected"),
        ("room-2", "gone"),
    ]
    assert not [character for character in told if not character.isprintable() and character != "\n"]


def test_a_room_that_never_spoke_is_waited_for_a_moment_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path)
    site.broker.start()
    try:
        say(site)
        code, told = look(site, "--language", "en", capsys=capsys)
    finally:
        site.close()
    assert code == 1
    assert "  room-2: This room never said anything, or the broker has forgotten it.\n" in told
    assert "the intake tells nothing of itself (metrics.intake_port is 0)" in told


def test_a_broker_and_an_intake_that_are_away_need_a_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = Site(tmp_path)
    site.config.write_text(site.config.read_text() + f"[metrics]\nintake_port = {free_port()}\n")
    code, told = look(site, "--language", "en", capsys=capsys)
    assert code == 1
    assert "  the archive: The broker cannot be reached: the connection was refused. " in told
    assert "  the archive: The intake does not answer. Is it running?\n" in told
    assert "room-1: " not in told, "of the rooms nothing is known"
    rows = [line.split("  ") for line in told.splitlines() if line.startswith("room-")]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["room-1", "not known"],
        ["room-2", "not known"],
    ]
    code, told = look(site, capsys=capsys)
    assert code == 1
    assert "room-1  niet bekend" in told
    assert "  het archief: De broker is niet bereikbaar: de verbinding is geweigerd. " in told
    code, told = look(site, "--json", capsys=capsys)
    assert json.loads(told)["broker"] == "Connection refused", "and no number"


def test_wrong_use_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "archive.toml"
    file.write_text(f'[archive]\nfolder = "{tmp_path / "archief"}"\n')
    assert main(["status", "--config", str(file)]) == 2
    assert "ca.pem, tls.pem and tls.key cannot be used" in capsys.readouterr().err
    file.write_text("[archive]\nflder = 1\n")
    assert main(["status", "--config", str(file)]) == 2
    assert "line 2: archive.flder: there is no such key" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["status", "--langage", "nl"])
    assert ended.value.code == 2


@pytest.fixture
def elsewhere(site: Site, tmp_path: Path) -> Callable[[str], Path]:
    """A function that gives settings with another catalogue; the rest is the site's."""
    shutil.copytree(site.folder / "archive" / "keys", tmp_path / "archive" / "keys")

    def made(catalogue: str) -> Path:
        file = tmp_path / "archive.toml"
        file.write_text(
            f'[archive]\nfolder = "{tmp_path / "archive"}"\ncatalogue = "{catalogue}"\nport = {site.broker.port}\n'
        )
        return file

    return made


def test_without_the_catalogue_the_rest_is_shown(
    site: Site, elsewhere: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(site)
    say(site, room="room-2", state="recording")
    file = elsewhere(f"postgresql+psycopg://nobody@/x?host={tmp_path}")
    assert main(["status", "--config", str(file)]) == 1
    told = capsys.readouterr().out
    assert "de broker localhost:" in told
    rows = [line.split() for line in told.splitlines() if line.startswith("room-")]
    assert [row[:3] for row in rows] == [["room-1", "verbonden", "vrij"], ["room-2", "verbonden", "in"]]
    assert (
        "het archief: De catalogus is niet te lezen; hierboven staan de kamers die de broker kent: "
        "het bestand of de socket is er niet. Draait hij, en klopt het pad?"
    ) in " ".join(told.split())
    assert main(["status", "--config", str(file), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert "No such file" in found["catalogue"]
    assert [room["name"] for room in found["rooms"]] == ["room-1", "room-2"]
    assert [(each["room"], each["what"]) for each in found["troubles"]] == [("", "catalogue")]


def test_a_catalogue_that_is_lost_is_told_and_none_is_made(
    elsewhere: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = elsewhere("")
    assert main(["status", "--config", str(file), "--language", "en"]) == 1
    words = "there is no catalogue; check archive.folder and archive.catalogue."
    assert words in " ".join(capsys.readouterr().out.split())
    assert main(["archive", "--config", str(file), "watch"]) == 2
    assert words in capsys.readouterr().err
    assert [each.name for each in (tmp_path / "archive").iterdir()] == ["keys"]


def test_a_catalogue_that_is_damaged_is_told(
    elsewhere: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "archive" / "catalogue.sqlite").write_bytes(b"no database at all" * 100)
    assert main(["status", "--config", str(elsewhere("")), "--language", "en"]) == 1
    assert "the catalogue cannot be opened" in capsys.readouterr().out


def test_of_a_room_nothing_is_known_if_nobody_can_be_asked() -> None:
    found = judge(NOW_MS, ENDS_MS, ENDS_MS, "refused", None, ["room-1"], {})
    assert found.rooms[0].seen == "unknown"
    assert judge(NOW_MS, ENDS_MS, ENDS_MS, "", None, ["room-1"], {}).rooms[0].seen == "never"


CAUSES = {
    "Connection refused": ("geweigerd", "refused"),
    "timed out": ("geen antwoord", "no answer"),
    'connection to server at "db", port 5432 failed: timeout expired': ("geen antwoord", "no answer"),
    "Name or service not known": ("de naam is niet te vinden", "the name is not found"),
    'could not translate host name "db" to address: Name or service not known': ("niet te vinden", "not found"),
    distrust_of("self-signed certificate in certificate chain"): ("andere autoriteit", "another authority"),
    distrust_of("certificate has expired"): ("verlopen. Laat", "has ended. Have"),
    distrust_of("Hostname mismatch, certificate is not valid for 'h'."): ("andere naam", "another name"),
    "SSL error: certificate verify failed": ("andere autoriteit", "another authority"),
    "a thing of its own": ("a thing of its own", "a thing of its own"),
}


@pytest.mark.parametrize("told", CAUSES)
@pytest.mark.parametrize("what", ["broker", "catalogue"])
def test_the_commonest_causes_are_told_in_both_languages(told: str, what: str) -> None:
    dutch, english = CAUSES[told]
    assert dutch in status._told(Trouble("", what, told), "nl")
    assert english in status._told(Trouble("", what, told), "en")


def test_what_a_room_says_is_no_cause() -> None:
    assert status._told(Trouble("room-1", "rejected", "timed out"), "en").endswith(": timed out")
