"""Makes recordings by hand, right or wrong, the same bytes each time. Used by the scripts beside it."""

import hashlib
import json
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "sealed"))
import second_reader as spec  # noqa: E402

DEVICE = Ed25519PrivateKey.from_private_bytes(b"device".ljust(32, b"."))
STRANGER = Ed25519PrivateKey.from_private_bytes(b"stranger".ljust(32, b"."))
MLKEM = MLKEM768PrivateKey.from_seed_bytes(b"recipient".ljust(64, b"."))
X25519 = X25519PrivateKey.from_private_bytes(b"recipient".ljust(32, b"."))
OTHER = X25519PrivateKey.from_private_bytes(b"other recipient".ljust(32, b"."))
EPHEMERAL = X25519PrivateKey.from_private_bytes(b"ephemeral".ljust(32, b"."))
DATA_KEY = b"data key".ljust(32, b".")
CAUSES = {"stall": 1, "overflow": 2, "unplugged": 3, "pause": 4}
FINAL, GAP, FLUSHED, SYNCED = 1, 2, 4, 8

VECTORS: dict[str, bytes] = {}


def vector(name: str, expect: str, state: str, released: int, says: str, comment: str, data: bytes) -> None:
    """Keep one vector: who refuses it, what a verifier says, how many packets may come out, and why."""
    assert name not in VECTORS, name
    head = {"expect": expect, "state": state, "released": released, "says": says, "comment": comment}
    VECTORS[name] = "".join(f"{key}: {value}\n" for key, value in head.items()).encode() + b"\n" + data


