"""The promise of custody: whatever is cut off at whatever step, what comes after is what was, or what was to be."""

import io
import os
import re
import shutil
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.audio import FRAME_TICKS, Gap, GapCause, Moment, OpusBlock
from recorder.device.chain import Chain
from recorder.device.custody import EVENTS_KEPT_MAX, Custody, Recording
from recorder.device.hold import NvramHold
from recorder.device.receipts import Receipts
from recorder.device.slot import SLOT_BYTES
from recorder.device.spool import Spool
from recorder.device.standing import StandingLoss, StandingNo
from recorder.errors import SealedError, SpoolFull
from recorder.sealed import keybox, layout, ledger, seal
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.layout import RecordType
from recorder.sealed.verify import KeyboxState, Report, State, verify
from recorder.wire.consent import ConsentReceipt, check_receipt
from recorder.wire.records import Beside, parse_record
from recorder.wire.sender import Added
from recorder.wire.upload import Name
from tests.device.crashes import Card, PowerCut
from tests.rooms import TERMS

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RECIPIENT = RecipientPrivateKey.generate("x25519")
MOMENT = Moment(1_700_000_000_000, 60_000, synced=True)
LATER = Moment(1_700_000_100_000, 5_000, synced=True)
BOOT = bytes(16)
BLOCKS = 3
HEARD = "ab" * 32
"""SHA-256 of an announcement."""


def begin(sequence: int, previous: bytes) -> tuple[bytes, bytes, seal.Sealer]:
    return seal.begin(
        KEY,
        device="room-1",
        sequence=sequence,
        previous=previous,
        moment=MOMENT,
        boot=BOOT,
        rate=48_000,
        preskip=312,
        pad_bytes=64,
        suite="chacha20poly1305",
        recipients=[RECIPIENT.public],
        random=os.urandom,
    )


def blocks(sealer: seal.Sealer, count: int = BLOCKS) -> list[bytes]:
    return [
        sealer.seal(OpusBlock(at * FRAME_TICKS, FRAME_TICKS, (b"\xf8sound",), False, MOMENT), final=at == count - 1)
        for at in range(count)
    ]


@dataclass
class Seen:
    """What happened up to the crash, as somebody outside saw it."""

    before: str = ""
    """The recording of the meeting before."""
    id: str = ""
    keybox: bytes = b""
    hold_key: bytes = b""
    kept: list[bytes] = field(default_factory=list)
    """Blocks whose `keep` returned."""
    begun: bool = False
    stopping: bool = False
    pressed: bool = False
    """The client said no. Cut off in the middle of the erasure, a refusal may stand or not have been."""
    erased: bool = False
    """The client's no reached the hold, before the release was over."""
    refusing: bool = False
    """The refusal was made durable, or the no stands."""
    lifting: bool = False
    releasing: bool = False
    decided: bool = False
    """The hold knows that it will be released."""
    released: bool = False
    refused: bool = False
    emptying: bool = False
    """The meeting came to nothing, and its key goes."""
    leaving: bool = False
    """The archive has signed for all there is to sign for."""
    receipts: dict[str, bytes] = field(default_factory=dict)
    """H of each receipt that the road was told of."""


def chip(ram: Path) -> Path:
    """The memory of the clock chip: a plain file of its size and name."""
    file = ram / "ds1307_nvram0" / "nvmem"
    if not file.exists():
        file.parent.mkdir(parents=True)
        file.write_bytes(bytes(SLOT_BYTES))
    return file


class Device:
    """Custody and all that it stands on. Made anew after each crash, from what the crash left."""

    def __init__(self, ram: Path, card: Card, seen: Seen) -> None:
        self.card, self.seen = card, seen
        folder = card.folder
        self.hold = NvramHold(chip(ram), may_be_on_disk=True)
        weakref.finalize(self, os.close, self.hold._handle)  # a room has one in its life; these are thousands
        self.chain = Chain(folder, new=not (folder / "spool").exists())
        self.spool = Spool(folder / "spool", 2**30)
        self.standing = StandingNo(folder / "refused")
        self.loss = StandingLoss(folder / "lost")
        self.told: list[Name] = []
        receipts = Receipts(folder / "receipts")
        self.custody = Custody(self.spool, self.hold, self.chain, receipts, KEY, TERMS, self.added)

    def added(self, item: Added, preamble_hash: bytes) -> None:
        name = item.name
        file_name = f"block-{name.index:08d}" if name.type is RecordType.BLOCK else name.type.name.lower()
        durable = self.card.durable(self.card.folder / "spool" / name.recording / file_name)
        assert durable is not None, f"the road was told of {name} before it was durable"
        assert layout.hash_body(parse_record(durable)[1]) == item.content
        self.told.append(name)
        if name.type is Beside.RECEIPT:
            assert self.seen.receipts.setdefault(name.recording, item.content) == item.content, "a second receipt"

    def recover(self) -> None:
        if self.custody.refusal_cut_off():
            self.standing.say()
        self.custody.recover(LATER, bytes(range(16)), refused=bool(self.standing), lost=self.loss.say)
        self.custody.read_on(10_000)
        assert self.custody.unread == 0

    def report(self, recording: str) -> Report:
        """What anyone with the device's public key finds."""
        names = [name for name in self.spool.names(recording) if name.type is not Beside.RECEIPT]
        return verify(io.BytesIO(b"".join(map(self.spool.read, names))), [KEY.public_key()])

    def receipt(self, recording: str) -> tuple[ConsentReceipt, bytes]:
        """The consent receipt, checked, and H of its body."""
        kind, body = parse_record(self.spool.read(Name(recording, Beside.RECEIPT, 0)))
        assert kind is Beside.RECEIPT
        return check_receipt(KEY.public_key(), body), layout.hash_body(body)


