"""Wrong framing and wrong order: refused before any signature is looked at."""

import struct

from craft import Recording, join, usual, vector


def records(name: str, released: int, says: str, comment: str, data: bytes) -> None:
    vector(name, "records", "cut", released, says, comment, data)


whole = usual().end()
manifest, keybox = whole.records[5], whole.records[6]
records("torn-in-head", 0, "ends within a record", "two bytes of a record's head", usual().data() + b"\2\0")
records("torn-in-body", 0, "ends within a record", "the last block lacks its last byte", usual().data()[:-1])
records(
    "unknown-type",
    0,
    "no record of type 9",
    "a record of a type that there is not",
    usual().data() + struct.pack(">BI", 9, 0),
)
records("type-zero", 0, "no record of type 0", "zeros behind the file, as after a crash", usual().data() + bytes(16))
records(
    "block-too-long",
    0,
    "over 524288",
    "a length over the bound",
    Recording().data() + struct.pack(">BI", 2, 524_289) + bytes(524_289),
)
records(
    "second-preamble",
    7,
    "preamble stands where none",
    "the preamble twice",
    join([*whole.records[:5], whole.records[0], manifest, keybox]),
)
records(
    "block-behind-manifest",
    7,
    "block stands where none",
    "a block behind the manifest",
    join([*whole.records[:6], whole.records[1], keybox]),
)
records(
    "second-manifest",
    7,
    "manifest stands where none",
    "the manifest twice",
    join([*whole.records[:6], manifest, keybox]),
)
records(
    "keybox-without-manifest",
    7,
    "keybox stands where none",
    "the manifest was taken out",
    join([*whole.records[:5], keybox]),
)
records(
    "keybox-before-manifest",
    7,
    "keybox stands where none",
    "manifest and keybox swapped",
    join([*whole.records[:5], keybox, manifest]),
)
records("something-behind-keybox", 7, "follows the keybox", "the keybox twice", join([*whole.records, keybox]))
records("torn-behind-keybox", 7, "ends within a record", "a stray byte at the end", whole.data() + b"\1")
