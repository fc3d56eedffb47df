"""Whatever a run leaves behind, and whatever it says on the wire, is searched for what was said in the room."""

import contextlib
import socket
import threading
import wave
from collections.abc import Iterable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.forwarder import Forwarder, Way
from recorder import keyfiles
from recorder.audio import OpusBlock
from recorder.sealed.keybox import release_keybox
from recorder.sealed.layout import RecordType, hash_body, parse_record, record
from recorder.sealed.open import open_recording
from tests.archive.site import tls
from tests.end_to_end.house import SECONDS_MAX, House, until

PIECE_BYTES = 1_920
"""20 ms of 16-bit samples at 48 kHz."""
PACKET_BYTES_MIN = 20
CONTAINERS = (b"RIFF", b"OggS", b"OpusHead")
"""How a file with sound in it begins."""


class Kept(Way):
    """Keeps in `passed` every byte that it carries."""

    def __init__(self, passed: list[bytes], source: socket.socket, target: socket.socket) -> None:
        super().__init__(source, target)
        self._passed = passed

    def pass_on(self, data: bytes) -> None:
        self._passed.append(data)
        super().pass_on(data)


class Relay(Forwarder):
    """Stands between the machines and their broker, and keeps every byte that passes."""

    def __init__(self, to: int) -> None:
        self._passed: list[bytes] = []
        super().__init__(to, partial(Kept, self._passed), partial(Kept, self._passed))

    @property
    def passed(self) -> bytes:
        return b"".join(self._passed)


def spoken(speech: Path) -> list[bytes]:
    """Every piece of 20 ms of the source that is not silence. Any 40 ms of it contain one of them whole."""
    with wave.open(str(speech), "rb") as sound:
        pcm = sound.readframes(sound.getnframes())
    pieces = [pcm[at : at + PIECE_BYTES] for at in range(0, len(pcm) - PIECE_BYTES, PIECE_BYTES)]
    return [piece for piece in pieces if len(set(piece)) > 64]


def packets(house: House, recording: str) -> list[bytes]:
    """The Opus packets of a kept meeting, of a size that does not occur by chance."""
    house.opened(recording)
    with (house.folder.parent / f"{recording}.sealed").open("rb") as stream:
        return _packets(house, stream)


def packets_while_it_can_be_refused(house: House, recording: str) -> list[bytes]:
    """The same of a meeting that is not over, by what nobody else has at once: the hold, the card and the reader's key."""
    folder = house.room_folder / "spool" / recording
    preamble = (folder / "preamble").read_bytes()
    blocks = [block for _, block in sorted(house.spooled_blocks(recording).items())]
    _, preamble_body = parse_record(preamble)
    box = release_keybox((folder / "held").read_bytes(), house.hold_key, hash_body(preamble_body))
    return _packets(house, BytesIO(b"".join([preamble, *blocks, record(RecordType.KEYBOX, box)])))


def _packets(house: House, stream: BinaryIO) -> list[bytes]:
    key = keyfiles.load_recipient(house.reader_key, house.passphrase_file.read_bytes())
    device = keyfiles.load_device_public(house.device_key)
    items = list(open_recording(stream, [device], key, salvage=True).items)
    found = [packet for item in items if isinstance(item, OpusBlock) for packet in item.packets]
    return [packet for packet in found if len(packet) >= PACKET_BYTES_MIN]


def leaks(needles: Iterable[bytes], places: dict[str, bytes]) -> set[str]:
    """The places where any of it is found."""
    sought = list(needles)
    return {place for place, data in places.items() if any(needle in data for needle in sought)}


def places(house: House) -> dict[str, bytes]:
    """Every file that the machines have, and the hold's folder in RAM."""
    found = {}
    for folder in (house.folder, house.hold_file.parent):
        for file in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # a temporary file, renamed since it was listed
                if file.is_file():
                    found[str(file)] = file.read_bytes()
    return found


