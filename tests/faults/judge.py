"""What is wrong with a site after all its faults are over: the device's diary against the archive's objects and catalogue.

The judge believes no verdict of the product. A block is stored if the end of its ciphertext is in the bytes of an object, lost
if it is in none, doubled if it is in two; and only then the product's own readers are asked whether they say the same.
"""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import msgspec

from recorder.archive.catalogue import Catalogue, Counts
from recorder.archive.export import export
from recorder.archive.rebuild import rebuild
from recorder.errors import WederhoorError
from recorder.sealed.layout import RecordType
from recorder.sealed.verify import KeyboxState, State, verify
from recorder.wire.receipt import Receipt
from recorder.wire.records import ITEM_TYPES, Beside
from recorder.wire.upload import Name
from tests.archive.dump import dump
from tests.faults.diary import Line
from tests.faults.site import ROOM, Room, Site


class Verdict(msgspec.Struct):
    """Counts of blocks, and all that is wrong in words."""

    sealed: int = 0
    """Durable on the device, of meetings that were not refused."""
    stored: int = 0
    gaps: int = 0
    """Declared in manifests."""
    cut: int = 0
    """Recordings that say of themselves that they ended before their time."""
    erased: int = 0
    """Blocks of refused meetings."""
    lost: int = 0
    doubled: int = 0
    wrong: list[str] = []


def judge(site: Site) -> Verdict:
    """The site has ended."""
    verdict = Verdict(wrong=list(site.wrong))
    try:
        objects = [site.store.get(name) for name in site.store.list("")]
        with closing(Catalogue(site.catalogue)) as catalogue, closing(Catalogue("sqlite://")) as again:
            rebuild(site.store, again, 0)
            found, expected = dump(catalogue), dump(again)
            counts = catalogue.counts()
            if (found, counts) != (expected, again.counts()):
                verdict.wrong.append(f"the catalogue is not what the objects make: {_difference(found, expected)}")
        items = {Name(row[0], ITEM_TYPES[row[1]], row[2]): row[3] for row in found["items"]}
        for room in site.rooms:
            room.diary.read()
            for recording, lines in _recordings(room).items():
                try:
                    _judge_recording(site, room, recording, lines, objects, items, verdict)
                except WederhoorError as error:
                    verdict.wrong.append(f"a recording cannot be read: {error}")
            verdict.wrong += _let_go(site, room, items)
            verdict.wrong += _chain(room, items, {row[0]: row[6] for row in found["recordings"]})
            if not room.done:
                verdict.wrong.append(f"not done: {room.diary.count('meeting')} meetings, spool {room.spool}")
        verdict.wrong += _sums(site, counts)
    except WederhoorError as error:
        verdict.wrong.append(f"the archive cannot be read: {error}")
    for number, what in ((verdict.lost, "lost"), (verdict.doubled, "doubled")):
        if number:
            verdict.wrong.append(f"{number} blocks {what}")
    return verdict


def _recordings(room: Room) -> dict[str, list[Line]]:
    """What the diary says of each recording that was begun."""
    found: dict[str, list[Line]] = {}
    for line in room.diary.lines:
        if line.recording:
            found.setdefault(line.recording, []).append(line)
    # A process may have died before the first record of one was durable.
    return {each: lines for each, lines in found.items() if any(line.what == "kept" for line in lines)}


