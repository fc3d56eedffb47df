"""A second reader of sealed recordings, written from docs/sealed-recording.md alone: nothing here comes from recorder/.

It is the plainest reading of the text: the whole file in memory, every block's signature checked, HPKE and X-Wing
computed step by step. Where it and the product disagree, one of them or the document is wrong.
"""

import hashlib
import hmac
import json
import re
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

BOUNDS = {1: 8_192, 2: 524_288, 3: 4_194_304, 4: 65_536}
CAUSES = {1: "stall", 2: "overflow", 3: "unplugged", 4: "pause"}
LARGEST = 2**53 - 1


class Refused(Exception):
    """The layer that refuses is the first argument."""


@dataclass
class Reading:
    state: str = "none"
    layer: str = "nothing"
    packets: list[bytes] = field(default_factory=list)


def need(condition: object, layer: str) -> None:
    if not condition:
        raise Refused(layer)


def H(data: bytes) -> bytes:  # noqa: N802
    return hashlib.sha256(data).digest()


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, "sha256").digest()


# --- section 1 ---


def records(data: bytes) -> tuple[list[tuple[int, bytes]], bool]:
    """The records, and whether the file ends well behind the last of them."""
    found, at = [], 0
    while at < len(data):
        if at + 5 > len(data):
            return found, False
        kind, length = struct.unpack_from(">BI", data, at)
        if length > BOUNDS.get(kind, -1) or at + 5 + length > len(data):
            return found, False
        found.append((kind, data[at + 5 : at + 5 + length]))
        at += 5 + length
    return found, True


def text_of(key: Ed25519PublicKey, domain: bytes, body: bytes, schema: dict, layer: str) -> dict:
    try:
        key.verify(body[:64], domain + body[64:])
    except InvalidSignature:
        raise Refused(layer) from None
    raw = body[64:]
    need(all(0x20 <= byte < 0x7F and byte != 0x5C for byte in raw), layer)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(layer) from None
    need(isinstance(value, dict) and set(value) == set(schema), layer)
    need(json.dumps(value, sort_keys=True, separators=(",", ":")).encode() == raw, layer)
    for name, fits in schema.items():
        need(fits(value[name]), layer)
    return value


def natural(value: object) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


def digits(count: int):
    return lambda value: type(value) is str and re.fullmatch(f"[0-9a-f]{{{2 * count}}}", value) is not None


def one_of(*values: object):
    return lambda value: any(type(value) is type(each) and value == each for each in values)


PREAMBLE = {
    "version": one_of(1),
    "recording": digits(16),
    "device": lambda v: type(v) is str and re.fullmatch("[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", v) is not None,
    "device_key": digits(32),
    "sequence": lambda v: natural(v) and v >= 1,
    "previous": digits(32),
    "wall_ms": natural,
    "monotonic_ms": natural,
    "synced": one_of(True, False),
    "boot": digits(16),
    "rate": one_of(8000, 12000, 16000, 24000, 48000),
    "preskip": lambda v: natural(v) and v <= 960,
    "pad_bytes": lambda v: natural(v) and 1 <= v <= 16_384,
    "suite": one_of("chacha20poly1305", "aes256gcm"),
    "kem": one_of("mlkem768-x25519", "x25519"),
    "recipients": lambda v: type(v) is list and 1 <= len(v) <= 16 and all(map(digits(32), v)) and v == sorted(set(v)),
    "commitment": digits(32),
}
MANIFEST = {
    "version": one_of(1),
    "recording": digits(16),
    "preamble": digits(32),
    "ended": one_of("stop", "limit", "fault", "power_loss", "refused"),
    "blocks": natural,
    "root": digits(32),
    "ticks": natural,
    "gaps": lambda v: type(v) is list and len(v) <= 65_536,
    "events": lambda v: (
        type(v) is list
        and len(v) <= 4_096
        and all(
            type(e) is list
            and len(e) == 3
            and natural(e[0])
            and natural(e[1])
            and type(e[2]) is str
            and re.fullmatch("[a-z_]{1,32}", e[2])
            for e in v
        )
    ),
    "wall_ms": natural,
    "monotonic_ms": natural,
    "synced": one_of(True, False),
    "boot": digits(16),
    "keybox": lambda v: v is None or digits(32)(v),
}

# --- sections 4 and 5 ---


@dataclass
class Block:
    body: bytes
    index: int
    final: bool
    gap: bool
    flushed: bool
    cause: int
    position: int
    length: int

    @property
    def end(self) -> int:
        return self.position + self.length


def signature_right(key: Ed25519PublicKey, hashed: bytes, body: bytes) -> bool:
    try:
        key.verify(body[:64], b"wederhoor/1 block\0" + hashed + body[64:])
    except InvalidSignature:
        return False
    return True


