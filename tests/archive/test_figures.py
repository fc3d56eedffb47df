"""The intake's figures, from a real intake at a real broker: what they tell, and what no scrape tells."""

import contextlib
import itertools
import os
import re
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder import tls
from recorder.archive.catalogue import Catalogue
from recorder.archive.clerk import Clerk
from recorder.archive.coarse import MEETING_ITEMS_MAX
from recorder.archive.figures import Figures
from recorder.archive.intake import INBOX_BYTES_MAX, Intake
from recorder.archive.metrics import serve
from recorder.config import load
from recorder.errors import MetricsError
from recorder.keyfiles import load_device
from recorder.wire.judge import Verdict
from recorder.wire.upload import Upload
from tests.archive.site import SECONDS_MAX, Device, Site
from tests.fleet.test_authority import certificate
from tests.rooms import Room

HALF_PAST = 1_000 * 3_600.0 + 1_800
"""Unix seconds, in the middle of an hour."""
NEVER_THE_SAME = re.compile(r"^\w+_timestamp_seconds .*$|^wederhoor_archive_disk_used_ratio .*$", re.MULTILINE)
"""When the intake started and the certificate ends; and the disk, which the tests share with everybody."""


def make(tmp_path: Path, **changes) -> Figures:
    values = {"verdicts": Counter(), "wall": lambda: HALF_PAST, "monotonic": lambda: 0.0, "below": lambda _: 0}
    values |= changes
    return Figures(values.pop("verdicts"), tmp_path, 2e9, 100, 1_000, **values)