def text(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def sign(domain: bytes, raw: bytes, key: Ed25519PrivateKey = DEVICE) -> bytes:
    return key.sign(domain + raw) + raw


def hpke_seal(secret: bytes, public: X25519PrivateKey, info: bytes) -> bytes:
    """DHKEM(X25519) with an ephemeral key that is always the same: for vectors only."""
    enc, raw = EPHEMERAL.public_key().public_bytes_raw(), public.public_key().public_bytes_raw()
    shared = spec.dhkem_secret(EPHEMERAL.exchange(public.public_key()), enc, raw)
    key, nonce = spec.hpke_keys(0x0020, shared, info)
    return enc + ChaCha20Poly1305(key).encrypt(nonce, secret, b"")


class Recording:
    """A recording under way. `preamble` replaces values of the preamble."""

    def __init__(self, preamble_key: Ed25519PrivateKey = DEVICE, **preamble: object) -> None:
        own = spec.key_id(MLKEM if preamble.get("kem") == "mlkem768-x25519" else None, X25519)
        recording = bytes.fromhex(preamble.get("recording", b"recording".ljust(16, b".").hex()))
        values = {
            "version": 1,
            "recording": recording.hex(),
            "device": "room-1",
            "device_key": spec.H(DEVICE.public_key().public_bytes_raw()).hex(),
            "sequence": 1,
            "previous": bytes(32).hex(),
            "wall_ms": 1_700_000_000_000,
            "monotonic_ms": 60_000,
            "synced": True,
            "boot": b"boot".ljust(16, b".").hex(),
            "rate": 48_000,
            "preskip": 312,
            "pad_bytes": 16,
            "suite": "chacha20poly1305",
            "kem": "x25519",
            "recipients": [own.hex()],
            "commitment": spec.mac(DATA_KEY, b"wederhoor/1 commitment" + recording).hex(),
        } | preamble
        self.values = {key: value for key, value in values.items() if value is not None}
        self.body = sign(b"wederhoor/1 preamble\0", text(self.values), preamble_key)
        self.hashed = spec.H(self.body)
        self.chain = spec.expand(spec.mac(self.hashed, DATA_KEY), b"wederhoor/1 chain")
        self.records = [(1, self.body)]
        self.blocks: list[bytes] = []
        self.gaps: list[list[object]] = []
        self.position = 0

    def audio(
        self,
        count: int = 2,
        *,
        flushed: bool = False,
        final: bool = False,
        plain: bytes | None = None,
        **header: int,
    ) -> "Recording":
        packets = [b"\xf8" + f"{len(self.blocks)}/{each}".encode() for each in range(count)]
        if plain is None:
            plain = struct.pack(">H", count) + b"".join(struct.pack(">H", len(each)) + each for each in packets)
            plain += bytes(-len(plain) % self.values["pad_bytes"])
        values = {
            "flags": SYNCED + FINAL * final + FLUSHED * flushed,
            "cause": 0,
            "length": 960 * (count - flushed),
        } | header
        return self.block(plain, **values)

    def gap(
        self, length: int = 1_200, cause: str = "stall", *, final: bool = False, plain: bytes = b"", **header: int
    ) -> "Recording":
        self.gaps.append([self.position, length, cause])
        values = {"flags": SYNCED + FINAL * final + GAP, "cause": CAUSES[cause], "length": length}
        return self.block(plain, **(values | header))

    def block(
        self,
        plain: bytes,
        key: Ed25519PrivateKey = DEVICE,
        domain: bytes = b"wederhoor/1 block\0",
        associated: bytes = b"",
        **header: int,
    ) -> "Recording":
        index = len(self.blocks)
        times = {"wall_ms": 1_700_000_000_000 + 40 * index, "monotonic_ms": 60_000 + 40 * index}
        values = {"index": index, "position": self.position} | times | header
        names = ("index", "flags", "cause", "position", "length", "wall_ms", "monotonic_ms")
        clear = struct.pack(">IBBQIQQ", *(values[name] for name in names))
        aead = {"chacha20poly1305": ChaCha20Poly1305, "aes256gcm": AESGCM}[self.values["suite"]]
        block_key = spec.expand(self.chain, b"wederhoor/1 block key")
        self.chain = spec.expand(self.chain, b"wederhoor/1 next")
        sealed = clear + aead(block_key).encrypt(bytes(12), plain, self.hashed + clear + associated)
        body = sign(domain + self.hashed, sealed, key)
        self.position = values["position"] + values["length"]
        self.blocks.append(body)
        self.records.append((2, body))
        return self

    def keybox(self, *, data_key: bytes = DATA_KEY, entries: list[tuple[bytes, bytes]] | None = None) -> bytes:
        if entries is None:
            entries = [self.entry(bytes.fromhex(each), data_key) for each in self.values["recipients"]]
        packed = (key_id + struct.pack(">H", len(sealed)) + sealed for key_id, sealed in entries)
        return bytes([len(entries)]) + b"".join(packed)

    def entry(self, key_id: bytes, data_key: bytes = DATA_KEY) -> tuple[bytes, bytes]:
        info = b"wederhoor/1 keybox\0" + self.hashed + key_id
        if self.values["kem"] == "mlkem768-x25519":
            # ML-KEM offers no way to seal the same twice. Made once; to make it anew, see hybrid.py.
            return key_id, bytes.fromhex((HERE / "hybrid_sealed.hex").read_text())
        return key_id, hpke_seal(data_key, X25519 if key_id == spec.key_id(None, X25519) else OTHER, info)

    def end(self, box: bytes | str | None = "", key: Ed25519PrivateKey = DEVICE, **manifest: object) -> "Recording":
        """The manifest, and the keybox that it names (None: neither is there)."""
        box = self.keybox() if box == "" else box
        values = {
            "version": 1,
            "recording": self.values["recording"],
            "preamble": self.hashed.hex(),
            "ended": "stop",
            "blocks": len(self.blocks),
            "root": spec.tree([spec.H(body) for body in self.blocks]).hex(),
            "ticks": self.position,
            "gaps": self.gaps,
            "events": [[0, 1_700_000_000_000, "start"], [self.position, 1_700_000_001_000, "stop"]],
            "wall_ms": 1_700_000_002_000,
            "monotonic_ms": 62_000,
            "synced": True,
            "boot": self.values["boot"],
            "keybox": None if box is None else spec.H(box).hex(),
        } | manifest
        self.records.append((3, sign(b"wederhoor/1 manifest\0", text(values), key)))
        if box is not None:
            self.records.append((4, box))
        return self

    def refuse(self, **manifest: object) -> "Recording":
        nothing = {"blocks": 0, "ticks": 0, "gaps": [], "root": hashlib.sha256().hexdigest()}
        return self.end(
            None, **({"ended": "refused", "events": [[0, 1_700_000_000_500, "refuse"]]} | nothing | manifest)
        )

    def data(self) -> bytes:
        return join(self.records)


def join(records: list[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack(">BI", kind, len(body)) + body for kind, body in records)


def usual(**preamble: object) -> Recording:
    """Four blocks, 7 packets: audio, flushed audio, gap, audio."""
    recording = Recording(**preamble).audio().audio(3, flushed=True).gap()
    return recording.audio(final=True)
