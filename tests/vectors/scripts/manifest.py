"""Wrong manifests. What a lying or broken device signs must not verify either."""

from craft import STRANGER, Recording, sign, usual, vector


def manifest(name: str, released: int, says: str, comment: str, recording: Recording) -> None:
    vector(f"manifest-{name}", "manifest", "cut", released, says, comment, recording.data())


def altered(name: str, says: str, comment: str, old: bytes, new: bytes, *, resign: bool = True) -> None:
    recording = usual().end()
    body = recording.records[5][1]
    raw = body[64:].replace(old, new)
    assert raw != body[64:]
    recording.records[5] = (3, sign(b"wederhoor/1 manifest\0", raw) if resign else body[:64] + raw)
    manifest(name, 7, says, comment, recording)


altered("ended-altered", "signature", "how it ended was changed", b'"ended":"stop"', b'"ended":"limit"', resign=False)
altered("key-unknown", "unknown", "a key that there is not", b'"version":1', b'"version":1,"zzz":1')
altered("key-missing", "missing required", "a key is missing", b',"version":1', b"")
altered("white-space", "canonical", "white space in the text", b",", b", ")
altered("escape", "printable", "a letter written as an escape", b'"stop"', b'"\\u0073top"')
for name, old, new in [
    ("version", b'"version":1', b'"version":2'),
    ("ended", b'"ended":"stop"', b'"ended":"eaten"'),
    ("cause", b',"stall"]', b',"hunger"]'),
    ("event-name", b',"start"]', b',"Start"]'),
    ("event-long", b',"start"]', b',"start",1]'),
    ("synced", b'"synced":true', b'"synced":1'),
    ("boot", b'"boot":"', b'"boot":"00'),
    ("keybox", b'"keybox":"', b'"keybox":"00'),
    ("blocks-negative", b'"blocks":4', b'"blocks":-1'),
    ("blocks-too-many", b'"blocks":4', b'"blocks":4294967297'),
    ("negative", b'"monotonic_ms":62000', b'"monotonic_ms":-1'),
    ("over-53-bits", b'"monotonic_ms":62000', b'"monotonic_ms":9007199254740992'),
]:
    altered(f"bad-{name}", "Manifest", f"{name}: not one that the format has", old, new)
manifest("stranger", 7, "signature", "signed by another device", usual().end(key=STRANGER))
swapped = usual().end()
swapped.records[5] = usual(sequence=2).end().records[5]
manifest("of-another-recording", 7, "another recording", "that of the next recording", swapped)
manifest(
    "names-another", 7, "names another recording", "its own preamble, but another id", usual().end(recording="00" * 16)
)
manifest("blocks-more", 7, "tells of 5 blocks", "tells of a block that is not here", usual().end(blocks=5))
manifest("blocks-fewer", 7, "tells of 3 blocks", "does not tell of a block", usual().end(blocks=3))
manifest("root", 7, "not those that the manifest", "another root", usual().end(root="00" * 32))
manifest("ticks", 7, "another length", "another length", usual().end(ticks=960))
manifest("ticks-of-nothing", 0, "another length", "a length without blocks", Recording().end(ticks=960))
manifest("gap-untold", 7, "other gaps", "a gap is not told", usual().end(gaps=[]))
manifest("gap-cause", 7, "other gaps", "a gap with another cause", usual().end(gaps=[[3840, 1200, "pause"]]))
manifest(
    "gap-made-up",
    2,
    "other gaps",
    "a gap that there is not",
    Recording().audio(final=True).end(gaps=[[0, 960, "pause"]]),
)
for ended in ("stop", "limit"):
    manifest(
        f"{ended}-without-final",
        2,
        f"an end by {ended}",
        "the tail was lost before the room signed: the last block is not final",
        Recording().audio().end(ended=ended),
    )
last = usual().end()
del last.records[4]
manifest("last-block-dropped", 5, "tells of 4 blocks", "the last block was taken out", last)
manifest("refused-with-blocks", 0, "tells of 0 blocks", "a refusal, and the blocks are still here", usual().refuse())
for name, values in {
    "keybox": {"keybox": "00" * 32},
    "blocks": {"blocks": 1},
    "ticks": {"ticks": 960},
    "gaps": {"gaps": [[0, 960, "pause"]]},
    "event": {"events": [[1, 1_700_000_000_500, "refuse"]]},
    "time": {"events": [[0, 1_700_000_000_400, "notice"], [0, 1_700_000_000_500, "refuse"]]},
}.items():
    manifest(
        f"refused-tells-{name}", 0, "must not tell", "a refusal that tells what it erased", Recording().refuse(**values)
    )
many = [[0, 0, "a"]] * 4_097
manifest("too-many-events", 0, "Manifest", "4,097 events", Recording().end(events=many))
