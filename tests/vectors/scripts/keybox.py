"""Wrong keyboxes that need no key to be seen: not what the manifest names, or not for whom the preamble names."""

from craft import OTHER, Recording, spec, usual, vector


def keybox(name: str, released: int, says: str, comment: str, recording: Recording) -> None:
    vector(f"keybox-{name}", "keybox", "cut", released, says, comment, recording.data())


unsigned = Recording().audio(final=True, domain=b"")
unsigned.end()
unsigned.records[-1] = (4, b"")
keybox("altered-behind-wrong-signature", 0, "not the one", "the manifest covers a block; the keybox is wrong", unsigned)
flipped = usual().end()
body = flipped.records[6][1]
flipped.records[6] = (4, body[:-1] + bytes([body[-1] ^ 1]))
keybox("altered", 0, "not the one", "a bit of it; the blocks are whole, but it opens nothing", flipped)
unnamed = usual().end()
unnamed.records[5] = usual().end(None).records[5]
keybox("unnamed", 7, "not the one", "the manifest says that none exists", unnamed)
made = usual()
keybox("no-entries", 0, "0 entries", "for nobody", made.end(b"\0"))
made = usual()
keybox("empty", 0, "0 entries", "not a byte", made.end(b""))
made = usual()
keybox("torn", 0, "torn", "its last byte is missing", made.end(made.keybox()[:-1]))
made = usual()
keybox("something-behind", 0, "torn", "a byte behind the last entry", made.end(made.keybox() + b"\0"))
made = usual()
own = made.entry(spec.key_id(None, spec.X25519PrivateKey.from_private_bytes(b"recipient".ljust(32, b"."))))
more = made.entry(spec.key_id(None, OTHER))
keybox(
    "for-one-more",
    7,
    "other recipients",
    "an entry for somebody whom the preamble does not name",
    made.end(made.keybox(entries=[own, more])),
)
both = usual(recipients=sorted([own[0].hex(), more[0].hex()]))
entries = [both.entry(bytes.fromhex(each)) for each in both.values["recipients"]]
keybox(
    "for-one-less",
    7,
    "other recipients",
    "an entry is missing",
    both.end(both.keybox(entries=[each for each in entries if each[0] == own[0]])),
)
both = usual(recipients=both.values["recipients"])
keybox(
    "out-of-order", 7, "other recipients", "its entries changed places", both.end(both.keybox(entries=entries[::-1]))
)
