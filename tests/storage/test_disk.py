"""The disk: what it keeps, and everything else that it may leave, by small examples counted by hand."""

from collections.abc import Iterable

import pytest

from tests.storage import disk as module
from tests.storage.disk import PAGE_BYTES, Aftermath, Disk, Files


def distinct(aftermaths: Iterable[Aftermath]) -> list[Files]:
    found: list[Files] = []
    for aftermath in aftermaths:
        files = aftermath.files()
        if files not in found:
            found.append(files)
    return found


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def node(disk: Disk) -> int:
    """A durable, empty file `a`."""
    node = disk.file()
    disk.link(node, "a", 0)
    disk.sync(0, 1)
    return node


def test_a_new_file_may_have_its_name_or_its_bytes_or_neither(disk: Disk) -> None:
    file = disk.file()
    disk.write(file, 0, b"data", 1)
    disk.link(file, "a", 2)
    assert distinct(disk.aftermaths()) == [{}, {"a": b""}, {"a": b"\0\0\0\0"}, {"a": b"data"}]
    disk.sync(file, 3)
    assert distinct(disk.aftermaths()) == [{}, {"a": b"data"}], "its name is not durable yet"
    disk.sync(0, 4)
    assert distinct(disk.aftermaths()) == [{"a": b"data"}]


def test_a_folder_that_is_lost_takes_what_is_in_it(disk: Disk) -> None:
    disk.mkdir("a", 1)
    file = disk.file()
    disk.link(file, "a/b", 2)
    folder = disk.find("a")
    assert folder is not None
    disk.sync(folder, 3)
    assert distinct(disk.aftermaths()) == [{}, {"a": None, "a/b": b""}]


def test_what_was_deleted_may_come_back_until_its_folder_was_synced(disk: Disk, node: int) -> None:
    disk.unlink("a", 2)
    assert disk.find("a") is None
    assert distinct(disk.aftermaths()) == [{"a": b""}, {}]
    disk.sync(0, 3)
    assert distinct(disk.aftermaths()) == [{}]


def test_pages_arrive_in_any_order_and_those_of_one_place_in_theirs(disk: Disk, node: int) -> None:
    disk.write(node, 0, b"-" * 2 * PAGE_BYTES, 2)
    disk.sync(node, 3)
    for at, data in ((0, b"1"), (PAGE_BYTES, b"2"), (0, b"3")):
        disk.write(node, at, data, 4)
    beginnings = {
        (files["a"] or b"")[:1] + (files["a"] or b"")[PAGE_BYTES:][:1] for files in distinct(disk.aftermaths())
    }
    assert beginnings == {first + second for first in (b"-", b"1", b"3") for second in (b"-", b"2")}


def test_what_follows_a_truncation_does_not_arrive_before_it(disk: Disk, node: int) -> None:
    disk.write(node, 0, b"long", 2)
    disk.sync(node, 3)
    disk.truncate(node, 0, 4)
    disk.write(node, 0, b"new", 5)
    assert distinct(disk.aftermaths()) == [{"a": b"long"}, {"a": b""}, {"a": b"\0\0\0"}, {"a": b"new"}]


def test_a_truncation_in_a_page_leaves_zeros_beyond_it(disk: Disk, node: int) -> None:
    disk.write(node, 0, b"12345678", 2)
    disk.truncate(node, 4, 3)
    disk.truncate(node, 6, 4)
    assert disk.killed().files() == {"a": b"1234\0\0"}


def test_a_sync_covers_what_was_done_before_it_alone(disk: Disk, node: int) -> None:
    disk.write(node, 0, b"early", 2)
    disk.write(node, 0, b"later", 5)
    disk.sync(node, 5)
    assert distinct(disk.aftermaths()) == [{"a": b"early"}, {"a": b"later"}]
    disk.sync(None, 6)
    assert distinct(disk.aftermaths()) == [{"a": b"later"}]


def test_the_last_write_may_be_torn_with_all_else_there_or_nothing(disk: Disk, node: int) -> None:
    disk.write(node, 0, b"a" * 2_000, 2)
    disk.sync(node, 3)
    disk.link(node, "b", 4)
    disk.write(node, 2_000, b"b" * 2_000, 5)
    torn = {(len(files), (files["a"] or b"").count(b"b")) for files in distinct(disk.torn())}
    assert torn == {(1, 1_000), (2, 1_000), (1, 48), (2, 48)}, "half of it, and to the end of the sector"
    disk.sync(node, 6)
    assert distinct(disk.torn()) == []


def test_of_many_changes_each_is_missing_once_and_there_alone_once(disk: Disk) -> None:
    names = [f"file-{number}" for number in range(module.EXACT_CHANGES_MAX + 1)]
    for name in names:
        disk.link(disk.file(), name, 1)
    left = {frozenset(files) for files in distinct(disk.aftermaths())}
    everything = frozenset(names)
    assert left == {everything, frozenset(), *(everything - {name} for name in names), *(frozenset({n}) for n in names)}


def test_up_to_the_bound_every_combination_is_tried(disk: Disk) -> None:
    for number in range(module.EXACT_CHANGES_MAX):
        disk.link(disk.file(), f"file-{number}", 1)
    assert len(distinct(disk.aftermaths())) == 2**module.EXACT_CHANGES_MAX


def test_an_aftermath_is_what_it_was_whatever_the_disk_does_since(disk: Disk, node: int) -> None:
    disk.write(node, 0, b"old", 2)
    before = disk.killed()
    disk.write(node, 0, b"new", 3)
    disk.sync(node, 4)
    assert before.files() == {"a": b"old"}