def begin_custody(device: Device, preamble: bytes, box: bytes) -> Recording:
    """As the capture process hands it over: the keybox under a fresh hold key."""
    hold_key = bytearray(os.urandom(32))
    device.seen.hold_key = bytes(hold_key)
    held = keybox.hold_keybox(box, hold_key, layout.hash_body(layout.parse_record(preamble)[1]))
    begun = device.custody.begin(preamble, held, hold_key)
    assert not any(hold_key)
    return begun


def meeting(device: Device, seen: Seen) -> None:
    """As far as the grace period."""
    preamble, box, sealer = begin(device.chain.sequence, device.chain.previous)
    seen.keybox = box
    seen.id = layout.hash_body(preamble).hex()  # until it is known
    body = layout.parse_record(preamble)[1]
    seen.id = seal.canonical.decode(body[64:], layout.Preamble).recording
    begin_custody(device, preamble, box)
    seen.begun = True
    device.custody.note("notice_given", 0, MOMENT)
    device.custody.note("notice_spoken", 0, MOMENT, sha256=HEARD)
    device.custody.note("recording", 0, MOMENT)
    for block in blocks(sealer):
        device.custody.keep(block)
        seen.kept.append(block)
    seen.stopping = True
    device.custody.note("stop", BLOCKS * FRAME_TICKS, MOMENT, "stop")


def kept(device: Device, seen: Seen) -> None:
    meeting(device, seen)
    seen.releasing = True
    assert device.custody.release(MOMENT, BOOT)
    seen.released = True


def refuse(device: Device, seen: Seen) -> None:
    """As the daemon does it: the thread of the button, then the loop."""
    seen.pressed = True
    assert device.hold.refuse()
    seen.erased = True
    assert device.hold.refuse()
    device.spool.make_room()
    device.standing.say()
    seen.refusing = True
    device.custody.refuse(MOMENT, BOOT)
    seen.refused = True


def refused(device: Device, seen: Seen) -> None:
    meeting(device, seen)
    refuse(device, seen)


Story = Callable[[Device, Seen], None]


def told(story: Story, ram: Path, watch: Callable[[Card, Seen], None] = lambda *_: None) -> tuple[Card, Seen, Device]:
    """The story, played; `watch` is called before each change of it, and after the last."""
    for each in ram.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    card, seen = Card(ram / "card"), Seen()
    with card.inserted():
        device = Device(ram, card, seen)
        preamble, box, _ = begin(1, bytes(32))  # a meeting went before, so that the chain has something to lose
        seen.before = begin_custody(device, preamble, box).id
        device.custody.release(MOMENT, BOOT)
        card.watch = lambda: watch(card, seen)
        story(device, seen)
        card.watch()
    return card, seen, device


def judge_receipts(device: Device) -> None:
    """Exactly one receipt for each recording that has ended, none for another, each naming its manifest and the one before."""
    previous = bytes(32)
    reports = sorted(map(device.report, device.spool.recordings()), key=lambda each: each.preamble.sequence)
    for report in reports:
        recording = report.preamble.recording
        if report.state is State.OPEN:
            assert Name(recording, Beside.RECEIPT, 0) not in device.spool.names(recording), "for what has not ended"
            continue
        receipt, own = device.receipt(recording)
        _, manifest = parse_record(device.spool.read(Name(recording, RecordType.MANIFEST, 0)))
        assert receipt.previous == previous.hex(), "a hole in the chain of receipts"
        assert receipt.manifest == layout.hash_body(manifest).hex()
        assert receipt.sequence == report.preamble.sequence
        assert (receipt.recording is None) == (report.state is State.REFUSED)
        assert receipt.grace_until in (MOMENT.wall_ms, None), "it was not over only when the restart completed it"
        spoken = "notice_spoken" in {event.name for event in report.events}
        assert receipt.pii_processing.privacy_notice == (HEARD if spoken else None)
        assert (receipt.outcome == "kept") == (report.keybox is KeyboxState.PRESENT)
        assert device.seen.receipts.setdefault(recording, own) == own, "another receipt than the road was told of"
        previous = own
    ended = len(reports) - sum(report.state is State.OPEN for report in reports)
    assert device.chain.receipt == previous or device.chain.sequence > ended + 1, "the last one was forgotten, or is it"