def block_of(authentic: bool, pad: int, body: bytes, before: Block | None) -> Block:
    need(len(body) >= 64 + 34 + 16 and authentic, "block")
    index, flags, cause, position, length, wall, monotonic = struct.unpack(">IBBQIQQ", body[64:98])
    block = Block(body, index, bool(flags & 1), bool(flags & 2), bool(flags & 4), cause, position, length)
    plain = len(body) - 64 - 34 - 16
    need(flags < 16 and max(block.end, wall, monotonic) <= LARGEST, "block")
    need(index == (before.index + 1 if before else 0) and position == (before.end if before else 0), "block")
    if block.gap:
        need(cause in CAUSES and not block.flushed and plain == 0, "block")
        need(length >= 960 and length % 120 == 0, "block")
        need(before is None or before.gap or before.flushed, "block")
    else:
        count, rest = divmod(length, 960)
        need(cause == 0 and rest == 0 and 1 <= count + block.flushed <= 250, "block")
        need(plain > 0 and plain % pad == 0, "block")
        need(before is None or not before.flushed, "block")
    need(before is None or not before.final, "block")
    return block


def tree(entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as the recursion that it is there."""
    if len(entries) < 2:
        return H(b"\0" + entries[0]) if entries else H(b"")
    split = 1 << (len(entries) - 1).bit_length() - 1
    return H(b"\1" + tree(entries[:split]) + tree(entries[split:]))


# --- section 6 ---


def expand(key: bytes, info: bytes, length: int = 32) -> bytes:
    assert length <= 32
    return mac(key, info + b"\1")[:length]


def hpke_keys(kem: int, secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of the first message in base mode (RFC 9180, section 5.1)."""
    suite = b"HPKE" + struct.pack(">HHH", kem, 1, 3)

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return mac(salt or bytes(32), b"HPKE-v1" + suite + label + ikm)

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    key = extract(secret, b"secret", b"")

    def derive(label: bytes, length: int) -> bytes:
        return expand(key, struct.pack(">H", length) + b"HPKE-v1" + suite + label + context, length)

    return derive(b"key", 32), derive(b"base_nonce", 12)


def dhkem_secret(shared: bytes, enc: bytes, public: bytes) -> bytes:
    """DHKEM(X25519, HKDF-SHA256) (RFC 9180, section 4.1)."""
    suite = b"KEM\0\x20"
    key = mac(bytes(32), b"HPKE-v1" + suite + b"eae_prk" + shared)
    return expand(key, b"\0\x20HPKE-v1" + suite + b"shared_secret" + enc + public)


def key_id(mlkem: MLKEM768PrivateKey | None, x25519: X25519PrivateKey) -> bytes:
    first = mlkem.public_key().public_bytes_raw() if mlkem else b""
    return H(first + x25519.public_key().public_bytes_raw())


def hpke_open(mlkem: MLKEM768PrivateKey | None, x25519: X25519PrivateKey, sealed: bytes, info: bytes) -> bytes:
    size = 1_120 if mlkem else 32
    enc, ciphertext = sealed[:size], sealed[size:]
    ephemeral, public = enc[-32:], x25519.public_key().public_bytes_raw()
    shared = x25519.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    if mlkem:
        parts = mlkem.decapsulate(enc[:1_088]) + shared + ephemeral + public + bytes.fromhex("5c2e2f2f5e5c")
        key, nonce = hpke_keys(0x647A, hashlib.sha3_256(parts).digest(), info)
    else:
        key, nonce = hpke_keys(0x0020, dhkem_secret(shared, enc, public), info)
    return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, b"")


def keybox_entries(body: bytes, layer: str) -> list[tuple[bytes, bytes]]:
    need(body, layer)
    entries, at = [], 1
    for _ in range(body[0]):
        need(at + 34 <= len(body), layer)
        size = int.from_bytes(body[at + 32 : at + 34], "big")
        entries.append((body[at : at + 32], body[at + 34 : at + 34 + size]))
        at += 34 + size
    need(at == len(body), layer)
    return entries


# --- section 8 ---


def read(
    data: bytes, devices: list[Ed25519PublicKey], mlkem: MLKEM768PrivateKey | None, x25519: X25519PrivateKey
) -> Reading:
    """Judge `data`, and salvage the packets before the first flaw."""
    reading = Reading()
    found, sound = records(data)
    try:
        key, preamble, hashed = _preamble(found, devices)
    except Refused as refused:
        reading.layer = refused.args[0]
        return reading
    blocks: list[Block] = []
    try:
        reading.state = _judge(found[1:], sound, key, preamble, hashed, blocks)
    except Refused as refused:
        reading.state, reading.layer = "cut", refused.args[0]
    try:
        keyboxes = [body for kind, body in found if kind == 4]
        if keyboxes and reading.state != "refused":
            _open(keyboxes[0], preamble, hashed, blocks, key_id(mlkem, x25519), mlkem, x25519, reading.packets)
    except (Refused, InvalidTag, ValueError):
        if reading.layer == "nothing":
            reading.layer = "open"
    return reading