def _judge_recording(
    site: Site,
    room: Room,
    recording: str,
    lines: list[Line],
    objects: list[bytes],
    items: dict[Name, bytes],
    verdict: Verdict,
) -> None:
    kept = {Name(recording, ITEM_TYPES[line.type], line.index): line for line in lines if line.what == "kept"}
    refused = any(line.what == "purged" for line in lines)
    wrong = verdict.wrong
    untold = []
    for name, line in kept.items():
        if name.type is RecordType.BLOCK:
            number = sum(data.count(bytes.fromhex(line.needle)) for data in objects)
            if refused:
                verdict.erased += 1
                if number:
                    wrong.append(f"a refused block is in {number} objects")
                continue
            verdict.sealed += 1
            verdict.stored += number > 0
            verdict.lost += not number
            verdict.doubled += number > 1
        if refused and name.type is RecordType.KEYBOX:
            continue
        if items.get(name, b"").hex() != line.content:
            untold.append(f"{name.type.name.lower()} {name.index}")
    if untold:
        wrong.append(
            f"the catalogue does not tell of {len(untold)} records as they were sealed: {untold[0]} to {untold[-1]}"
        )
    report = verify(BytesIO(b"".join(export(site.store, recording))), [site.ground.room_key])
    if refused:
        if (report.state, report.blocks) != (State.REFUSED, 0):
            wrong.append(f"a refused recording verifies as {report.state} with {report.blocks} blocks")
        return
    verdict.gaps += len(report.gaps)
    if report.state is not State.WHOLE:
        wrong.append(f"a recording verifies as {report.state}: {report.flaw}")
    if report.blocks and report.keybox is not KeyboxState.PRESENT:
        wrong.append(f"nobody can open a recording of {report.blocks} blocks")
    made = sum(line.what == "made" for line in lines)
    if report.ended == "stop":
        if report.blocks != made:
            wrong.append(f"a recording says that it was stopped, with {report.blocks} of {made} blocks")
    else:
        verdict.cut += 1
        if room.diary.count("born") == 1 and not site.may_cut:
            wrong.append(f"a recording ended by {report.ended}, and nothing had happened to its room")


def _chain(room: Room, items: dict[Name, bytes], sequences: dict[str, int]) -> Iterator[str]:
    """Of the recordings of a room, which are numbered without a hole, each with its consent receipt."""
    recordings = _recordings(room)
    numbers = sorted(sequences.get(each, 0) for each in recordings)
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the recordings of a room are numbered {numbers}"
    lacking = [each for each in recordings if Name(each, Beside.RECEIPT, 0) not in items]
    if lacking:
        yield f"{len(lacking)} recordings have no consent receipt"


def _let_go(site: Site, room: Room, items: dict[Name, bytes]) -> Iterator[str]:
    """Of what the device forgot, what the archive had not signed for by then."""
    contents = dict(items)  # what died before it could say that it was durable is there all the same
    kept: dict[str, set[Name]] = {}
    signed: set[Name] = set()
    purged: set[str] = set()
    ordered: set[str] = set()
    for line in room.diary.lines:
        match line.what:
            case "kept":
                name = Name(line.recording, ITEM_TYPES[line.type], line.index)
                contents[name] = bytes.fromhex(line.content)
                kept.setdefault(line.recording, set()).add(name)
            case "purged":
                ordered.add(line.recording)
                left = (RecordType.BLOCK, RecordType.KEYBOX)
                kept[line.recording] = {name for name in kept.get(line.recording, ()) if name.type not in left}
            case "heard":
                receipt = Receipt.verify(bytes.fromhex(line.text), site.ground.archive_key, ROOM)
                for stored in receipt.stored:
                    signed.update(stored.covered(contents))
                purged |= {each.recording for each in receipt.purged}
            case "let go":
                unsigned = kept.get(line.recording, set()) - signed
                if unsigned:
                    yield f"the device forgot {len(unsigned)} records for which it had no receipt"
                if line.recording in ordered and line.recording not in purged:
                    yield "the device forgot a refusal that nobody had carried out"


def _sums(site: Site, counts: Counts) -> Iterator[str]:
    recordings = [recording for room in site.rooms for recording in _recordings(room)]
    refused = {line.recording for room in site.rooms for line in room.diary.of("purged")}
    expected = Counts(1, len(recordings) - len(refused), 0, len(refused), 0)
    if counts != expected:
        yield f"the archive has {counts}, and should have {expected}"


def _difference(found: dict[str, Any], expected: dict[str, Any]) -> str:
    """The first rows of each table that only one of them has."""
    return "; ".join(
        f"{table}: {[row for row in rows if row not in expected[table]][:1]} for "
        f"{[row for row in expected[table] if row not in rows][:1]}"
        for table, rows in found.items()
        if rows != expected[table]
    )