def told(figures: Figures) -> dict[str, float]:
    """By name and the one label's value."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in figures.collect()
        for sample in family.samples
    }


def test_what_comes_is_counted_in_steps(tmp_path: Path) -> None:
    verdicts: Counter[Verdict] = Counter()
    clock = itertools.count()
    figures = make(tmp_path, verdicts=verdicts, monotonic=lambda: next(clock) * 10.0)
    for _ in range(MEETING_ITEMS_MAX):
        figures.began()
        verdicts[Verdict.NEW] += 2
        figures.done(receipts=3)
    names = ("items_total new", "items_total duplicate", "batches_total", "receipts_total", "busy_seconds_total")
    steps = [2 * MEETING_ITEMS_MAX, 0, MEETING_ITEMS_MAX, 3 * MEETING_ITEMS_MAX, 162_000]
    assert [told(figures)[f"wederhoor_intake_{name}"] for name in names] == steps


def test_the_first_step_begins_at_a_secret(tmp_path: Path) -> None:
    verdicts = Counter({Verdict.NEW: 1})
    assert told(make(tmp_path, verdicts=verdicts))["wederhoor_intake_items_total new"] == 0
    last = make(tmp_path, verdicts=verdicts, below=lambda step: step - 1)
    assert told(last)["wederhoor_intake_items_total new"] == MEETING_ITEMS_MAX
    several = {Figures(Counter(), tmp_path, 2e9, 100, 1_000)._batch_steps._start for _ in range(8)}
    assert len(several) > 1


def test_what_is_rejected_is_told_at_the_first_one(tmp_path: Path) -> None:
    verdicts: Counter[Verdict] = Counter()
    figures = make(tmp_path, verdicts=verdicts)
    figures.began()
    figures.done(0)
    names = [f"wederhoor_intake_rejecting {verdict}" for verdict in ("conflict", "refused")]
    assert [told(figures)[name] for name in names] == [0, 0]
    verdicts[Verdict.CONFLICT] += 1
    figures.began()
    figures.done(1)
    assert [told(figures)[name] for name in names] == [1, 0]


def test_a_worker_that_does_not_come_back_is_told(tmp_path: Path) -> None:
    now = [5.0]
    figures = make(tmp_path, monotonic=lambda: now[0])
    figures.waits(3, 30)
    now[0] += 9.0
    figures.waits(4, 40)
    assert told(figures)["wederhoor_intake_stalled_seconds"] == 0
    now[0] += 66.0
    assert told(figures)["wederhoor_intake_stalled_seconds"] == 70, "before it was checked, or while it is stored"
    figures.began()
    figures.done(0)
    assert told(figures)["wederhoor_intake_stalled_seconds"] == 0
    now[0] += 30.0
    assert told(figures)["wederhoor_intake_stalled_seconds"] == 30, "the rest still waits"
    figures.done(0)
    figures.waits(0, 0)
    now[0] += 1e6
    assert told(figures)["wederhoor_intake_stalled_seconds"] == 0, "there is nothing to do"


def test_the_inbox_is_as_full_as_its_items_or_its_bytes(tmp_path: Path) -> None:
    figures = make(tmp_path)
    for items, bytes_, ratio in ((9, 99, 0), (100, 0, 1), (0, 550, 0.5), (30, 200, 0.3)):
        figures.waits(items, bytes_)
        assert told(figures)["wederhoor_intake_inbox_ratio"] == ratio


def test_the_hour_of_the_last_message_is_told_when_it_is_over(tmp_path: Path) -> None:
    wall = [HALF_PAST]
    figures = make(tmp_path, wall=lambda: wall[0])
    name = "wederhoor_intake_last_message_hour_timestamp_seconds"
    figures.began()
    assert name not in told(figures)
    wall[0] += 1_800
    assert told(figures)[name] == HALF_PAST + 1_800


@pytest.mark.parametrize(("free", "available", "full"), [(88, 36, 0.25), (100, 100, 0.0), (5, 0, 1.0), (10, 10, 0.9)])
def test_the_disk_is_as_full_as_df_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, available: int, full: float
) -> None:
    """What nobody but root may fill counts neither as used nor as room."""
    disk = os.statvfs_result((4_096, 4_096, 100, free, available, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    assert told(make(tmp_path))["wederhoor_archive_disk_used_ratio"] == full


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    figures = make(tmp_path)
    with (
        serve("127.0.0.1", 0, figures) as port,
        pytest.raises(MetricsError, match=f"metrics cannot be served at 127.0.0.1:{port}: Address already in use"),
        serve("127.0.0.1", port, figures),
    ):
        pass
    with pytest.raises(MetricsError, match="no-such-host"), serve("no-such-host.invalid", 1, figures):
        pass


class Watched:
    """An intake in this process, with clocks and dice of the test's, and everything that scrapes saw of it."""

    def __init__(self, site: Site, figures: Figures, port: int) -> None:
        self.site, self.figures, self._port = site, figures, port
        self.seen: list[str] = []

    def scrape(self) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=SECONDS_MAX) as answer:
            text = NEVER_THE_SAME.sub("", answer.read().decode())
        if not self.seen or self.seen[-1] != text:
            self.seen.append(text)


@contextlib.contextmanager
def intake(folder: Path) -> Iterator[Watched]:
    site = Site(folder)
    site.broker.start()
    config = load(site.config).archive
    catalogue = Catalogue(f"sqlite:///{folder / 'archive' / 'catalogue.sqlite'}")
    clerk = Clerk(config.name, load_device(folder / "archive/keys/receipt.key"), site.store, catalogue, 126)
    ends = tls.Identity(folder / "archive" / "keys").ends.timestamp()
    ticks = itertools.count()
    figures = Figures(
        clerk.verdicts,
        folder,
        ends,
        config.queue_items,
        INBOX_BYTES_MAX,
        wall=lambda: HALF_PAST,
        monotonic=lambda: next(ticks) * 0.05,
        below=lambda _: 0,
    )
    listening = threading.Event()
    served = Intake(config, clerk, listening.set, figures)
    thread = threading.Thread(target=served.run)
    with serve("127.0.0.1", 0, figures) as port:
        watched = Watched(site, figures, port)
        thread.start()
        try:
            assert listening.wait(SECONDS_MAX)
            yield watched
        finally:
            served.stop()
            thread.join()
            catalogue.close()
            site.close()


