"""The power is cut at every point where anything is written: on the card, and each byte in the hold.

A story is played once, and what a crash would leave is noted before every change: for a process that dies, for a power cut
that loses what was not synced, and for one that tears it; with a hold that a battery keeps, and with one that is lost. Each
of these is then restarted and judged. The same once more for every change that these restarts make.

What a restart shows follows from what is judged here: refused if a no stands, the grace period if a recording is in hand,
idle else. That is for the daemon, in `tests/end_to_end/test_power.py`.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from recorder import canonical
from recorder.audio import FRAME_TICKS
from recorder.device import spool
from recorder.device.hold import NvramHold
from recorder.device.slot import COMMITTED, REFUSED, SLOT_BYTES, STATE_AT
from recorder.sealed import layout, seal
from recorder.sealed.layout import RecordType
from recorder.sealed.verify import KeyboxState, Report, State
from recorder.wire.upload import Name
from tests.device.crashes import AFTERMATHS, KILLED, Card, Files, lay
from tests.device.test_custody import (
    BOOT,
    MOMENT,
    Device,
    Seen,
    Story,
    begin,
    begin_custody,
    blocks,
    chip,
    file_all,
    goes_on,
    heard,
    judge_receipts,
    kept,
    meeting,
    refuse,
    refused,
    told,
)

LOST = bytes(range(SLOT_BYTES))
"""A hold after a power cut without a battery: anything. One in RAM is not there any more, which leaves no more than this."""
PURGED = b"signed by the archive"


def id_of(preamble: bytes) -> str:
    return canonical.decode(layout.parse_record(preamble)[1][64:], layout.Preamble).recording


def refused_while_released(device: Device, seen: Seen) -> None:
    """The no comes when the release has begun, and nothing is decided."""
    meeting(device, seen)
    commit = device.hold.commit

    def press_and_commit() -> bool:
        seen.pressed = True
        assert device.hold.refuse()
        seen.erased = True
        return commit()

    device.hold.commit = press_and_commit  # type: ignore[method-assign]
    assert not device.custody.release(MOMENT, BOOT)
    device.standing.say()
    seen.refusing = True
    device.custody.refuse(MOMENT, BOOT)
    seen.refused = True


def refused_too_late(device: Device, seen: Seen) -> None:
    """The no comes while the card writes the keybox: it is one to the next meeting."""
    meeting(device, seen)
    seen.releasing = True
    put = device.spool.put

    def press_and_put(name: Name, record: bytes) -> None:
        if name.type is RecordType.KEYBOX:
            assert not device.hold.refuse()
        put(name, record)

    device.spool.put = press_and_put  # type: ignore[method-assign, assignment]
    assert device.custody.release(MOMENT, BOOT)
    seen.released = True


def cancelled(device: Device, seen: Seen) -> None:
    """Start pressed twice: the tap never opened."""
    preamble, box, _ = begin(device.chain.sequence, device.chain.previous)
    seen.keybox = box
    seen.id = id_of(preamble)
    begin_custody(device, preamble, box)
    seen.begun = seen.stopping = True
    device.custody.note("stop", 0, MOMENT, "stop")
    seen.emptying = True
    device.hold.erase()
    device.custody.write_empty(MOMENT, BOOT)


def refused_before_anything(device: Device, seen: Seen) -> None:
    preamble, _, sealer = begin(device.chain.sequence, device.chain.previous)
    sealer.wipe()
    seen.id = id_of(preamble)
    seen.pressed = True
    device.standing.say()
    seen.refusing = True
    device.custody.refuse_nothing(preamble, MOMENT, BOOT)
    seen.refused = True


def begun(device: Device, seen: Seen) -> seal.Sealer:
    """As far as the notice."""
    preamble, box, sealer = begin(device.chain.sequence, device.chain.previous)
    seen.keybox = box
    seen.id = id_of(preamble)
    begin_custody(device, preamble, box)
    seen.begun = True
    device.custody.note("notice_given", 0, MOMENT)
    return sealer


def refused_in_the_notice(device: Device, seen: Seen) -> None:
    begun(device, seen)
    refuse(device, seen)


def refused_while_recording(device: Device, seen: Seen) -> None:
    sealer = begun(device, seen)
    device.custody.note("recording", 0, MOMENT)
    for block in blocks(sealer)[:2]:
        device.custody.keep(block)
        seen.kept.append(block)
    device.custody.note("mark", FRAME_TICKS, MOMENT)
    refuse(device, seen)


def lifted(device: Device, seen: Seen) -> None:
    """The client takes the no back; what it erased stays erased."""
    refused(device, seen)
    seen.lifting = True
    device.standing.lift()


def filed(device: Device, seen: Seen) -> None:
    """The archive has purged it: what remains are both receipts."""
    refused(device, seen)
    seen.leaving = True
    device.custody.file_refusal(seen.id, PURGED)


def forgotten(device: Device, seen: Seen) -> None:
    """The archive has it all."""
    kept(device, seen)
    seen.leaving = True
    device.custody.forget(seen.id)
    while device.spool.sweep(2):
        pass


def missed(device: Device, seen: Seen) -> None:
    """A meeting that could not be recorded."""
    preamble, _, sealer = begin(device.chain.sequence, device.chain.previous)
    sealer.wipe()
    seen.id = id_of(preamble)
    seen.emptying = True
    device.custody.write_missed(preamble, MOMENT, BOOT)


STORIES: list[Story] = [
    kept,
    refused_before_anything,
    refused_in_the_notice,
    refused_while_recording,
    refused,
    refused_while_released,
    refused_too_late,
    cancelled,
    missed,
    lifted,
    filed,
    forgotten,
]


@dataclass(frozen=True)
class Crash:
    """What one left, and what had happened by then."""

    files: Files
    hold: bytes
    hold_lost: bool
    seen: Seen


class Crashes:
    """Every crash that a run might have had."""

    def __init__(self) -> None:
        self.points = 0
        self._found: dict[tuple[Files, bytes, bool, tuple[object, ...]], Crash] = {}

    def note(self, card: Card, seen: Seen, *, hold_lost: bool = False) -> None:
        """There might be one now."""
        hold = chip(card.folder.parent).read_bytes()
        seen = replace(
            seen,
            kept=list(seen.kept),
            receipts=dict(seen.receipts),
            erased=seen.erased or (seen.pressed and hold[STATE_AT] == REFUSED),
            decided=seen.decided or (seen.releasing and hold[STATE_AT] == COMMITTED),
        )
        happened = tuple(
            len(each) if isinstance(each, list) else tuple(each.items()) if isinstance(each, dict) else each
            for each in vars(seen).values()
        )
        for aftermath in AFTERMATHS:
            files = card.after(aftermath)
            for lost in (False,) if aftermath == KILLED else (False, True):
                self.points += 1
                crash = Crash(files, LOST if lost else hold, hold_lost or lost, seen)
                self._found.setdefault((crash.files, crash.hold, crash.hold_lost, happened), crash)

    def distinct(self) -> Iterator[Crash]:
        """Those that a restart can tell apart. The hold is opened before anything on the card is looked at."""
        told: set[object] = set()
        for (files, hold, lost, happened), crash in self._found.items():
            key = files, settled(hold), lost, happened
            if key not in told:
                told.add(key)
                yield crash


@cache
def settled(content: bytes) -> bytes:
    """What opening makes of a hold. That it may be cut off too is tried in `hold_contract.py`."""
    with TemporaryDirectory() as folder:
        file = chip(Path(folder))
        file.write_bytes(content)
        os.close(NvramHold(file, may_be_on_disk=True)._handle)
        return file.read_bytes()


def restarted(ram: Path, crash: Crash, crashes: Crashes | None = None) -> Device:
    """The room after that crash, recovered; noting the crashes that this might have."""
    lay(ram / "card", crash.files)
    chip(ram).write_bytes(crash.hold)
    card = Card(ram / "card")
    if crashes is not None:
        card.watch = partial(crashes.note, card, crash.seen, hold_lost=crash.hold_lost)
    with card.inserted():
        device = Device(ram, card, replace(crash.seen, receipts=dict(crash.seen.receipts)))
        device.recover()
        card.watch()
    return device


def record(device: Device, recording: str, kind: RecordType) -> bytes:
    return layout.parse_record(device.spool.read(Name(recording, kind, 0)))[1]


def judge_what_is_left(crash: Crash) -> None:
    """Whoever seizes the room now: the hold key is on no card, and after a no in no hold either."""
    seen = crash.seen
    if not seen.hold_key:
        return
    assert not any(seen.hold_key in (content or b"") for _, content in crash.files)
    if seen.erased:
        assert not any(path.startswith(f"spool/{seen.id}/keybox") for path, _ in crash.files)
        assert seen.hold_key not in settled(crash.hold)


def judge(device: Device, seen: Seen, *, hold_lost: bool) -> None:
    """What must be true after recovery."""
    recordings = device.spool.recordings()
    assert set(recordings) <= {seen.before, seen.id}, "something was begun by itself"
    in_hand = device.custody.recording
    reports = {each: device.report(each) for each in recordings}
    for recording, report in reports.items():
        expected = {State.OPEN} if in_hand is not None and recording == in_hand.id else {State.WHOLE, State.REFUSED}
        assert report.state in expected, report.flaw
        assert set(device.spool.names(recording)) == {name for name in device.told if name.recording == recording}
    assert len(device.told) == len(set(device.told))
    assert reports[seen.before].keybox is KeyboxState.PRESENT

    gone = seen.leaving and seen.id not in recordings
    chain = sorted(reports.values(), key=lambda each: each.preamble.sequence)
    assert [each.preamble.sequence for each in chain] == list(range(1, len(chain) + 1)), "a hole in the chain"
    manifests = {
        each: record(device, each, RecordType.MANIFEST) for each in recordings if in_hand is None or each != in_hand.id
    }
    previous = bytes(32)
    for report in chain:
        assert report.preamble.previous == previous.hex()
        if report.preamble.recording in manifests:
            previous = layout.hash_body(manifests[report.preamble.recording])
    assert device.chain.previous == previous or gone
    assert device.chain.sequence == len(manifests) + gone + 1
    judge_receipts(device)

    assert in_hand is not None or (device.hold.take(), device.hold.refused()) == (None, None)
    assert seen.pressed or seen.refusing or not device.standing, "a no that nobody spoke"
    if gone and seen.refused:
        receipts = {file.name: file.read_bytes() for file in (device.card.folder / "receipts").iterdir()}
        assert receipts.keys() == {f"{seen.id}.sealed", f"{seen.id}.receipt", f"{seen.id}.purged"}
        assert receipts[f"{seen.id}.purged"] == PURGED
    report = reports.get(seen.id)
    assert report is not None or gone or not seen.begun, "what was begun is on record"
    if report is not None:
        judge_the_meeting(device, seen, report, hold_lost=hold_lost)


def judge_the_meeting(device: Device, seen: Seen, report: Report, *, hold_lost: bool) -> None:
    files = {file.name for file in (device.card.folder / "spool" / seen.id).iterdir()}
    if seen.erased:
        assert report.keybox is KeyboxState.NONE, "a keybox came into being after the key was erased"
        assert device.hold.take() is None
    if seen.refused or seen.refusing or (seen.erased and not hold_lost):
        assert report.state is State.REFUSED
        assert files <= {"preamble", "manifest", "receipt", "journal"}
        assert device.standing or seen.lifting, "a no stands until the client lifts it"
    elif not seen.pressed:
        assert report.state is not State.REFUSED, "a refusal that nobody spoke"
        names = device.spool.names(seen.id)
        on_card = [device.spool.read(name) for name in names if name.type is RecordType.BLOCK]
        assert on_card[: len(seen.kept)] == seen.kept, "what was kept is there"
    if seen.released or (seen.decided and not hold_lost):
        assert report.keybox is KeyboxState.PRESENT
    if report.keybox is KeyboxState.PRESENT:
        assert seen.releasing
        assert record(device, seen.id, RecordType.KEYBOX) == seen.keybox
        assert report.ended == "stop"
    elif seen.releasing and not hold_lost:
        assert report.state is State.OPEN, "a key was lost"
    assert report.state is State.OPEN or report.keybox is not KeyboxState.ABSENT, (
        "a manifest names a keybox that is not there"
    )
    if seen.begun and not (seen.pressed or seen.refusing or seen.emptying or seen.releasing):
        if hold_lost:
            assert (report.state, report.keybox) == (State.WHOLE, KeyboxState.NONE)
            assert report.ended == "power_loss" or seen.stopping
            assert bool(device.loss) is any(event.name == "recording" for event in report.events)
        else:
            taken = device.hold.take()
            assert report.state is State.OPEN, "the client is asked again"
            assert taken is not None and taken[0].hex() == seen.id, "in hand without its key"


def judge_what_comes(device: Device, seen: Seen) -> None:
    """The client does not say no: what was recorded can be heard. And the room goes on."""
    if device.custody.recording is not None:
        assert device.custody.release(MOMENT, BOOT)
        report = device.report(seen.id)
        assert (report.state, report.keybox) == (State.WHOLE, KeyboxState.PRESENT)
        assert report.ended == "power_loss" or seen.stopping
        assert record(device, seen.id, RecordType.KEYBOX) == seen.keybox
    goes_on(device)


def rusted(crash: Crash, file: str) -> Crash | None:
    """The same, with a bit of that file of the meeting flipped; None if it is not there."""
    path = f"spool/{crash.seen.id}/{file}"
    files = tuple((each, flipped(content) if each == path else content) for each, content in crash.files)
    return replace(crash, files=files) if files != crash.files else None


def flipped(content: bytes | None) -> bytes:
    assert content
    return content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Else most of what a crash leaves were zeros, and most of what is told empty batteries."""
    monkeypatch.setattr(spool, "RESERVE_BYTES", 1_024)
    caplog.set_level(logging.ERROR, "recorder.device.hold")


