"""Recordings with real sound in them, as a room would encode them, and heard at an archive."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recorder.archive.derived import keep
from recorder.archive.folder import FolderStore
from recorder.archive.hearing import Hearing
from recorder.audio import Gap, GapCause, Moment, OpusBlock, PcmBlock
from recorder.config import load
from recorder.encoder import Encoder
from recorder.sealed import layout
from tests.archive.test_reading_room import DEVICE, MOMENT, RECIPIENT, sealed

OPUS = load().opus
Lost = tuple[int, GapCause]
"""Ticks, and why."""


def tone(hertz: float, seconds: float, level: float = 0.3) -> np.ndarray:
    t = np.arange(round(seconds * 48_000)) / 48_000
    return (level * 32_767 * np.sin(2 * np.pi * hertz * t)).astype("<i2")


def room(pieces: Sequence[np.ndarray | Lost]) -> list[OpusBlock | Gap]:
    """What a room makes of sound (48 kHz; whole frames of it are taken) and of what is lost."""
    encoder, items, position = Encoder(OPUS, 48_000, 50), [], 0
    for piece in pieces:
        moment = Moment(MOMENT.wall_ms, MOMENT.monotonic_ms, True).later(position)
        if isinstance(piece, tuple):
            item: PcmBlock | Gap = Gap(position, piece[0], piece[1], moment)
        else:
            pcm = piece[: len(piece) // 960 * 960]
            item = PcmBlock(position, len(pcm), pcm.tobytes(), moment)
        items += encoder.encode(item)
        position += item.length
    last = encoder.finish()
    return items if last is None else [*items, last]


def hear(folder: Path, items: Sequence[OpusBlock | Gap]) -> Hearing:
    store = FolderStore.make(folder / "objects")
    records = (layout.record(*each) for each in layout.split(io.BytesIO(sealed(list(items)))))
    return Hearing(store, keep(store, records, MOMENT.wall_ms, 126), DEVICE.public_key(), RECIPIENT)


def power(samples: np.ndarray, hertz: float, rate: int) -> float:
    """Of a tone in these samples: its amplitude as a part of full scale."""
    wave = np.exp(-2j * np.pi * hertz / rate * np.arange(len(samples)))
    window = np.hanning(len(samples))
    return float(2 * np.abs((samples / 32_768 * window * wave).sum()) / window.sum())