def test_the_end_of_the_certificate_that_the_broker_shows_is_told(tmp_path: Path) -> None:
    name = "wederhoor_broker_certificate_end_timestamp_seconds"
    assert name not in told(make(tmp_path)), "it was not seen yet"
    with intake(tmp_path) as watched:
        shown = certificate(tmp_path / "broker" / "keys" / "tls.pem").not_valid_after_utc
        assert told(watched.figures)[name] == shown.timestamp()


def seen_around_a_no(folder: Path, blocks: int, *, enrolled: bool) -> list[str]:
    """Whatever scrapes see while a meeting comes in whose client says no after so many blocks, one after the other."""
    with intake(folder) as watched:
        site = watched.site
        name = "room-1" if enrolled else "stranger"
        if not enrolled:
            site.authority.enrol_room(name, folder / name, [folder / "reader.pub"])
            site.rooms[name] = Room(name, load_device(folder / name / "keys" / "signing.key"))
        device = Device(site, name)
        assert device.connect()
        recording = device.room.record(blocks)
        watched.scrape()

        def send(*uploads: Upload) -> None:
            """As a room does: a few on the road, and more when they are answered."""
            for few in eights(uploads):
                wanted = len(device.stored) + len(device.rejected) + len(few)
                device.send(*few)
                device.wait(lambda it, wanted=wanted: len(it.stored) + len(it.rejected) >= wanted)
                watched.scrape()

        send(recording.preamble)
        send(*recording.blocks)
        device.send(recording.refusal)
        if enrolled:
            device.wait(lambda it: it.purged)
            device.send(*recording.blocks[-2:])  # late ones, which were on the road
            device.wait(lambda it: len(it.purged) > 1)
            device.deliver(recording.refusal_receipt)
        else:
            device.wait(lambda it: it.rejected[-1].type == "manifest")
        watched.scrape()
        device.close()
    return watched.seen


def eights(uploads: tuple[Upload, ...]) -> Iterator[tuple[Upload, ...]]:
    for at in range(0, len(uploads), 8):
        yield uploads[at : at + 8]


@pytest.mark.parametrize("enrolled", [True, False])
def test_a_no_after_one_block_looks_like_one_after_four_hundred(tmp_path: Path, enrolled: bool) -> None:
    short, long = (seen_around_a_no(tmp_path / str(blocks), blocks, enrolled=enrolled) for blocks in (1, 400))
    assert short == long
    assert len(short) == (1 if enrolled else 2), "that something was rejected, and nothing else, is told"
    assert "wederhoor_intake_subscribed 1.0" in short[0]
    assert not re.search(r"^(process|python)_", short[0], re.MULTILINE), "they count the work"


def test_the_broker_that_goes_away_is_told(tmp_path: Path) -> None:
    with intake(tmp_path) as watched:
        assert told(watched.figures)["wederhoor_intake_subscribed"] == 1
        watched.site.broker.kill()
        deadline = time.monotonic() + SECONDS_MAX
        while told(watched.figures)["wederhoor_intake_subscribed"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        watched.site.broker.start()
        while not told(watched.figures)["wederhoor_intake_subscribed"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)


class Noting(Figures):
    """What the intake says to it, beside."""

    def __init__(self, *arguments, **named) -> None:
        super().__init__(*arguments, **named)
        self.inboxes: set[tuple[int, bool]] = set()

    def waits(self, items: int, bytes_: int) -> None:
        super().waits(items, bytes_)
        self.inboxes.add((items, bytes_ > 0))


def test_the_intake_says_what_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "Figures", Noting)
    with intake(tmp_path) as watched:
        device = Device(watched.site, "room-1")
        recording = device.room.record(3)
        device.deliver(*recording.kept)
        device.close()
    figures = watched.figures
    assert isinstance(figures, Noting)
    assert 1 <= figures._batches <= len(recording.kept)
    assert 1 <= figures._receipts <= len(recording.kept)
    assert figures._busy_seconds > 0
    assert figures._began is None
    assert figures._came.told(HALF_PAST + 1_800) == HALF_PAST + 1_800
    assert {waiting for items, waiting in figures.inboxes if items} == {True}
    assert (0, False) in figures.inboxes
