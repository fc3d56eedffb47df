"""A room that sends as fast as it may, at next to no cost: its MQTT packets are made ahead and written by the dozen.

A client library would cost the sender as much as the receiver, and on one machine that is what would be measured. MQTT 3.1.1:
what differs from 5 is no matter here. It never has more than `window` messages on the road that were not answered for.
"""

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

import msgspec

from bench.uploads import meeting
from recorder import tls
from recorder.canonical import SIGNATURE_BYTES
from recorder.keyfiles import load_device, load_recipient_public
from recorder.wire.receipt import Receipt
from recorder.wire.topics import UploadTopic

AT_ONCE = 32
"""Messages in one write."""
PATIENCE_SECONDS = 0.001
CONNECT, CONNACK, PUBLISH_QOS1, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x32, 0x40, 0x82, 0x90


@dataclass(frozen=True)
class Load:
    """What one room sends."""

    folder: Path
    """Of the room, as the authority made it: `keys` in it."""
    room: str
    port: int
    blocks: int
    block_bytes: int
    window: int
    receipts: bool
    """Whether it is an archive that answers. Else nobody does, and who receives counts."""


def blast(load: Load, answered: "Synchronized[int]", ready: Event, start: Event) -> None:
    """Make the uploads, say `ready` once the preamble has its receipt, wait for `start`, and send the blocks.

    `answered` tells how many of these the other side has done with; with `receipts` this process counts them.
    """
    keys = load.folder / "keys"
    recipient = load_recipient_public(load.folder.parent / "reader.pub")
    made = meeting(load.room, load_device(keys / "signing.key"), recipient, 1, load.blocks, load.block_bytes)
    packets = [
        _publish(str(UploadTopic(load.room, upload.recording)), bytes(upload), at % 65_535 + 1)
        for at, upload in enumerate(made)
    ]
    preamble = packets.pop(0)
    with _connection(keys, load.port, load.room, receipts=load.receipts) as wire:
        if load.receipts:
            wire.write(preamble)
            while not wire.read(PATIENCE_SECONDS):
                pass
        ready.set()
        start.wait()
        sent = 0
        while answered.value < len(packets):
            free = min(load.window - (sent - answered.value), len(packets) - sent, AT_ONCE)
            if free > 0:
                wire.write(b"".join(packets[sent : sent + free]))
                sent += free
            told = wire.read(0 if free > 0 else PATIENCE_SECONDS)
            if load.receipts:
                answered.value += told


class _Wire:
    """One connection, of which only receipts are of interest."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock
        self._buffer = bytearray()

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._sock.send(view) :]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                time.sleep(PATIENCE_SECONDS)

    def read(self, seconds: float) -> int:
        """Read what is there, waiting so long if there is nothing; how many items receipts in it sign for."""
        self._fill(seconds)
        return sum(self._signed(payload) for payload in self._published())

    def expect(self, kind: int) -> None:
        """Read until a packet of this kind was there."""
        while (packet := self._packet()) is None or packet[0] != kind:
            self._fill(PATIENCE_SECONDS)

    def _fill(self, seconds: float) -> None:
        try:
            data = self._sock.recv(262_144)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            time.sleep(seconds)
            return
        if not data:
            raise ConnectionError("the broker closed the connection")
        self._buffer += data

    def _published(self) -> Iterator[bytes]:
        while (packet := self._packet()) is not None:
            head, body = packet
            if head & 0xF0 == 0x30:
                at = 2 + int.from_bytes(body[:2])
                if head & 0x06:
                    self.write(bytes([PUBACK, 2]) + body[at : at + 2])
                    at += 2
                yield body[at:]

    def _packet(self) -> tuple[int, bytes] | None:
        length = shift = 0
        for at, byte in enumerate(self._buffer[1:5], 1):
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                if len(self._buffer) < at + 1 + length:
                    return None
                head, body = self._buffer[0], bytes(self._buffer[at + 1 : at + 1 + length])
                del self._buffer[: at + 1 + length]
                return head, body
        return None

    @staticmethod
    def _signed(payload: bytes) -> int:
        receipt = msgspec.json.decode(payload[SIGNATURE_BYTES:], type=Receipt)
        if receipt.rejected:
            raise ValueError(f"the archive does not take what the bench sends: {receipt.rejected[0].reason}")
        return sum(stored.last - stored.first + 1 for stored in receipt.stored)


@contextlib.contextmanager
def _connection(keys: Path, port: int, room: str, *, receipts: bool) -> Iterator[_Wire]:
    with socket.create_connection(("localhost", port)) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with tls.Identity(keys).context.wrap_socket(plain, server_hostname="localhost") as sock:
            sock.setblocking(False)
            wire = _Wire(sock)
            wire.write(_packet(CONNECT, _text("MQTT") + struct.pack(">BBH", 4, 2, 60) + _text(room)))
            wire.expect(CONNACK)
            if receipts:
                wire.write(_packet(SUBSCRIBE, struct.pack(">H", 1) + _text(f"rec/v1/{room}/down") + b"\1"))
                wire.expect(SUBACK)
            yield wire


def _publish(topic: str, payload: bytes, number: int) -> bytes:
    return _packet(PUBLISH_QOS1, _text(topic) + struct.pack(">H", number) + payload)


def _packet(kind: int, body: bytes) -> bytes:
    """A control packet (MQTT 3.1.1, section 2.2)."""
    left, length = len(body), bytearray()
    while left or not length:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
    return bytes([kind]) + bytes(length) + body


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()