@pytest.mark.parametrize("story", STORIES, ids=lambda each: each.__name__)
def test_a_crash_at_every_point(story: Story, ram: Path) -> None:
    crashes = Crashes()
    told(story, ram, crashes.note)
    assert crashes.points > 250
    for crash in crashes.distinct():
        judge_what_is_left(crash)
        device = restarted(ram, crash)
        with device.card.inserted():
            judge(device, crash.seen, hold_lost=crash.hold_lost)
            judge_what_comes(device, crash.seen)


@pytest.mark.parametrize("rust", ["", "block-00000000", "block-00000001", "preamble", "held"])
@pytest.mark.parametrize("story", [meeting, *STORIES], ids=lambda each: each.__name__)
def test_a_no_after_a_crash_at_every_point_leaves_no_audio(story: Story, rust: str, ram: Path) -> None:
    """With and without damage: of what is in hand nothing remains but receipts, nor of what was set aside unfinished."""
    crashes = Crashes()
    told(story, ram, crashes.note)
    for crash in crashes.distinct():
        found = rusted(crash, rust) if rust else crash
        if found is None:
            continue
        device = restarted(ram, found)
        in_hand, unfinished = device.custody.recording, crash.seen.id in device.spool.aside()
        with device.card.inserted():
            if in_hand is not None:
                refuse(device, Seen())
                file_all(device, in_hand.id)
            elif unfinished:
                preamble, _, _ = begin(device.chain.sequence, device.chain.previous)
                device.custody.refuse_nothing(preamble, MOMENT, BOOT)
        if in_hand is not None or unfinished or (device.standing and not crash.seen.releasing):
            assert not heard(device, crash.seen.id)


@pytest.mark.parametrize("story", STORIES, ids=lambda each: each.__name__)
def test_a_second_crash_at_every_point_of_the_recovery(story: Story, ram: Path) -> None:
    first, second = Crashes(), Crashes()
    told(story, ram, first.note)
    for crash in first.distinct():
        restarted(ram, crash, second)
    assert second.points > 5_000
    for crash in second.distinct():
        judge_what_is_left(crash)
        device = restarted(ram, crash)
        judge(device, crash.seen, hold_lost=crash.hold_lost)
