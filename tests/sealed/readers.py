"""The vectors, and every reader that they go through."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import second_reader
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from recorder.errors import SealedError
from recorder.sealed import open as opening
from recorder.sealed import verify as verifying
from recorder.sealed.keys import RecipientPrivateKey

FOLDER = Path(__file__).parents[1] / "vectors"
DEVICE = Ed25519PrivateKey.from_private_bytes(b"device".ljust(32, b".")).public_key()
MLKEM = MLKEM768PrivateKey.from_seed_bytes(b"recipient".ljust(64, b"."))
X25519 = X25519PrivateKey.from_private_bytes(b"recipient".ljust(32, b"."))


@dataclass(frozen=True)
class Vector:
    name: str
    expect: str
    state: str
    released: int
    says: str
    comment: str
    data: bytes


def parse(file: Path) -> Vector:
    head, _, data = file.read_bytes().partition(b"\n\n")
    told = dict(line.split(": ", 1) for line in head.decode().splitlines())
    return Vector(file.stem, told["expect"], told["state"], int(told["released"]), told["says"], told["comment"], data)


VECTORS = [parse(file) for file in sorted(FOLDER.glob("*.vector"))]


@dataclass(frozen=True)
class Outcome:
    """What a reader made of a file: its verdict, the flaw's words, and the packets that came out."""

    state: str
    says: str
    packets: tuple[bytes, ...] = ()
    opened: bool = False


def verify(data: bytes, module: Any = verifying) -> Outcome:
    try:
        report = module.verify(io.BytesIO(data), [DEVICE])
    except SealedError as error:
        return Outcome("none", str(error))
    return Outcome(str(report.state), report.flaw or "")


def open_file(data: bytes, *, salvage: bool, module: Any = opening) -> Outcome:
    """The packets that came out before the reader refused, if it did."""
    packets: list[bytes] = []
    hybrid = b'"kem":"mlkem768-x25519"' in data
    try:
        opened = module.open_recording(
            io.BytesIO(data), [DEVICE], RecipientPrivateKey(X25519, MLKEM if hybrid else None), salvage=salvage
        )
        for item in opened.items:
            packets += getattr(item, "packets", ())
    except SealedError as error:
        return Outcome("refused", str(error), tuple(packets))
    return Outcome(str(opened.report.state), opened.report.flaw or "", tuple(packets), opened=True)


def read_second(data: bytes) -> second_reader.Reading:
    hybrid = b'"kem":"mlkem768-x25519"' in data
    return second_reader.read(data, [DEVICE], MLKEM if hybrid else None, X25519)
