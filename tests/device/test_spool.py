"""The spool: what `put` returned from is there, whole, whatever happens next."""

import contextlib
import errno
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recorder.device import spool as module
from recorder.device.spool import RESERVE_BYTES, Spool
from recorder.errors import SpoolError, SpoolFull
from recorder.sealed.layout import RecordType
from recorder.wire.upload import Name
from tests.device.crashes import AFTERMATHS, SYNCED, lay, left
from tests.filesystem import small_file_system

A, B = "a" * 32, "b" * 32
MIB = 1_048_576
PREAMBLE = Name(A, RecordType.PREAMBLE, 0)
MANIFEST = Name(A, RecordType.MANIFEST, 0)
KEYBOX = Name(A, RecordType.KEYBOX, 0)


def block(index: int, recording: str = A) -> Name:
    return Name(recording, RecordType.BLOCK, index)


def content(name: Name, size: int = 500) -> bytes:
    return f"{name.type.name} {name.index};".encode() * (size // 8)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "reserve"
    }


def counted(spool: Spool, folder: Path) -> bool:
    """Whether the spool knows how much it holds. What was set aside whole, or forgotten, counts no more."""
    held = {name: data for name, data in files(folder).items() if not re.match(r"[^/]*\.(gone|damaged)/", name)}
    return spool.size_bytes == sum(map(len, held.values()))


def swept(spool: Spool) -> Spool:
    """With all files of what was forgotten removed."""
    while spool.sweep(2):
        pass
    return spool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path) -> Spool:
    return Spool(folder, MIB)


def fill(spool: Spool, blocks: int = 3) -> None:
    for name in (PREAMBLE, *map(block, range(blocks))):
        spool.put(name, content(name))
    spool.put_held(A, b"held keybox")
    spool.note(A, b'{"first":1}', ending=True)
    spool.note(A, b'{"second":2}', ending=True)


def test_what_was_put_is_read_again_also_after_a_restart(spool: Spool, folder: Path) -> None:
    fill(spool)
    for each in (spool, Spool(folder, MIB)):
        assert each.recordings() == [A]
        assert each.names(A) == [PREAMBLE, block(0), block(1), block(2)]
        assert all(each.read(name) == content(name) for name in each.names(A))
        assert each.held(A) == b"held keybox"
        assert each.journal(A) == [b'{"first":1}', b'{"second":2}']
        assert counted(each, folder)


def test_names_come_in_the_order_of_the_file(spool: Spool) -> None:
    names = [PREAMBLE, block(0), block(2), block(99_999_999), block(100_000_000), block(2**32 - 1), MANIFEST, KEYBOX]
    spool.put(PREAMBLE, b"p")
    for name in reversed(names):
        spool.put(name, content(name))
    assert spool.names(A) == names
    assert all(spool.read(name) == content(name) for name in names)


def test_only_its_owner_can_read_it(spool: Spool, folder: Path) -> None:
    fill(spool)
    assert {file.stat().st_mode & 0o077 for file in (folder, *folder.rglob("*"))} == {0}


def test_putting_again_counts_once(spool: Spool, folder: Path) -> None:
    fill(spool)
    spool.put(block(0), content(block(0)))
    spool.put_held(A, b"longer than the one before")
    assert counted(spool, folder)


def test_purge_leaves_nothing_that_could_be_heard(spool: Spool, folder: Path) -> None:
    fill(spool)
    spool.put(KEYBOX, b"keybox")
    spool.put(MANIFEST, b"manifest")
    spool.purge(A)
    spool.purge(A)
    assert list(files(folder)) == [f"{A}/journal", f"{A}/manifest", f"{A}/preamble"]
    assert spool.journal(A) == [b'{"first":1}', b'{"second":2}']
    assert counted(spool, folder)


