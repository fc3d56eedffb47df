"""What those see who run it: figures and logs of a real room's meetings, from whom nobody learns what they need not know."""

import json
import re
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recorder.trial import children
from recorder.trial.intake import archive_command
from recorder.trial.soundstage import SoundStage
from tests.archive.test_watch import free_port
from tests.end_to_end.conftest import MakeHouse
from tests.end_to_end.house import SECONDS_MAX, House, recorder, until

ALWAYS_ANOTHER = re.compile(r"^\w+(_timestamp_seconds|_disk_used_ratio|_total)\b.*$", re.MULTILINE)
"""Times; the disk, which is everybody's; and counts, whose first step begins at a secret (tests/archive/test_figures.py)."""
PEOPLE = {"controller": "Gemeente Nergenshuizen", "address": "Kade 9, Nergenshuizen", "contact": "fg@nergens.example"}
BLOCK_SECONDS = 0.2


class Scrapes:
    """Everything that two scrapers saw since `begin`, again and again until `end`."""

    def __init__(self, *ports: int) -> None:
        self._ports = ports
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._scrape)
        self.seen: set[str] = set()
        self.count = 0

    def look(self) -> str:
        texts = []
        for port in self._ports:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS_MAX) as answer:
                texts.append(ALWAYS_ANOTHER.sub("", answer.read().decode()))
        return "".join(texts)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _scrape(self) -> None:
        while not self._over.wait(0.05):
            self.seen.add(self.look())
            self.count += 1


@contextmanager
def watched(house: House) -> Iterator[Scrapes]:
    """With a room that is heard, and whose self-test is over."""
    ports = house.settings.metrics.intake_port, house.settings.metrics.watch_port
    with (house.folder / "watch.log").open("ab") as errors:
        process = children.start(
            archive_command(house.archive_config, "watch"), output=subprocess.DEVNULL, errors=errors
        )
    scrapes = Scrapes(*ports)
    try:
        until("watch", lambda: "connected to" in (house.folder / "watch.log").read_text())
        room = house.start_room()
        room.wait_for("self-test", lambda it: it.report is not None and it.report.status.selftest_ms > 0, SECONDS_MAX)
        until("room that is heard", lambda: 'wederhoor_room_heard{room="room-1"} 1.0' in scrapes.look())
        yield scrapes
    finally:
        process.terminate()
        process.wait(SECONDS_MAX)


def logs(house: House) -> dict[str, str]:
    """Every log of the machines."""
    return {file.name: file.read_text(errors="replace") for file in sorted(house.folder.rglob("*.log"))}


def alike(text: str) -> str:
    """A log without what is another each time: ids, ports and times."""
    text = re.sub(r"[0-9a-f]{16,32}", "ID", text)
    text = re.sub(r"\b20\d\d-\d\d-\d\d[ T][\d:.,+]+", "TIME", text)
    return re.sub(r"\b\d{4,}\b", "NUMBER", text)


def refused(house: House, blocks: int) -> tuple[set[str], dict[str, str]]:
    """What scrapes and logs tell of a meeting whose client says no after so many blocks."""
    with watched(house) as scrapes:
        recording = house.begin(blocks=1)
        scrapes.begin()
        found = json.loads(recorder("status", "--config", house.folder / "archive.toml", "--json").stdout)
        assert [(room["name"], room["seen"], room["use"]) for room in found["rooms"]] == [
            ("room-1", "online", "in_use")
        ]
        assert found["intake"]["subscribed"]
        house.await_sealed(recording, blocks)
        house.room.press("refuse")
        house.room.wait_for("purge", lambda it: it.happened("purged", recording), SECONDS_MAX)
        sealed = len(house.room.happened("sealed", recording))
        assert sealed >= blocks
        told = json.loads(recorder("status", "--config", house.folder / "archive.toml", "--json").stdout)
        assert [room["use"] for room in told["rooms"]] == ["in_use"], "who said no is told to nobody"
        scrapes.end()
        house.stop_room()
        assert scrapes.count > 20
    return scrapes.seen, {name: alike(text) for name, text in logs(house).items()}


@pytest.fixture
def changes() -> dict[str, dict[str, object]]:
    return {
        "consent": dict(PEOPLE),
        "seal": {"block_seconds": BLOCK_SECONDS},
        "metrics": {"intake_port": free_port(), "watch_port": free_port()},
    }


def test_neither_figures_nor_logs_tell_for_how_long_somebody_spoke_before_a_no(
    tmp_path: Path, stage: SoundStage, speech: Path, changes: dict[str, dict[str, object]]
) -> None:
    """Promise 2, and docs/threats.md: a no soon after the start leaves what one much later leaves."""
    with House(tmp_path / "soon", stage, speech, changes) as house:
        soon, soon_logs = refused(house, 1)
    with House(tmp_path / "late", stage, speech, changes) as house:
        late, late_logs = refused(house, 40)
    assert soon_logs.keys() == late_logs.keys() == {"room.log", "archive.log", "watch.log", "mosquitto.log"}
    for name, text in soon_logs.items():
        assert text == late_logs[name].replace(str(tmp_path / "late"), str(tmp_path / "soon")), name
    assert soon == late
    assert len(soon) == 1, "nothing moves while somebody speaks, nor when they say no: when it moved would tell"


def test_no_log_names_anybody_or_tells_what_a_receipt_tells(
    make_house: MakeHouse, changes: dict[str, dict[str, object]]
) -> None:
    """One meeting that is kept and one that is refused: people and their purposes are in receipts, not in logs."""
    house = make_house(changes)
    with watched(house):
        kept = house.begin(blocks=5)
        house.end()
        house.await_signed(kept)
        recording = house.begin(blocks=3)
        house.room.press("refuse")
        house.room.wait_for("purge", lambda it: it.happened("purged", recording), SECONDS_MAX)
        receipt = house.archived(kept)["receipt"]
        assert all(each.encode() in receipt for each in PEOPLE.values())
        assert recorder("status", "--config", house.folder / "archive.toml").returncode in (0, 1)
    found = logs(house)
    assert len(found["room.log"]) > 100 and f"purged: recording={recording}" in found["archive.log"]
    words = {word for value in PEOPLE.values() for word in re.findall(r"[\w@.]{5,}", value)} | {"public_task"}
    assert not {(name, word) for name, text in found.items() for word in words if word in text}
    assert "start pressed: idle -> preparing" in found["room.log"]
    assert "-> recording" not in found["room.log"], (
        "a log has times: it would tell for how long was recorded before a no"
    )
    assert not [line for line in "".join(found.values()).splitlines() if re.search(r"\b(block|sealed)\b.*\d", line)]
