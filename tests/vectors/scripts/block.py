"""Wrong blocks, each signed by the device unless that is the flaw: a verifier without a key must see all of these."""

from craft import FINAL, FLUSHED, GAP, STRANGER, SYNCED, Recording, join, sign, usual, vector


def block(name: str, released: int, says: str, comment: str, recording: Recording) -> None:
    vector(f"block-{name}", "block", "cut", released, says, comment, recording.data())


def moved(name: str, released: int, says: str, comment: str, order: list[int]) -> None:
    records = usual().end().records
    vector(f"block-{name}", "block", "cut", released, says, comment, join([records[each] for each in order]))


def changed(name: str, at: int, comment: str) -> None:
    recording = usual().end()
    kind, body = recording.records[2]
    recording.records[2] = (kind, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    block(name, 2, "signature is wrong", comment, recording)


changed("signature-altered", 0, "a bit of the signature: the manifest's root covers it too")
changed("header-altered", 64 + 30, "a bit of the time")
changed("ciphertext-altered", 98, "a bit of the ciphertext")
changed("tag-altered", -1 + 64 + 34 + 48, "a bit near the end")
moved("dropped", 2, "stands where another", "a block was taken out", [0, 1, 3, 4, 5, 6])
moved("first-dropped", 0, "stands where another", "the first block was taken out", [0, 2, 3, 4, 5, 6])
moved("swapped", 2, "stands where another", "two blocks changed places", [0, 1, 3, 2, 4, 5, 6])
moved("twice", 5, "stands where another", "a block is there twice", [0, 1, 2, 2, 3, 4, 5, 6])
spliced, other = usual().end(), usual(sequence=2).end()
spliced.records[2] = other.records[2]
block("of-another-recording", 2, "signature is wrong", "the same block of the next recording", spliced)


def first(*args: int, **header: int) -> Recording:
    return Recording().audio(*args, **header)


block(
    "stranger",
    0,
    "signature is wrong",
    "sealed well, signed by another device, and no manifest covers it",
    first().audio(key=STRANGER),
)
block("other-domain", 0, "signature is wrong", "signed as a manifest", first().audio(domain=b"wederhoor/1 manifest\0"))
block("unknown-flag", 2, "unknown flags", "a flag that there is not", first().audio(flags=16 + FINAL).end())
block("cause-without-gap", 2, "cause 1", "a cause on audio", first().audio(cause=1, final=True).end())
block(
    "gap-without-cause",
    3,
    "cause 0",
    "a gap without a cause",
    Recording().audio(3, flushed=True).block(b"", flags=GAP + FINAL, cause=0, length=960).end(),
)
block(
    "cause-unknown",
    3,
    "cause 5",
    "a cause that there is not",
    Recording().audio(3, flushed=True).block(b"", flags=GAP + FINAL, cause=5, length=960).end(),
)
block(
    "index-jumps",
    2,
    "stands where another",
    "an index too high, by the device itself",
    first().audio(index=2, final=True).end(),
)
block("index-not-zero", 0, "stands where another", "begins with index 1", first(index=1, final=True).end())
block(
    "position-jumps",
    2,
    "does not begin where",
    "audio is missing without a gap",
    first().audio(position=2_880, final=True).end(),
)
block("position-back", 2, "does not begin where", "audio overlaps", first().audio(position=960, final=True).end())
block(
    "position-not-zero",
    0,
    "does not begin where",
    "does not begin at the beginning",
    first(position=960, final=True).end(),
)
block(
    "position-over-53-bits", 0, "over 53 bits", "more than a manifest can tell", first(position=2**53, final=True).end()
)
block(
    "wall-over-53-bits", 0, "time over 53 bits", "more than a manifest can tell", first(wall_ms=2**53, final=True).end()
)
block(
    "monotonic-over-53-bits",
    0,
    "time over 53 bits",
    "more than a manifest can tell",
    first(monotonic_ms=2**53, final=True).end(),
)
block("length-odd", 0, "cannot hold", "not whole packets", first(length=961, final=True).end())
block("length-zero", 0, "cannot hold", "no packets", Recording().block(bytes(16), flags=FINAL, cause=0, length=0).end())
block("length-over-250", 0, "cannot hold", "251 packets", first(251, final=True).end())
block(
    "behind-final",
    2,
    "follows the final",
    "audio behind the final block",
    Recording().audio(final=True).audio(final=True).end(),
)
block(
    "gap-behind-unflushed",
    2,
    "not flushed",
    "the codec's delay was not carried out before the gap",
    first().gap(final=True).end(),
)
block(
    "audio-behind-flushed",
    3,
    "behind a flushed",
    "flushed, and no gap follows",
    Recording().audio(3, flushed=True).audio(final=True).end(),
)
block("gap-flushed", 0, "both a gap and flushed", "both flags", Recording().gap(flags=GAP + FLUSHED + FINAL).end())
block("gap-short", 0, "gap of 840", "a gap shorter than a frame", Recording().gap(840, final=True).end())
block("gap-odd", 0, "gap of 1000", "a gap that no packets can fill", Recording().gap(1_000, final=True).end())
block(
    "gap-with-something",
    0,
    "something in it",
    "a gap with a plaintext",
    Recording().gap(plain=bytes(16), final=True).end(),
)
block(
    "audio-with-nothing",
    0,
    "something in it",
    "audio without a plaintext",
    Recording().block(b"", flags=SYNCED + FINAL, cause=0, length=960).end(),
)
block(
    "padding-short",
    0,
    "not padded",
    "not a multiple of pad_bytes",
    Recording().audio(plain=bytes(17), final=True).end(),
)
torn = usual().end()
torn.records[2] = (2, torn.records[2][1][:113])
block("too-short", 2, "signature is wrong", "shorter than header and tag", torn)
short = Recording()
short.records.append((2, sign(b"wederhoor/1 block\0" + short.hashed, b"short")))
block("too-short-signed", 0, "too short", "shorter than header and tag, but signed", short)