def test_purge_overwrites_the_held_keybox_before_it_removes_it(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(spool)
    removed = {}
    unlink = os.unlink

    def look(path: os.PathLike[str]) -> None:
        removed[Path(path).name] = Path(path).read_bytes()
        unlink(path)

    monkeypatch.setattr(os, "unlink", look)
    spool.purge(A)
    assert next(iter(removed)) == "held", "first of all"
    assert removed["held"] == bytes(len(b"held keybox"))


def test_forget_removes_one_recording_whole(spool: Spool, folder: Path) -> None:
    fill(spool)
    spool.put(Name(B, RecordType.PREAMBLE, 0), b"other")
    assert spool.forget(A)
    assert spool.forget(A)
    assert spool.recordings() == [B]
    swept(spool)
    assert files(folder) == {f"{B}/preamble": b"other"}
    assert spool.recordings() == [B]
    assert counted(spool, folder)


def test_what_was_forgotten_is_removed_a_few_files_at_a_time_also_after_a_restart(spool: Spool, folder: Path) -> None:
    fill(spool)
    everything = len(list((folder / A).iterdir()))
    spool.forget(A)
    assert len(list((folder / f"{A}.gone").iterdir())) == everything
    assert spool.sweep(2)
    assert len(list((folder / f"{A}.gone").iterdir())) == everything - 2
    swept(Spool(folder, 2**30))
    assert not (folder / f"{A}.gone").exists()


def test_what_was_set_aside_is_not_forgotten(spool: Spool, folder: Path) -> None:
    fill(spool)
    spool.set_aside(A, block(0))
    assert not spool.forget(A)
    swept(spool)
    assert [file.name for file in (folder / f"{A}.damaged").iterdir()] == ["block-00000000.damaged"]
    assert counted(spool, folder)


def test_a_folder_whose_preamble_the_card_has_lost_is_set_aside_and_not_removed(spool: Spool, folder: Path) -> None:
    fill(spool)
    (folder / A / "preamble").unlink()
    assert Spool(folder, 2**30).recordings() == []
    assert (folder / f"{A}.damaged" / "block-00000000").exists()


def test_what_is_not_here(spool: Spool) -> None:
    spool.put(PREAMBLE, b"p")
    assert spool.held(A) is None
    assert spool.journal(A) == []
    with pytest.raises(SpoolError, match="No such file"):
        spool.read(block(0))
    with pytest.raises(SpoolError, match="No such file"):
        spool.names(B)
    with pytest.raises(SpoolError, match="No such file"):
        spool.note(B, b"line", ending=True)
    with pytest.raises(ValueError, match="one line"):
        spool.note(A, b"two\nlines", ending=True)
    assert spool.journal(A) == []


def test_what_is_not_ours_stays(folder: Path) -> None:
    (folder / "lost+found").mkdir(parents=True)
    (folder / A).mkdir()
    for name in ("preamble", "block-x", "block-1", "preamble-2", "block", "PREAMBLE"):
        (folder / A / name).write_bytes(b"x")
    spool = Spool(folder, MIB)
    assert spool.recordings() == [A]
    assert spool.names(A) == [PREAMBLE]
    assert (folder / "lost+found").is_dir()


# Crashes


@pytest.mark.parametrize(
    ("torn", "whole"), [(b"", []), (b"on", []), (b"one\n", [b"one"]), (b"one\ntw", [b"one"]), (b"one\n\xff", [b"one"])]
)
def test_a_torn_line_is_dropped_and_the_next_one_stands_alone(
    folder: Path, spool: Spool, torn: bytes, whole: list[bytes]
) -> None:
    spool.put(PREAMBLE, b"p")
    (folder / A / "journal").write_bytes(torn)
    assert spool.journal(A) == whole
    again = Spool(folder, MIB)
    again.note(A, b"next", ending=True)
    assert again.journal(A) == [*whole, b"next"]
    assert counted(again, folder)


def test_a_start_removes_what_a_crash_left(folder: Path) -> None:
    spool = Spool(folder, MIB)
    fill(spool)
    before = files(folder)
    (folder / A / "block-00000003.tmp").write_bytes(b"half")
    (folder / "reserve.tmp").write_bytes(b"half")
    (folder / B).mkdir()
    (folder / B / "preamble.tmp").write_bytes(b"half")
    (folder / ("c" * 32 + ".gone")).mkdir()
    (folder / ("c" * 32 + ".gone") / "preamble").write_bytes(b"forgotten")
    again = swept(Spool(folder, MIB))
    assert files(folder) == before
    assert again.recordings() == [A]
    assert counted(again, folder)


Operation = Callable[[Spool], object]

OPERATIONS: dict[str, tuple[Operation, set[str]]] = {
    "begin": (lambda spool: spool.put(Name(B, RecordType.PREAMBLE, 0), b"new recording"), {f"{B}/preamble"}),
    "put": (lambda spool: spool.put(block(3), content(block(3))), {f"{A}/block-00000003"}),
    "again": (lambda spool: spool.put(block(0), content(block(0))), set()),
    "held": (lambda spool: spool.put_held(A, b"another held keybox"), {f"{A}/held"}),
    "note": (lambda spool: spool.note(A, b'{"third":3}', ending=True), {f"{A}/journal"}),
    "purge": (lambda spool: spool.purge(A), {f"{A}/held", *(f"{A}/block-{index:08d}" for index in range(3))}),
    "forget": (lambda spool: (spool.forget(A), swept(spool)), set()),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_crash_anywhere_leaves_each_thing_as_it_was_or_as_it_should_be(ram: Path, operation: str) -> None:
    act, touched = OPERATIONS[operation]
    folder = ram / "spool"
    fill(Spool(folder, MIB))
    before = files(folder)
    spool = Spool(folder, MIB)
    crashes = left(folder, lambda: act(spool))
    after = files(folder)
    assert len(crashes) > 3 * len(AFTERMATHS), "the harness stops at real calls"
    for crash in dict.fromkeys(crashes):
        lay(folder, crash)
        again = swept(Spool(folder, MIB))
        found = files(folder)
        assert counted(again, folder)
        if operation == "forget":
            assert found in (before, after)
        for file in before.keys() | after.keys():
            allowed = {before.get(file), after.get(file)}
            if operation == "purge" and file.endswith("/held"):
                allowed.add(bytes(len(before[file])))
            assert found.get(file) in allowed, file
            if file not in touched and operation != "forget":
                assert found.get(file) == before[file]
        act(again)
        assert files(folder) == after or operation == "note", "and doing it again completes it"
        if operation == "note":
            assert again.journal(A)[-1] == b'{"third":3}'
            assert again.journal(A)[:2] == [b'{"first":1}', b'{"second":2}']


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_returned_is_durable(ram: Path, operation: str) -> None:
    """The power fails right after."""
    act, _ = OPERATIONS[operation]
    folder = ram / "spool"
    fill(Spool(folder, MIB))
    spool = Spool(folder, MIB)
    crashes = left(folder, lambda: act(spool), [SYNCED])
    after = files(folder)
    lay(folder, crashes[-1])
    assert files(folder) == after


def test_the_first_line_of_a_journal_is_durable(ram: Path) -> None:
    folder = ram / "spool"
    spool = Spool(folder, MIB)
    spool.put(PREAMBLE, b"p")
    lay(folder, left(folder, lambda: spool.note(A, b"first", ending=True), [SYNCED])[-1])
    assert Spool(folder, MIB).journal(A) == [b"first"]


def test_a_purge_removes_the_held_keybox_for_good_before_the_long_rest(ram: Path) -> None:
    folder = ram / "spool"
    spool = Spool(folder, MIB)
    fill(spool)
    crashes = [{path for path, _ in crash} for crash in left(folder, lambda: spool.purge(A), [SYNCED])]
    states = {(f"{A}/held" in paths, f"{A}/block-00000000" in paths) for paths in crashes}
    assert states == {(True, True), (False, True), (False, False)}


def test_a_crash_in_the_recovery_is_recovered_from(ram: Path) -> None:
    folder = ram / "spool"
    fill(Spool(folder, MIB))
    before = files(folder)
    (folder / "reserve").unlink()
    (folder / A / "block-00000009.tmp").write_bytes(b"half")
    (folder / B).mkdir()
    (folder / B / "preamble.tmp").write_bytes(b"half")
    (folder / ("c" * 32 + ".gone")).mkdir()
    (folder / ("c" * 32 + ".gone") / "preamble").write_bytes(b"forgotten")
    with (folder / A / "journal").open("ab") as out:
        out.write(b"torn")
    crashes = left(folder, lambda: Spool(folder, MIB))
    assert len(crashes) > 8 * len(AFTERMATHS)
    for crash in dict.fromkeys(crashes):
        lay(folder, crash)
        again = swept(Spool(folder, MIB))
        assert files(folder) == before
        assert counted(again, folder)
        assert (folder / "reserve").stat().st_size == RESERVE_BYTES


_WRITER = """
import sys
from pathlib import Path
from recorder.device.spool import Spool
from recorder.sealed.layout import RecordType
from recorder.wire.upload import Name
spool, recording, index = Spool(Path(sys.argv[1]), 1 << 30), "d" * 32, 0
spool.put(Name(recording, RecordType.PREAMBLE, 0), b"preamble")
while True:
    spool.put(Name(recording, RecordType.BLOCK, index), b"%08d" % index * 4096)
    spool.note(recording, b"%08d" % index, ending=True)
    print(index, flush=True)
    index += 1
"""


def test_a_real_process_killed_in_the_midst_keeps_what_it_promised(folder: Path) -> None:
    for rounds in range(1, 6):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(folder)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            promised = [int(writer.stdout.readline()) for _ in range(4 * rounds)]
            writer.send_signal(signal.SIGKILL)
            promised += [int(line) for line in writer.stdout]
        spool = Spool(folder, 1 << 30)
        recording = "d" * 32
        names = spool.names(recording)[1:]
        assert [name.index for name in names][: len(promised)] == promised
        assert all(spool.read(name) == b"%08d" % name.index * 4096 for name in names)
        assert [int(line) for line in spool.journal(recording)][: len(promised)] == promised
        assert counted(spool, folder)
        spool.forget(recording)
        swept(spool)
        assert files(folder) == {}


# Full and failing cards


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    with small_file_system(tmp_path, 1) as card:
        yield card


def put_until_full(spool: Spool, recording: str = A, size: int = 8_000) -> int:
    for index in range(1_000):
        try:
            spool.put(block(index, recording), content(block(index), size))
        except SpoolFull:
            return index
    raise AssertionError("it never filled")


def test_bytes_max_is_kept_by_blocks_and_not_by_how_the_meeting_ended(folder: Path) -> None:
    spool = Spool(folder, 20_000)
    fill(spool)
    kept = put_until_full(spool, size=1_000)
    before = files(folder)
    assert 18_000 < spool.size_bytes <= 20_000
    assert spool.room_bytes() < 1_000
    with pytest.raises(SpoolFull, match="bytes_max, 20000 bytes"):
        spool.put(block(kept), content(block(kept), 5_000))
    with pytest.raises(SpoolFull, match="bytes_max"):
        spool.put(Name(B, RecordType.PREAMBLE, 0), bytes(2_000))
    assert files(folder) == before
    spool.put(KEYBOX, bytes(5_000))
    spool.put(MANIFEST, bytes(5_000))
    spool.note(A, b"full", ending=True)
    assert counted(spool, folder)
    spool.forget(A)
    spool.put(Name(B, RecordType.PREAMBLE, 0), bytes(2_000))


@pytest.mark.parametrize("noted", [False, True])
def test_a_full_card_still_takes_how_the_meeting_ended(card: Path, noted: bool) -> None:
    folder = card / "spool"
    spool = Spool(folder, 1 << 30)
    fill(spool)
    kept = put_until_full(spool)
    assert kept > 20
    (card / "log").write_bytes(b"")
    with contextlib.suppress(OSError), (card / "log").open("wb", buffering=0) as log:
        while True:  # others fill the card to the last page
            log.write(bytes(4_096))
    before = files(folder)
    with pytest.raises(SpoolFull, match="card is full"):
        spool.put(block(kept), content(block(kept), 8_000))
    assert files(folder) == before
    if noted:
        spool.note(A, b"stop" + b" " * 4_096, ending=True)
    with pytest.raises(SpoolFull, match="card is full"):
        spool.put(block(kept), content(block(kept), 8_000))
    spool.put(KEYBOX, bytes(18_000))
    spool.put(MANIFEST, bytes(150_000))
    assert counted(spool, folder)
    assert files(folder).keys() - before.keys() == {f"{A}/manifest", f"{A}/keybox"}
    assert not (folder / "reserve").exists(), "it was given up for them"
    (card / "log").unlink()
    spool.forget(A)
    swept(spool)
    assert (folder / "reserve").stat().st_blocks * 512 == RESERVE_BYTES, "and is there again"


def test_beyond_the_reserve_nothing_is_harmed(card: Path) -> None:
    folder = card / "spool"
    spool = Spool(folder, 1 << 30)
    fill(spool)
    put_until_full(spool)
    before = files(folder)
    for _ in range(2):
        with pytest.raises(SpoolFull, match="card is full"):
            spool.put(MANIFEST, bytes(800_000))
        with pytest.raises(SpoolFull, match="card is full"):
            spool.note(A, bytes(800_000), ending=True)
        assert files(folder) == before
        assert spool.journal(A) == [b'{"first":1}', b'{"second":2}']
    assert counted(spool, folder)
    spool.note(A, b"short", ending=True)
    assert Spool(folder, 1 << 30).journal(A)[-1] == b"short"


def test_a_card_without_room_for_the_reserve_takes_no_recording(card: Path) -> None:
    (card / "log").write_bytes(bytes(800_000))
    spool = Spool(card / "spool", 1 << 30)
    assert spool.room_bytes() == 0
    with pytest.raises(SpoolFull, match="card is full"):
        spool.put(PREAMBLE, b"p")
    assert spool.recordings() == []


def failing(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module.os, call, fail)


@pytest.mark.parametrize(
    ("number", "error"), [(errno.EIO, SpoolError), (errno.EROFS, SpoolError), (errno.EDQUOT, SpoolFull)]
)
@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename"])
@pytest.mark.parametrize("name", [block(3), Name(B, RecordType.PREAMBLE, 0)])
def test_a_failing_card_is_said_and_nothing_is_left_of_the_attempt(
    monkeypatch: pytest.MonkeyPatch,
    spool: Spool,
    folder: Path,
    name: Name,
    call: str,
    number: int,
    error: type[SpoolError],
) -> None:
    fill(spool)
    before = files(folder)
    with monkeypatch.context() as patch:
        failing(patch, call, number)
        with pytest.raises(SpoolError) as raised:
            spool.put(name, content(name))
    assert type(raised.value) is error
    assert "replace the card" in str(raised.value) or error is SpoolFull
    assert files(folder) == before
    assert spool.recordings() == [A], "not even a folder, of which the daemon would wait to be rid"
    assert counted(spool, folder)
    spool.put(name, content(name))


def test_a_spool_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SpoolError, match="cannot be opened"):
        Spool(tmp_path / "file" / "spool", MIB)