def memory(pid: int) -> bytes:
    """What a process holds in memory that it can write to."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as source:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if rights.startswith("rw"):
                start, end = (int(edge, 16) for edge in span.split("-"))
                try:
                    source.seek(start)
                    found.append(source.read(end - start))
                except OSError:
                    continue  # given back since
    return b"".join(found)


@contextlib.contextmanager
def inside_the_broker(house: House) -> Iterator[list[bytes]]:
    """What devices publish, as the broker has it once it took TLS off."""
    seen: list[bytes] = []
    listening = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False)
    client.tls_set_context(tls(house.archive_folder / "keys"))
    client.on_connect = lambda client, *_: client.subscribe([("rec/v1/+/up/+", 0), ("rec/v1/+/status", 0)])
    client.on_subscribe = lambda *_: listening.set()
    client.on_message = lambda _client, _data, message: seen.append(message.topic.encode() + message.payload)
    client.connect(house.broker.host, house.broker.port)
    client.loop_start()
    try:
        assert listening.wait(SECONDS_MAX)
        yield seen
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def relayed(house: House) -> Iterator[tuple[House, Relay]]:
    """Machines whose room and archive reach the broker through a relay that remembers."""
    with Relay(house.broker.port) as relay:
        house.stop_archive()
        house.change("uplink", "port", relay.port)
        house.change("archive", "port", relay.port)
        house.start_archive()
        yield house, relay
        house.stop_room()


def test_nothing_is_heard_by_those_it_is_not_for(relayed: tuple[House, Relay], speech: Path) -> None:
    """Promise 3: no sample and no packet on the card, in a log, on the wire, at the archive, or in the daemon's memory."""
    house, relay = relayed
    said = spoken(speech)
    assert len(said) > 200
    with inside_the_broker(house) as published:
        room = house.start_room()
        kept = house.begin(blocks=2)
        during = places(house)
        house.end()
        house.await_signed(kept)
        sound = packets(house, kept)
        assert len(sound) > 50

        room_memory = memory(room.process.pid)
        refused = house.begin(blocks=3)
        during_refused = places(house)
        erased = packets_while_it_can_be_refused(house, refused)
        assert len(erased) > 50
        room.press("refuse")
        room.wait_for("purge", lambda it: it.happened("purged", refused), 40)
        after = places(house)
    until("both meetings on the wire", lambda: len(relay.passed) > 20_000)

    everywhere = {f"{file} during": data for file, data in during.items()}
    everywhere |= {f"{file} during the refused": data for file, data in during_refused.items()}
    everywhere |= after | {"the wire": relay.passed, "inside the broker": b"".join(published)}
    assert b"rec/v1/room-1/up/" + kept.encode() in everywhere["inside the broker"]
    assert b"rec/v1/room-1/up/" + refused.encode() in everywhere["inside the broker"]
    blocks = [name for name in everywhere if "block-" in name or "/blocks/" in name]
    assert any("/spool/" in name for name in blocks) or any("/objects/" in name for name in blocks)
    assert any(name.endswith("room.log") for name in everywhere)
    assert any(str(house.hold_file) in name for name in everywhere)
    assert leaks([*said, *sound, *erased, *CONTAINERS], everywhere) == set()
    assert leaks([*said[::4], *sound[::4]], {"the daemon's memory": room_memory}) == set()
    assert len(room_memory) > 1_000_000

    # And the search does find what is there: on the card, and in the very bytes of the wire.
    planted = house.room_folder / "spool" / "planted"
    for needle in (said[100], sound[40]):
        planted.write_bytes(b"before" + needle + b"behind")
        assert leaks([*said, *sound], places(house)) == {str(planted)}
        planted.unlink()
        assert leaks([*said, *sound], {"the wire": relay.passed + needle}) == {"the wire"}
    assert leaks([house.device_key.read_bytes()[30:60]], after), "files are not searched as they are"
    assert b"rec/v1/" not in relay.passed, "not even the topic: the road is encrypted, and so is what travels on it"
