"""Sealing: what comes out opens again, and what must be gone is gone."""

import io
from typing import Any

import pytest
import second_reader
from making import BOOT, CLASSICAL, DEVICE, HYBRID, ITEMS, MOMENT, audio, begin, whole

from recorder.audio import Gap, GapCause, OpusBlock
from recorder.errors import SealedError, SignedTextError
from recorder.sealed import keybox, layout, ratchet
from recorder.sealed.layout import Event
from recorder.sealed.ledger import Ledger, refusal
from recorder.sealed.open import open_recording
from recorder.sealed.verify import KeyboxState, State, check_block, check_manifest, check_preamble, verify

PUBLIC = DEVICE.public_key()


@pytest.mark.parametrize("recipient", [CLASSICAL, HYBRID])
@pytest.mark.parametrize("suite", ["chacha20poly1305", "aes256gcm"])
def test_what_was_sealed_opens_in_both_readers(suite: str, recipient: Any) -> None:
    data = b"".join(whole(suite=suite, recipients=[recipient.public]))
    opened = open_recording(io.BytesIO(data), [PUBLIC], recipient)
    assert list(opened.items) == ITEMS
    assert opened.report.state is State.WHOLE
    reading = second_reader.read(data, [PUBLIC], recipient.mlkem, recipient.x25519)
    assert (reading.state, reading.layer) == ("whole", "nothing")
    assert reading.packets == [packet for item in ITEMS if isinstance(item, OpusBlock) for packet in item.packets]


def test_every_recipient_opens_and_nobody_else() -> None:
    others = [type(HYBRID).generate("mlkem768-x25519") for _ in range(3)]
    data = b"".join(whole(recipients=[each.public for each in others]))
    for each in others:
        assert list(open_recording(io.BytesIO(data), [PUBLIC], each).items) == ITEMS
    with pytest.raises(SealedError, match="not sealed for this key"):
        open_recording(io.BytesIO(data), [PUBLIC], HYBRID)


def test_kinds_of_recipients_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="one kind"):
        begin(recipients=[CLASSICAL.public, HYBRID.public])


def test_a_wrong_preamble_cannot_be_made() -> None:
    with pytest.raises(SignedTextError, match="device"):
        begin(device="Room 1")


def test_the_data_key_is_overwritten() -> None:
    given: list[bytearray] = []

    def random(count: int) -> bytearray:
        given.append(bytearray(b"\x5a" * count))
        return given[-1]

    begin(random=random)
    assert given[-1] == bytes(32)
    with pytest.raises(SignedTextError):
        begin(random=random, device="Room 1")
    assert given[-1] == bytes(32)


def test_each_block_key_and_what_came_before_in_the_chain_are_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytearray] = []
    derive = ratchet.HKDFExpand

    class Spy:
        def __init__(self, *arguments: Any) -> None:
            self._derive = derive(*arguments)

        def derive_into(self, secret: bytearray, out: bytearray) -> None:
            self._derive.derive_into(secret, out)
            seen.append(out)

    monkeypatch.setattr(ratchet, "HKDFExpand", Spy)
    _, _, sealer = begin()
    chain = sealer._ratchet._chain  # type: ignore[union-attr]
    before = bytes(chain)
    for item in ITEMS[:3]:
        sealer.seal(item)
    assert len(seen) == 6
    assert all(secret == bytes(32) for secret in seen)
    assert chain not in (before, bytes(32))
    sealer.wipe()
    assert chain == bytes(32)
    sealer.wipe()
    with pytest.raises(ValueError, match="keys are gone"):
        sealer.seal(ITEMS[3])


def test_the_final_block_takes_the_chain_with_it() -> None:
    _, _, sealer = begin()
    chain = sealer._ratchet._chain  # type: ignore[union-attr]
    sealer.seal(ITEMS[0], final=True)
    assert chain == bytes(32)
    with pytest.raises(ValueError, match="keys are gone"):
        sealer.seal(ITEMS[1])


@pytest.mark.parametrize(
    "items",
    [
        [audio(960, [b"a"])],
        [ITEMS[0], audio(2_880, [b"a"])],
        [ITEMS[0], Gap(1_920, 960, GapCause.STALL, MOMENT)],
        [audio(0, [b"a", b"b"], flushed=True), audio(960, [b"a"])],
        [audio(0, [])],
        [audio(0, [b""])],
        [audio(0, [bytes(1_277)])],
        [audio(0, [b"a"] * 251)],
    ],
)
def test_what_could_never_be_verified_is_not_sealed(items: list[OpusBlock | Gap]) -> None:
    _, _, sealer = begin()
    for item in items[:-1]:
        sealer.seal(item)
    with pytest.raises(SealedError):
        sealer.seal(items[-1])