def goes_on(device: Device) -> None:
    """After recovery the room works: what is in hand is released, and another meeting follows."""
    if device.custody.recording is not None:
        recording = device.custody.recording.id
        assert device.custody.release(MOMENT, BOOT)
        assert device.report(recording).keybox is KeyboxState.PRESENT
    if device.standing:
        device.standing.lift()
    seen = Seen()
    kept(device, seen)
    assert device.report(seen.id).state is State.WHOLE


@pytest.fixture
def device(ram: Path) -> Iterator[Device]:
    card = Card(ram / "card")
    with card.inserted():
        yield Device(ram, card, Seen())


def finished(device: Device, recording: str) -> Report:
    assert device.custody.release(MOMENT, BOOT)
    report = device.report(recording)
    assert report.state is State.WHOLE, report.flaw
    return report


def begun(device: Device) -> tuple[str, seal.Sealer]:
    preamble, box, sealer = begin(device.chain.sequence, device.chain.previous)
    return begin_custody(device, preamble, box).id, sealer


def test_a_block_that_found_no_room_is_not_in_the_manifest(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    recording, sealer = begun(device)
    first, second, _ = blocks(sealer)
    device.custody.keep(first)
    monkeypatch.setattr(device.spool, "_bytes_max", device.spool.size_bytes)
    with pytest.raises(SpoolFull):
        device.custody.keep(second)
    device.custody.note("fault", 0, MOMENT, "fault")
    assert finished(device, recording).blocks == 1


def test_a_block_that_does_not_follow_leaves_nothing(device: Device) -> None:
    recording, sealer = begun(device)
    first, _, third = blocks(sealer)
    device.custody.keep(first)
    with pytest.raises(SealedError):
        device.custody.keep(third)
    with pytest.raises(SealedError):
        device.custody.keep(first)
    assert finished(device, recording).blocks == 1


def test_however_often_mark_is_pressed_there_is_a_manifest(device: Device) -> None:
    recording, _ = begun(device)
    for _ in range(layout.EVENTS_MAX + 10):
        device.custody.note("mark", 0, MOMENT)
    device.custody.note("stop", 0, MOMENT, "stop")
    report = finished(device, recording)
    assert report.ended == "stop"
    assert len(report.events) == EVENTS_KEPT_MAX + 2
    assert [event.name for event in report.events[-2:]] == ["stop", "grace_over"], "what ended it is told"


def test_more_gaps_than_a_manifest_can_tell_end_the_recording(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "GAPS_MAX", 2)
    recording, sealer = begun(device)
    gaps = [sealer.seal(Gap(at * 960, 960, GapCause.STALL, MOMENT)) for at in range(3)]
    device.custody.keep(gaps[0])
    device.custody.keep(gaps[1])
    with pytest.raises(SealedError, match="gaps"):
        device.custody.keep(gaps[2])
    assert finished(device, recording).blocks == 2


def test_a_recording_out_of_turn_is_not_begun(device: Device) -> None:
    preamble, box, _ = begin(7, bytes(32))
    with pytest.raises(SealedError, match="7"):
        begin_custody(device, preamble, box)
    assert device.spool.recordings() == []
    assert device.hold.take() is None


def second(number: int) -> Moment:
    """So many seconds after the recording was prepared."""
    return Moment(MOMENT.wall_ms + 1_000 * number, MOMENT.monotonic_ms + 1_000 * number, synced=True)


def refused_after_an_hour(device: Device) -> tuple[str, seal.Sealer]:
    """Each thing at a second of its own; as far as the no, which is at 3,600."""
    recording, sealer = begun(device)
    device.custody.note("notice_given", 0, second(5))
    device.custody.note("notice_spoken", 0, second(6), sha256=HEARD)
    device.custody.note("yes", 0, second(7))
    device.custody.note("recording", 5, second(8))
    for block in blocks(sealer):
        device.custody.keep(block)
    device.custody.note("mark", 9, second(9))
    device.hold.refuse()
    device.standing.say()
    return recording, sealer


TIME_MS = re.compile(rb"\b\d{13}\b")
"""A Unix time in milliseconds, in a text."""


@pytest.mark.parametrize("restarted", [False, True])
def test_a_refusal_tells_nothing_of_the_length_of_what_it_erased(
    ram: Path, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    """No time but that of its preparation and of the no, in manifest and receipt; also if the end was written later."""
    no = second(3_600)
    with (card := Card(ram / "card")).inserted():
        device = Device(ram, card, Seen())
        recording, _ = refused_after_an_hour(device)
        if restarted:
            with monkeypatch.context() as patched, pytest.raises(PowerCut):
                patched.setattr(device.spool, "purge", lambda *_: (_ for _ in ()).throw(PowerCut))
                device.custody.refuse(no, BOOT)
        else:
            device.custody.refuse(no, BOOT)
    with (again := Card(card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
    report = device.report(recording)
    assert [event.name for event in report.events] == ["notice_given", "notice_spoken", "yes", "refused"]
    assert {(event.ticks, event.wall_ms) for event in report.events} == {(0, no.wall_ms)}
    receipt, _ = device.receipt(recording)
    assert (receipt.answers.yes, receipt.pii_processing.privacy_notice) == (1, HEARD)
    made = LATER if restarted else no
    for name in (RecordType.MANIFEST, Beside.RECEIPT):
        times = {int(each) for each in TIME_MS.findall(device.spool.read(Name(recording, name, 0))[69:])}
        assert times == {no.wall_ms, made.wall_ms}


def test_without_the_hold_key_nothing_is_released(device: Device) -> None:
    recording, _ = begun(device)
    device.hold.refuse()
    before = device.spool.names(recording)
    assert not device.custody.release(MOMENT, BOOT)
    assert device.spool.names(recording) == before


def test_what_tells_of_a_refusal_stays_and_the_recording_goes(device: Device) -> None:
    recording, _ = begun(device)
    refuse(device, Seen())
    preamble, manifest, receipt = (device.spool.read(name) for name in device.spool.names(recording))
    device.custody.file_refusal(recording, b"signed by the archive")
    receipts = {file.name: file.read_bytes() for file in (device.card.folder / "receipts").iterdir()}
    assert receipts == {
        f"{recording}.sealed": preamble + manifest,
        f"{recording}.receipt": receipt,
        f"{recording}.purged": b"signed by the archive",
    }
    assert device.spool.recordings() == []


class Presser:
    """Says no, as the thread of the button would, just before one chosen step of what custody does."""

    def __init__(self, device: Device, press_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = 0
        self.pressed = False
        self._hold, self._press_at = device.hold, press_at
        for owner, names in (
            (device.hold, ("take", "refused", "commit", "erase")),
            (device.spool, ("held", "note", "put", "read")),
            (device.chain, ("advance",)),
        ):
            for name in names:
                monkeypatch.setattr(owner, name, self._watched(getattr(owner, name)))

    def _watched(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            if self.steps == self._press_at:
                self.pressed = True
                self._hold.refuse()
            self.steps += 1
            return real(*args, **options)

        return call


def test_a_no_before_any_step_of_a_release_wins_while_the_key_is_there(ram: Path) -> None:
    """Promise 2: the light still says that there is time, and a card takes long for what the loop is doing."""
    released, pressed, press_at = [], True, 0
    while pressed:
        seen = Seen()
        _, _, device = told(meeting, ram)
        recording = device.custody.recording
        assert recording is not None
        seen.id = recording.id
        with pytest.MonkeyPatch.context() as monkeypatch, device.card.inserted():
            presser = Presser(device, press_at, monkeypatch)
            released.append(device.custody.release(MOMENT, BOOT))
        if released[-1]:
            assert device.report(seen.id).keybox is KeyboxState.PRESENT
            assert device.custody.recording is None
        else:
            assert not (device.card.folder / "spool" / seen.id / "keybox").exists(), "flash keeps what was written once"
            assert {name.type for name in device.told if name.recording == seen.id} <= {
                RecordType.PREAMBLE,
                RecordType.BLOCK,
            }
            assert device.hold.refused() == bytes.fromhex(seen.id)
            with device.card.inserted():
                device.custody.refuse(MOMENT, BOOT)
            assert device.report(seen.id).state is State.REFUSED
        assert device.hold.take() is None
        pressed, press_at = presser.pressed, press_at + 1
    # take, held, commit: before each of these a no wins. What comes after it is too late for this meeting.
    assert released[:3] == [False] * 3
    assert all(released[3:])
    assert len(released) > 8


def crashed(ram: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> tuple[Card, str]:
    """A meeting whose release was killed at a call of the spool or the hold; the recording's id."""
    card, _, before = told(meeting, ram)
    assert before.custody.recording is not None
    recording = before.custody.recording.id
    owner = before.hold if at == "commit" else before.spool
    with monkeypatch.context() as patched, card.inserted(), pytest.raises(PowerCut):
        patched.setattr(owner, at, lambda *_, **__: (_ for _ in ()).throw(PowerCut))
        before.custody.release(MOMENT, BOOT)
    return Card(card.folder), recording


@pytest.mark.parametrize("press_before", ["make_room", "_in_hold", "_read_records"])
def test_a_no_during_recovery_is_left_for_the_loop(
    ram: Path, monkeypatch: pytest.MonkeyPatch, press_before: str
) -> None:
    """The buttons live while the daemon recovers a meeting that was cut off before anything was decided."""
    again, recording = crashed(ram, monkeypatch, "commit")
    with again.inserted():
        device = Device(ram, again, Seen())
        owner = device.spool if press_before == "make_room" else device.custody
        real = getattr(owner, press_before)

        def press(*args: object) -> object:
            assert device.hold.refuse()
            return real(*args)

        monkeypatch.setattr(owner, press_before, press)
        device.recover()
        monkeypatch.undo()
        assert device.custody.recording is not None and device.custody.recording.id == recording
        assert RecordType.MANIFEST not in {name.type for name in device.told if name.recording == recording}
        device.custody.refuse(MOMENT, BOOT)
    assert device.report(recording).state is State.REFUSED


def test_a_release_that_was_decided_is_completed_whatever_is_pressed(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, recording = crashed(ram, monkeypatch, "put")
    with again.inserted():
        device = Device(ram, again, Seen())
        assert device.hold.committed()
        assert not device.hold.refuse()
        device.recover()
    assert device.custody.recording is None
    assert device.report(recording).keybox is KeyboxState.PRESENT
    assert not device.hold.committed()
    receipt, _ = device.receipt(recording)
    assert (receipt.grace_until, receipt.wall_ms) == (MOMENT.wall_ms, LATER.wall_ms), "it was decided then, and not now"


def test_when_a_release_was_decided_is_not_made_up(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power goes between the decision and its note."""
    again, recording = crashed(ram, monkeypatch, "note")
    with again.inserted():
        device = Device(ram, again, Seen())
        assert device.hold.committed()
        device.recover()
    receipt, _ = device.receipt(recording)
    assert (receipt.outcome, receipt.grace_until) == ("kept", None)


def damage(device: Device, recording: str, file: str) -> None:
    path = device.card.folder / "spool" / recording / file
    os.truncate(path, path.stat().st_size - 7)


def flip(file: Path) -> None:
    """A bit of it, near its end."""
    data = bytearray(file.read_bytes())
    data[-2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("file", ["preamble", "manifest", "block-00000001", "keybox", "receipt"])
def test_one_damaged_file_stops_neither_the_room_nor_the_others(ram: Path, file: str) -> None:
    _, first, device = told(kept, ram)
    with device.card.inserted():
        second = Seen()
        kept(device, second)
    damage(device, first.id, file)
    again = Card(device.card.folder)
    with again.inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert device.custody.damaged and first.id in device.custody.damaged[0]
        assert device.report(second.id).state is State.WHOLE
        assert {name.recording for name in device.told} >= {second.id}
        assert all(device.spool.read(name) for name in device.told), "the road is told of nothing that is not there"
        goes_on(device)


def test_what_stands_before_a_damaged_block_of_a_meeting_that_was_cut_off_is_kept(ram: Path) -> None:
    _, seen, device = told(meeting, ram)
    damage(device, seen.id, "block-00000001")
    again = Card(device.card.folder)
    with again.inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert len(device.custody.damaged) == 2, "the block, and the one that cannot follow it any more"
        report = finished(device, seen.id)
    assert report.blocks == 1


def test_of_a_refused_meeting_nothing_is_left_even_if_it_is_damaged(ram: Path) -> None:
    _, seen, device = told(meeting, ram)
    with device.card.inserted():
        device.hold.refuse()
        device.standing.say()
    (device.card.folder / "spool" / seen.id / "preamble").write_bytes(b"damaged\n")
    again = Card(device.card.folder)
    with again.inserted():
        device = Device(ram, again, Seen())
        device.recover()
    left = {path.name for path in (device.card.folder / "spool" / f"{seen.id}.damaged").iterdir()}
    assert left <= {"preamble", "journal"}
    assert device.custody.damaged == [seen.id]


def left(device: Device, recording: str) -> set[str]:
    """The files of a recording that are in the spool, set aside or not."""
    return {file.name for file in (device.card.folder / "spool").glob(f"{recording}*/*")}


def heard(device: Device, recording: str) -> set[str]:
    """Those of blocks, and of the keys to them."""
    return {name for name in left(device, recording) if name.startswith(("block-", "keybox", "held"))}


def file_all(device: Device, recording: str) -> None:
    """The archive has purged it: nothing is left of it in the spool."""
    device.custody.file_refusal(recording, b"signed by the archive")
    while device.spool.sweep(100):
        pass
    assert not list((device.card.folder / "spool").glob(f"{recording}*"))


@pytest.mark.parametrize("when", ["after the recovery", "before the next one"])
@pytest.mark.parametrize("damaged", [0, 1, BLOCKS - 1])
def test_a_no_takes_what_a_recovery_has_set_aside(ram: Path, damaged: int, when: str) -> None:
    """The power was cut, a block is damaged, what stands behind it follows no more; and then the client says no."""
    _, seen, device = told(meeting, ram)
    damage(device, seen.id, f"block-{damaged:08d}")
    with (again := Card(device.card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert len(device.custody.damaged) == BLOCKS - damaged
        if when == "after the recovery":
            refuse(device, Seen())
        else:
            device.hold.refuse()
            device = Device(ram, again, Seen())
            device.recover()
        assert left(device, seen.id) <= {"preamble", "manifest", "receipt", "journal"}
        file_all(device, seen.id)
        assert {file.suffix for file in (again.folder / "receipts").iterdir()} == {".sealed", ".receipt", ".purged"}
        assert not device.custody.damaged or when == "after the recovery"


@pytest.mark.parametrize("said", ["before the cut", "and the hold alone knows", "after the recovery"])
@pytest.mark.parametrize("how", ["lost", "damaged"])
def test_a_no_takes_a_meeting_whose_preamble_is_gone(ram: Path, how: str, said: str) -> None:
    """It cannot be refused by name any more, nor opened by anybody."""
    _, seen, device = told(meeting, ram)
    with device.card.inserted():
        if said != "after the recovery":
            device.hold.refuse()
        if said == "before the cut":
            device.standing.say()
    preamble = device.card.folder / "spool" / seen.id / "preamble"
    preamble.unlink() if how == "lost" else preamble.write_bytes(b"damaged\n")
    with (again := Card(device.card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert seen.id in device.custody.damaged[0]
        assert device.standing or said == "after the recovery"
        if said == "after the recovery":
            assert len(heard(device, seen.id)) == BLOCKS + 1
            empty, _, sealer = begin(device.chain.sequence, device.chain.previous)
            sealer.wipe()
            device.custody.refuse_nothing(empty, MOMENT, BOOT)
        assert left(device, seen.id) <= {"preamble", "journal"}
        goes_on(device)


def test_a_no_takes_nothing_of_an_earlier_meeting_that_was_kept(ram: Path) -> None:
    """What the archive could not sign for, and what was set aside whole after its end: somebody may mend these."""
    _, first, device = told(kept, ram)
    with device.card.inserted():
        kept(device, second := Seen())
    damage(device, first.id, "block-00000001")
    damage(device, second.id, "preamble")
    with (again := Card(device.card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        device.custody.forget(first.id)
        while device.spool.sweep(100):
            pass
        refused(device, no := Seen())
        assert heard(device, first.id) == {"block-00000001.damaged"}
        assert len(heard(device, second.id)) == BLOCKS + 2
        file_all(device, no.id)


def test_a_receipt_of_a_refusal_that_is_damaged_is_told_when_it_is_filed(ram: Path) -> None:
    _, seen, device = told(refused, ram)
    damage(device, seen.id, "receipt")
    with (again := Card(device.card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        device.custody.damaged.clear()
        device.custody.file_refusal(seen.id, b"signed by the archive")
    assert seen.id in device.custody.damaged[0]


def test_a_tail_that_was_lost_after_stop_is_told(ram: Path) -> None:
    """Stop is noted, the process dies, and the last block is not on the card: the meeting was cut off, not ended."""
    _, seen, device = told(meeting, ram)
    (device.card.folder / "spool" / seen.id / f"block-{BLOCKS - 1:08d}").unlink()
    again = Card(device.card.folder)
    with again.inserted():
        device = Device(ram, again, Seen())
        device.recover()
        report = finished(device, seen.id)
    assert (report.ended, report.blocks) == ("power_loss", BLOCKS - 1)
    assert "stop" in {event.name for event in report.events}, "that it was pressed stays on record"


def test_a_no_to_nothing_finds_room_on_a_full_card(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.spool, "_bytes_max", device.spool.size_bytes)
    preamble, _, sealer = begin(device.chain.sequence, device.chain.previous)
    sealer.wipe()
    recording = device.custody.refuse_nothing(preamble, MOMENT, BOOT).id
    assert device.report(recording).state is State.REFUSED
    assert device.receipt(recording)[0].outcome == "refused"


def test_a_receipt_tells_what_the_journal_has(device: Device) -> None:
    """R3: who pressed in the asking phase is counted."""
    recording, _ = begun(device)
    for name in ("notice_given", "yes", "yes", "recording"):
        device.custody.note(name, 0, MOMENT)
    device.custody.note("stop", 0, MOMENT, "stop")
    finished(device, recording)
    receipt, _ = device.receipt(recording)
    assert (receipt.state, receipt.answers.yes, receipt.outcome) == ("given", 2, "kept")
    assert (receipt.device, receipt.sequence, receipt.recording) == ("room-1", 1, recording)


def test_a_receipt_that_is_there_stays_though_the_chain_is_of_before_and_the_terms_are_others(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive may have it: a second one would be in conflict with it."""
    with (card := Card(ram / "card")).inserted():
        before = Device(ram, card, Seen())
        told = Seen()
        of_before = {file: file.read_bytes() for file in card.folder.glob("chain-*")}
        for _ in range(3):
            kept(before, Seen())
    told.receipts = {each: before.receipt(each)[1] for each in before.spool.recordings()}
    for file, content in of_before.items():
        file.write_bytes(content)
    monkeypatch.setitem(globals(), "TERMS", replace(TERMS, controller="Gemeente Elders"))
    with (again := Card(card.folder)).inserted():
        device = Device(ram, again, told)
        device.recover()
        judge_receipts(device)
        goes_on(device)


def test_a_receipt_of_another_manifest_was_seen_by_nobody_and_is_written_anew(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card failed between receipt and chain; the client pressed again, and the second no has another time."""
    with (card := Card(ram / "card")).inserted():
        device = Device(ram, card, Seen())
        recording, _ = begun(device)
        device.hold.refuse()
        device.standing.say()
        with monkeypatch.context() as patched:
            patched.setattr(device.chain, "advance", lambda *_: (_ for _ in ()).throw(SpoolFull("full")))
            with pytest.raises(SpoolFull):
                device.custody.refuse(MOMENT, BOOT)
        first = device.receipt(recording)[0]
        later = Moment(MOMENT.wall_ms + 5_000, MOMENT.monotonic_ms + 5_000, synced=True)
        device.custody.refuse(later, BOOT)
        judge_receipts(device)
    assert device.receipt(recording)[0].manifest != first.manifest


def test_a_manifest_that_is_damaged_before_its_receipt_is_written_is_set_aside(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, _, before = told(meeting, ram)
    assert before is not None and before.custody.recording is not None
    recording = before.custody.recording.id
    put = before.spool.put

    def put_and_die(name: Name, record: bytes) -> None:
        if name.type is Beside.RECEIPT:
            raise PowerCut
        put(name, record)

    with monkeypatch.context() as patched, card.inserted(), pytest.raises(PowerCut):
        patched.setattr(before.spool, "put", put_and_die)
        before.custody.release(MOMENT, BOOT)
    flip(card.folder / "spool" / recording / "manifest")
    with (again := Card(card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert device.custody.damaged == [recording]
        goes_on(device)


def test_a_manifest_that_is_damaged_after_its_number_was_used_up_starts_no_circle(ram: Path) -> None:
    _, seen, device = told(kept, ram)
    assert device is not None
    damage(device, seen.id, "receipt")
    flip(device.card.folder / "spool" / seen.id / "manifest")
    for _ in range(2):  # the first start sets it aside, the second finds a recording without an end
        with (again := Card(device.card.folder)).inserted():
            device = Device(ram, again, Seen())
            device.recover()
    told_of = {name.type for name in device.told if name.recording == seen.id}
    assert RecordType.MANIFEST in told_of and Beside.RECEIPT not in told_of


def test_the_backlog_is_told_recording_by_recording_and_orders_to_purge_first(ram: Path) -> None:
    """A restart reads days without an archive a little at a time: nothing of a recording before all of it is read."""
    with (card := Card(ram / "card")).inserted():
        before = Device(ram, card, Seen())
        first, no, last = Seen(), Seen(), Seen()
        kept(before, first)
        refused(before, no)
        before.standing.lift()
        kept(before, last)
    with (again := Card(card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.custody.recover(MOMENT, BOOT, refused=False, lost=device.loss.say)
        assert (device.told, device.custody.unread) == ([], 3 + 2 * (BLOCKS + 4))
        told = []
        while device.custody.unread:
            device.custody.read_on(1)
            told.append(list(device.told))
        order = [name for each in (no, first, last) for name in device.spool.names(each.id)]
    whole = BLOCKS + 4
    expected = [0, 0, 3, *[3] * (whole - 1), 3 + whole, *[3 + whole] * (whole - 1), 3 + 2 * whole]
    assert told == [order[:count] for count in expected]


@pytest.mark.parametrize("gone", ["hold", "preamble", "journal"])
@pytest.mark.parametrize("no", [False, True])
def test_what_nobody_can_open_any_more_is_told_as_lost_but_for_a_no(ram: Path, gone: str, no: bool) -> None:
    _, seen, device = told(meeting, ram)
    with device.card.inserted():
        if no:
            device.hold.refuse()
            device.standing.say()
        if gone == "hold":
            device.hold.erase()
    if gone == "preamble":
        damage(device, seen.id, "preamble")
    elif gone == "journal":
        flip(device.card.folder / "spool" / seen.id / "journal")
    for start in ("the first", "and the next"):
        with (again := Card(device.card.folder)).inserted():
            device = Device(ram, again, Seen())
            device.recover()
            assert bool(device.loss) is (not no and start == "the first")
            device.loss.lift()


def test_a_decided_release_whose_keybox_is_damaged_is_told_as_lost(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again, recording = crashed(ram, monkeypatch, "put")
    flip(again.folder / "spool" / recording / "held")
    with again.inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert device.loss
    assert device.report(recording).keybox is KeyboxState.NONE


def test_what_is_damaged_in_the_backlog_is_set_aside(ram: Path) -> None:
    with (card := Card(ram / "card")).inserted():
        before = Device(ram, card, Seen())
        kept(before, first := Seen())
        kept(before, last := Seen())
    (card.folder / "spool" / first.id / "block-00000001").write_bytes(b"rust")
    with (again := Card(card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
    assert device.custody.damaged == [f"block 1 of {first.id}"]
    assert (again.folder / "spool" / first.id / "block-00000001.damaged").read_bytes() == b"rust"
    assert device.told == device.spool.names(first.id) + device.spool.names(last.id)


@pytest.mark.parametrize("how", ["truncated", "a bit flipped", "not given back"])
@pytest.mark.parametrize("file", ["preamble", "manifest", "block-00000001", "receipt"])
def test_however_a_file_is_damaged_the_rest_goes_on(ram: Path, file: str, how: str) -> None:
    """Also one that the card answers with an error: here a folder of its name, which nobody can read."""
    _, first, device = told(kept, ram)
    with device.card.inserted():
        kept(device, second := Seen())
    path = device.card.folder / "spool" / first.id / file
    data = bytearray(path.read_bytes())
    if how == "not given back":
        path.unlink()
        path.mkdir()
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data[:-7] if how == "truncated" else data)
    with (again := Card(device.card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert device.custody.damaged and first.id in device.custody.damaged[0]
        assert device.report(second.id).state is State.WHOLE
        goes_on(device)


@pytest.mark.parametrize(
    "line",
    [b"{no entry}", b'{"ticks":1,"wall_ms":1,"name":"stop","ended":"stqp"}', b'{"ticks":1,"wall_ms":1,"name":"S"}'],
)
def test_a_journal_that_may_have_told_of_a_no_lets_nobody_listen(ram: Path, line: bytes) -> None:
    """The meeting is told, signed and numbered; its key goes."""
    _, seen, device = told(meeting, ram)
    with (device.card.folder / "spool" / seen.id / "journal").open("ab") as journal:
        journal.write(line + b"\n")
    with (again := Card(device.card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert device.custody.recording is None and device.hold.take() is None
        assert device.custody.damaged == [f"the journal of {seen.id}"]
        report = device.report(seen.id)
        assert (report.state, report.keybox, report.blocks) == (State.WHOLE, KeyboxState.NONE, BLOCKS)
        goes_on(device)


def test_the_journal_of_a_finished_meeting_is_of_no_matter(ram: Path) -> None:
    _, seen, device = told(kept, ram)
    (device.card.folder / "spool" / seen.id / "journal").write_bytes(b"{no entry}\n")
    with (again := Card(device.card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert not device.custody.damaged
        assert device.report(seen.id).keybox is KeyboxState.PRESENT


def test_a_damaged_journal_does_not_hide_a_no_that_stands(ram: Path) -> None:
    _, seen, device = told(meeting, ram)
    with device.card.inserted():
        device.hold.refuse()
        device.standing.say()
    (device.card.folder / "spool" / seen.id / "journal").write_bytes(b"damaged\n")
    with (again := Card(device.card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        assert device.report(seen.id).state is State.REFUSED
        left = {RecordType.PREAMBLE, RecordType.MANIFEST, Beside.RECEIPT}
        assert {name.type for name in device.spool.names(seen.id)} == left


def test_a_damaged_held_keybox_ends_in_a_meeting_without_a_key_and_not_in_a_circle(device: Device) -> None:
    recording, _ = begun(device)
    damage(device, recording, "held")
    device.custody.note("stop", 0, MOMENT, "stop")
    assert not device.custody.release(MOMENT, BOOT)
    assert "held keybox" in device.custody.damaged[0]
    device.custody.write_empty(MOMENT, BOOT)
    assert device.report(recording).keybox is KeyboxState.NONE
    assert device.custody.recording is None and device.hold.take() is None


def test_what_the_archive_could_not_sign_for_stays_when_the_rest_is_forgotten(ram: Path) -> None:
    _, seen, device = told(kept, ram)
    damage(device, seen.id, "block-00000001")
    with (again := Card(device.card.folder)).inserted():
        device = Device(ram, again, Seen())
        device.recover()
        device.custody.damaged.clear()
        device.custody.forget(seen.id)
        assert seen.id not in device.spool.recordings()
        assert seen.id in device.custody.damaged[0]
    left = again.folder / "spool" / f"{seen.id}.damaged"
    assert [file.name for file in left.iterdir()] == ["block-00000001.damaged"]


def test_a_meeting_that_was_missed_takes_nothing_from_the_reserve_of_a_no(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device.spool, "_bytes_max", device.spool.size_bytes)
    preamble, _, sealer = begin(device.chain.sequence, device.chain.previous)
    sealer.wipe()
    with pytest.raises(SpoolFull):
        device.custody.write_missed(preamble, MOMENT, BOOT)
    assert device.spool.recordings() == [] and device.custody.recording is None
