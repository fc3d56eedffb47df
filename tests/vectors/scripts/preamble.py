"""Wrong preambles. Without an authentic one nothing can be said, so that the file is refused altogether."""

from craft import STRANGER, Recording, join, sign, spec, text, usual, vector


def preamble(name: str, says: str, comment: str, data: bytes) -> None:
    vector(f"preamble-{name}", "preamble", "none", 0, says, comment, data)


def resigned(raw: bytes) -> bytes:
    return join([(1, sign(b"wederhoor/1 preamble\0", raw)), *usual().end().records[1:]])


good = text(Recording().values)
preamble("empty-file", "empty", "not a byte", b"")
preamble("missing", "does not begin", "begins with a block", join(usual().end().records[1:]))
preamble("too-long", "over 8192", "a length over the bound", resigned(good + b" " * 8_192))
preamble("too-short", "signature", "shorter than a signature", join([(1, b"short")]))
preamble("stranger", "signature", "signed by another device", usual(preamble_key=STRANGER).end().data())
preamble(
    "altered",
    "signature",
    "one digit of the sequence changed",
    usual().end().data().replace(b'"sequence":1', b'"sequence":2'),
)
preamble("other-domain", "signature", "signed as a manifest", join([(1, sign(b"wederhoor/1 manifest\0", good))]))
preamble(
    "names-other-key",
    "another device key",
    "names a key that did not sign it",
    usual(device_key=bytes(32).hex()).data(),
)
preamble("white-space", "canonical", "white space in the text", resigned(good.replace(b":", b": ", 1)))
preamble(
    "unsorted",
    "canonical",
    "two keys swapped",
    resigned(
        b'{"wall_ms":1700000000000,'
        + good[1:].replace(b'"wall_ms":1700000000000,', b"").replace(b',"wall_ms":1700000000000', b"")
    ),
)
preamble(
    "key-twice", "canonical", "a key is there twice", resigned(good.replace(b'"version":1', b'"version":1,"version":1'))
)
preamble("escape", "printable", "a letter written as an escape", resigned(good.replace(b"room-1", b"room\\u002d1")))
preamble("not-ascii", "printable", "a byte that is not ASCII", resigned(good.replace(b"room-1", "rööm".encode())))
preamble("control-character", "printable", "a line feed at the end", resigned(good + b"\n"))
preamble("not-json", "Preamble", "no JSON at all", resigned(b"{"))
preamble("list", "Preamble", "a list in place of an object", resigned(b"[]"))
preamble(
    "fraction",
    "Preamble",
    "an integer written as a fraction",
    resigned(good.replace(b'"sequence":1', b'"sequence":1.0')),
)
preamble("key-unknown", "unknown", "a key that there is not", usual(more=1).data())
for name in sorted(Recording().values):
    if name not in ("kem", "pad_bytes", "recipients", "recording", "suite"):
        preamble(f"without-{name}", "missing required", "a key is missing", Recording(**{name: None}).data())
for name, values in {
    "version": [2, "1"],
    "recording": ["00" * 15 + "0A"],
    "device": ["", "-room", "room-", "Room", "a" * 65],
    "sequence": [0, 2**53],
    "previous": ["00" * 31],
    "wall_ms": [-1, 2**53],
    "synced": [1],
    "boot": [""],
    "rate": [44_100],
    "preskip": [961, -1],
    "pad_bytes": [16_385, 0],
    "suite": ["rot13"],
    "kem": ["p256"],
    "recipients": [[], ["00" * 31]],
}.items():
    for number, value in enumerate(values):
        changed = text(Recording().values | {name: value})
        preamble(f"bad-{name}-{number}", "Preamble", f"a {name} that the format does not have", resigned(changed))
ids = sorted(spec.H(bytes([each])).hex() for each in range(17))
for name, value in {"twice": ids[:1] * 2, "unsorted": ids[1::-1], "too-many": ids}.items():
    changed = text(Recording().values | {"recipients": value})
    preamble(f"recipients-{name}", "Preamble", f"recipients: {name}", resigned(changed))