def test_the_largest_block_fits_its_bound() -> None:
    _, _, sealer = begin(pad_bytes=16_384)
    record = sealer.seal(audio(0, [bytes(1_276)] * 250))
    assert layout.parse_record(record)[0] is layout.RecordType.BLOCK


def test_a_refusal_tells_nothing_of_what_it_erases() -> None:
    preamble, _, sealer = begin()
    sealer.seal(ITEMS[0])
    body = layout.parse_record(preamble)[1]
    record = refusal(DEVICE, body, told=["refuse"], no_ms=5, moment=MOMENT, boot=BOOT)
    report = verify(io.BytesIO(preamble + record), [PUBLIC])
    assert (report.state, report.keybox, report.events) == (State.REFUSED, KeyboxState.NONE, (Event(0, 5, "refuse"),))


def test_a_ledger_without_keybox_says_that_nobody_can_open_it() -> None:
    preamble, _, sealer = begin()
    ledger = Ledger(layout.parse_record(preamble)[1])
    block = sealer.seal(ITEMS[0])
    ledger.add(layout.parse_record(block)[1])
    record = ledger.manifest(DEVICE, ended="power_loss", events=[], moment=MOMENT, boot=BOOT, keybox_body=None)
    report = verify(io.BytesIO(preamble + block + record), [PUBLIC])
    assert (report.state, report.keybox, report.ended, report.final) == (
        State.WHOLE,
        KeyboxState.NONE,
        "power_loss",
        False,
    )


def test_a_ledger_signs_no_end_by_the_room_over_blocks_that_lost_theirs() -> None:
    preamble, box, sealer = begin()
    ledger = Ledger(layout.parse_record(preamble)[1])

    def manifest(ended: Any) -> bytes:
        return ledger.manifest(DEVICE, ended=ended, events=[], moment=MOMENT, boot=BOOT, keybox_body=box)

    assert not ledger.final
    assert manifest("stop"), "cancelled before the first block"
    ledger.add(layout.parse_record(sealer.seal(ITEMS[0]))[1])
    assert not ledger.final
    for ended in ("stop", "limit"):
        with pytest.raises(SealedError, match=f"an end by {ended}, and the last block is not the final one"):
            manifest(ended)
    assert manifest("fault")
    ledger.add(layout.parse_record(sealer.seal(ITEMS[1], final=True))[1])
    assert ledger.final
    assert all(map(manifest, ("stop", "limit", "fault", "power_loss")))


def test_a_ledger_takes_no_block_out_of_turn() -> None:
    records = whole()
    ledger = Ledger(layout.parse_record(records[0])[1])
    with pytest.raises(SealedError, match="stands where another"):
        ledger.add(layout.parse_record(records[2])[1])
    assert (ledger.blocks, ledger.ticks) == (0, 0)


def test_a_held_keybox_opens_with_its_hold_key_and_preamble_only() -> None:
    held = keybox.hold_keybox(b"the keybox", bytearray(b"h" * 32), b"p" * 32)
    assert keybox.release_keybox(held, bytearray(b"h" * 32), b"p" * 32) == b"the keybox"
    for hold_key, preamble_hash in [(bytes(32), b"p" * 32), (b"h" * 32, b"q" * 32)]:
        with pytest.raises(SealedError, match="held keybox"):
            keybox.release_keybox(held, hold_key, preamble_hash)


def test_checks_of_one_body_are_bound_to_device_and_recording() -> None:
    one, two = whole(), whole(sequence=2)
    bodies = [layout.parse_record(record)[1] for record in one]
    hashed, other = layout.hash_body(bodies[0]), layout.hash_body(layout.parse_record(two[0])[1])
    assert check_preamble(PUBLIC, bodies[0]).device == "room-1"
    assert check_block(PUBLIC, hashed, bodies[3]).cause is GapCause.UNPLUGGED
    assert check_manifest(PUBLIC, hashed, bodies[-2]).blocks == 4
    with pytest.raises(SealedError, match="another recording"):
        check_block(PUBLIC, other, bodies[1])
    with pytest.raises(SealedError, match="another recording"):
        check_manifest(PUBLIC, other, bodies[-2])
    for check in (check_block, check_manifest):
        with pytest.raises(SealedError):
            check(PUBLIC, hashed, bodies[0])


def test_a_block_size_tells_no_more_than_its_padding() -> None:
    """Packets of 20 to 200 bytes, 50 a second: 90 sizes of speech become nine."""
    _, _, sealer = begin(pad_bytes=1_024)
    position, sizes = 0, set()
    for size in range(20, 200, 2):
        item = audio(position, [bytes([0xF8]) * size] * 50)
        position += item.length
        sizes.add(len(sealer.seal(item)))
    assert len(sizes) == 9
    assert all((size - 5 - 64 - 34 - 16) % 1_024 == 0 for size in sizes)
