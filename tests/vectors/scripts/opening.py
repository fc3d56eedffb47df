"""What only a key can show: a verifier finds these whole, whoever opens must refuse them."""

from craft import DATA_KEY, OTHER, Recording, spec, struct, usual, vector


def opening(name: str, released: int, comment: str, recording: Recording) -> None:
    vector(f"open-{name}", "open", "whole", released, "", comment, recording.data())


def packed(*packets: bytes, count: int | None = None, padded: int = 0) -> bytes:
    plain = struct.pack(">H", len(packets) if count is None else count)
    plain += b"".join(struct.pack(">H", len(each)) + each for each in packets)
    return plain + bytes(-len(plain) % 16 + padded)


def sound() -> Recording:
    return Recording().audio()


opening("commitment", 0, "the preamble commits to another data key", usual(commitment="00" * 32).end())
made = usual()
opening(
    "other-data-key", 0, "the keybox gives another data key", made.end(made.keybox(data_key=b"another".ljust(32, b".")))
)
short = DATA_KEY[:31]
made = Recording(commitment=spec.mac(short, b"wederhoor/1 commitment" + b"recording".ljust(16, b".")).hex())
made.chain = spec.expand(spec.mac(made.hashed, short), b"wederhoor/1 chain")
made.audio(final=True)
opening("short-data-key", 0, "a data key of 31 bytes, used throughout", made.end(made.keybox(data_key=short)))
made = usual()
own, other = made.entry(bytes.fromhex(made.values["recipients"][0])), made.entry(spec.key_id(None, OTHER))
opening(
    "entry-of-another", 0, "the entry was sealed to somebody else", made.end(made.keybox(entries=[(own[0], other[1])]))
)
opening("for-another", 0, "not for this recipient", usual(recipients=[other[0].hex()]).end())
made = usual()
opening("entry-empty", 0, "the entry is empty", made.end(made.keybox(entries=[(own[0], b"")])))
opening(
    "ciphertext",
    2,
    "a block sealed under other associated data",
    sound().audio(associated=b"!").audio(final=True).end(),
)
opening(
    "gap-ciphertext",
    3,
    "a gap sealed under other associated data",
    Recording().audio(3, flushed=True).gap(associated=b"!", final=True).end(),
)
opening(
    "packets-more",
    2,
    "a packet more than the length needs",
    sound().audio(final=True, plain=packed(b"a", b"b", b"c")).end(),
)
opening("packets-fewer", 2, "a packet less than the length needs", sound().audio(final=True, plain=packed(b"a")).end())
opening(
    "packets-torn",
    2,
    "the last packet runs over the end",
    sound().audio(final=True, plain=packed(b"a", b"", count=2)[:5] + b"\1\0" + bytes(9)).end(),
)
opening("packet-empty", 2, "a packet of no bytes", sound().audio(final=True, plain=packed(b"a", b"")).end())
opening(
    "packet-too-long",
    2,
    "a packet that no frame fills",
    sound().audio(final=True, plain=packed(b"a", bytes(1_277))).end(),
)
opening("packets-none", 2, "no packets", sound().audio(final=True, plain=bytes(16)).end())
opening(
    "count-runs-out",
    2,
    "counts more packets than there is room for",
    sound().audio(final=True, plain=packed(*[b""] * 7, count=9)).end(),
)
opening(
    "padding-not-zero",
    2,
    "a byte in the padding",
    sound().audio(final=True, plain=packed(b"a", b"b")[:-1] + b"!").end(),
)
opening(
    "padding-too-long",
    2,
    "a whole unit of padding too many",
    sound().audio(final=True, plain=packed(b"a", b"b", padded=16)).end(),
)
