"""What lies on the card of a room after days without its archive: meetings, kept by the device's own code."""

import os
from pathlib import Path
from unittest import mock

from bench.uploads import BOOT, MOMENT, begin, sealed
from recorder import config
from recorder.audio import FRAME_TICKS
from recorder.device.chain import Chain
from recorder.device.custody import Custody
from recorder.device.hold import open_hold
from recorder.device.receipts import Receipts
from recorder.device.spool import Spool
from recorder.device.terms import terms
from recorder.keyfiles import load_device, load_recipients
from recorder.sealed import keybox, layout

HOLD_KEY_BYTES = 32


class Card:
    """Of the room of these settings. It was never started before."""

    def __init__(self, settings: config.Config) -> None:
        folder = Path(settings.room.folder)
        self._settings = settings
        self._key = load_device(folder / "keys" / "signing.key")
        (self._recipient,) = load_recipients(folder / "keys" / "recipients")
        self._chain = Chain(folder, new=True)
        self.spool = Spool(folder / "spool", settings.spool.bytes_max)
        self.custody = Custody(
            self.spool,
            open_hold(settings.room),
            self._chain,
            Receipts(folder / "receipts"),
            self._key,
            terms(settings),
            lambda *_: None,
        )

    def begin(self, blocks: int, block_bytes: int) -> "Meeting":
        """Begin a meeting of so many blocks."""
        preamble, box, sealer = begin(
            self._settings.room.name,
            self._key,
            self._recipient,
            self._chain.sequence,
            pad_bytes=self._settings.seal.pad_bytes,
            previous=self._chain.previous,
        )
        hold_key = bytearray(os.urandom(HOLD_KEY_BYTES))
        held = keybox.hold_keybox(box, hold_key, layout.hash_body(layout.parse_record(preamble)[1]))
        recording = self.custody.begin(preamble, held, hold_key)
        for event in ("notice_given", "recording"):
            self.custody.note(event, 0, MOMENT)
        return Meeting(self.custody, recording.id, list(sealed(sealer, blocks, block_bytes, ends=True)))


class Meeting:
    """One that is held: `keep` its blocks, then `end` it."""

    def __init__(self, custody: Custody, recording: str, blocks: list[bytes]) -> None:
        self.recording = recording
        self.blocks = blocks
        self._custody = custody

    def keep(self, block: bytes) -> None:
        self._custody.keep(block)

    def end(self) -> None:
        """By stop; the grace period is over, and the key released."""
        self._custody.note("stop", len(self.blocks) * FRAME_TICKS, MOMENT, "stop")
        if not self._custody.release(MOMENT, BOOT):
            raise AssertionError("nobody said no")


def fill(settings: config.Config, meetings: int, blocks: int, block_bytes: int) -> list[str]:
    """Put so many meetings on the card; their ids. Nothing is synced: this makes a card as it is found, and no promise."""
    with mock.patch.object(os, "fsync", lambda _: None):
        card = Card(settings)
        found = []
        for _ in range(meetings):
            meeting = card.begin(blocks, block_bytes)
            for block in meeting.blocks:
                meeting.keep(block)
            meeting.end()
            found.append(meeting.recording)
    return found