def _preamble(found: list[tuple[int, bytes]], devices: list[Ed25519PublicKey]) -> tuple[Ed25519PublicKey, dict, bytes]:
    need(found and found[0][0] == 1, "preamble")
    for key in devices:
        try:
            preamble = text_of(key, b"wederhoor/1 preamble\0", found[0][1], PREAMBLE, "preamble")
        except Refused:
            continue
        need(preamble["device_key"] == H(key.public_bytes_raw()).hex(), "preamble")
        return key, preamble, H(found[0][1])
    raise Refused("preamble")


def _judge(
    rest: list[tuple[int, bytes]],
    sound: bool,
    key: Ed25519PublicKey,
    preamble: dict,
    hashed: bytes,
    blocks: list[Block],
) -> str:
    manifest = keybox = None
    covered = _covered(rest, key, hashed)
    for kind, body in rest:
        need(keybox is None and (kind == 2 or kind == 3) == (manifest is None) and kind != 1, "records")
        if kind == 2:
            blocks.append(
                block_of(
                    covered or signature_right(key, hashed, body),
                    preamble["pad_bytes"],
                    body,
                    blocks[-1] if blocks else None,
                )
            )
        elif kind == 3:
            manifest = text_of(key, b"wederhoor/1 manifest\0", body, MANIFEST, "manifest")
            _agree(manifest, preamble, hashed, blocks)
        else:
            keybox = body
            need(H(body).hex() == manifest["keybox"], "keybox")
            need([each.hex() for each, _ in keybox_entries(body, "keybox")] == preamble["recipients"], "keybox")
    need(sound, "records")
    if manifest is None:
        return "open"
    return "refused" if manifest["ended"] == "refused" else "whole"


def _covered(rest: list[tuple[int, bytes]], key: Ed25519PublicKey, hashed: bytes) -> bool:
    """Whether an authentic manifest covers the blocks in front of it."""
    bodies: list[bytes] = []
    for kind, body in rest:
        if kind == 2:
            bodies.append(body)
        if kind == 3:
            try:
                manifest = text_of(key, b"wederhoor/1 manifest\0", body, MANIFEST, "manifest")
            except Refused:
                return False
            return manifest["preamble"] == hashed.hex() and manifest["root"] == tree([H(each) for each in bodies]).hex()
    return False


def _agree(manifest: dict, preamble: dict, hashed: bytes, blocks: list[Block]) -> None:
    need(manifest["recording"] == preamble["recording"] and manifest["preamble"] == hashed.hex(), "manifest")
    need(manifest["blocks"] == len(blocks), "manifest")
    need(manifest["root"] == tree([H(block.body) for block in blocks]).hex(), "manifest")
    need(manifest["ticks"] == (blocks[-1].end if blocks else 0), "manifest")
    gaps = [[block.position, block.length, CAUSES[block.cause]] for block in blocks if block.gap]
    need(manifest["gaps"] == gaps, "manifest")
    if manifest["ended"] in ("stop", "limit"):
        need(not blocks or blocks[-1].final, "manifest")
    if manifest["ended"] == "refused":
        need(manifest["keybox"] is None and not blocks, "manifest")
        need(all(event[0] == 0 for event in manifest["events"]), "manifest")
        need(len({event[1] for event in manifest["events"]}) <= 1, "manifest")


def _open(
    keybox: bytes,
    preamble: dict,
    hashed: bytes,
    blocks: list[Block],
    own: bytes,
    mlkem: MLKEM768PrivateKey | None,
    x25519: X25519PrivateKey,
    packets: list[bytes],
) -> None:
    sealed = dict(keybox_entries(keybox, "open")).get(own)
    need(sealed, "open")
    secret = hpke_open(mlkem, x25519, sealed, b"wederhoor/1 keybox\0" + hashed + own)
    need(len(secret) == 32, "open")
    recording = bytes.fromhex(preamble["recording"])
    need(mac(secret, b"wederhoor/1 commitment" + recording).hex() == preamble["commitment"], "open")
    chain = expand(mac(hashed, secret), b"wederhoor/1 chain")
    aead = {"chacha20poly1305": ChaCha20Poly1305, "aes256gcm": AESGCM}[preamble["suite"]]
    for block in blocks:
        key = expand(chain, b"wederhoor/1 block key")
        chain = expand(chain, b"wederhoor/1 next")
        plain = aead(key).decrypt(bytes(12), block.body[98:], hashed + block.body[64:98])
        if not block.gap:
            packets += _packets(plain, preamble["pad_bytes"], block)


def _packets(plain: bytes, pad: int, block: Block) -> list[bytes]:
    count, at, found = int.from_bytes(plain[:2], "big"), 2, []
    for _ in range(count):
        size = int.from_bytes(plain[at : at + 2], "big")
        need(1 <= size <= 1_276 and at + 2 + size <= len(plain), "open")
        found.append(plain[at + 2 : at + 2 + size])
        at += 2 + size
    need(count == block.length // 960 + block.flushed, "open")
    need(not any(plain[at:]) and len(plain) - at < pad, "open")
    return found
