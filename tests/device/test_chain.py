"""The chain of a device's recordings, and that no crash bends it."""

from pathlib import Path

import pytest

from recorder.device.chain import NAMES, Chain
from recorder.errors import SpoolError
from tests.device.crashes import AFTERMATHS, lay, left

ONE, TWO = bytes(range(32)), bytes(range(32, 64))


def started(folder: Path) -> Chain:
    """The chain of a room that has been started before."""
    return Chain(folder, new=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def state(chain: Chain) -> tuple[int, bytes]:
    assert chain.receipt == chain.previous[::-1], "the two advance together"
    return chain.sequence, chain.previous


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """Of a new room."""
    return Chain(tmp_path, new=True)


def test_a_new_device_begins_at_one_and_says_so(tmp_path: Path, chain: Chain) -> None:
    assert state(chain) == state(started(tmp_path)) == (1, bytes(32))
    assert contents(tmp_path).keys() == {*NAMES}


def test_it_advances_and_remembers(tmp_path: Path, chain: Chain) -> None:
    chain.advance(1, ONE, ONE[::-1])
    assert state(chain) == state(started(tmp_path)) == (2, ONE)
    one, two = contents(tmp_path).values()
    assert one == two


def test_advancing_again_or_to_what_is_passed_changes_nothing(tmp_path: Path, chain: Chain) -> None:
    chain.advance(1, ONE, ONE[::-1])
    chain.advance(2, TWO, TWO[::-1])
    chain.advance(1, ONE, ONE[::-1])
    chain.advance(2, ONE, ONE[::-1])
    assert state(chain) == state(started(tmp_path)) == (3, TWO)


def test_a_hole_is_made_up_for_by_the_recordings_that_are_here(tmp_path: Path, chain: Chain) -> None:
    chain.advance(7, ONE, ONE[::-1])
    assert state(started(tmp_path)) == (8, ONE)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_bit_of_one_file_flips_the_other_counts_and_it_is_written_anew(
    tmp_path: Path, chain: Chain, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    chain.advance(1, ONE, ONE[::-1])
    whole = contents(tmp_path)
    for bit in range(8 * len(whole[name])):
        flipped = bytearray(whole[name])
        flipped[bit // 8] ^= 1 << bit % 8
        (tmp_path / name).write_bytes(flipped)
        caplog.clear()
        assert state(started(tmp_path)) == (2, ONE)
        assert contents(tmp_path) == whole
        assert [record.getMessage() for record in caplog.records] == [
            f"{tmp_path / name}: damaged, lost or behind its copy; it is written anew"
        ]


DAMAGED = [b"", b"{}", b"\xff", b"[]", b"\n\n", None]


@pytest.mark.parametrize("content", DAMAGED)
@pytest.mark.parametrize("name", NAMES)
def test_one_file_that_is_damaged_or_lost_is_written_anew(
    tmp_path: Path, chain: Chain, name: str, content: bytes | None
) -> None:
    chain.advance(1, ONE, ONE[::-1])
    whole = contents(tmp_path)
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_bytes(content)
    assert state(started(tmp_path)) == (2, ONE)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("name", NAMES)
def test_of_two_sound_files_the_higher_number_counts(tmp_path: Path, chain: Chain, name: str) -> None:
    chain.advance(1, ONE, ONE[::-1])
    before = (tmp_path / name).read_bytes()
    chain.advance(2, TWO, TWO[::-1])
    whole = contents(tmp_path)
    (tmp_path / name).write_bytes(before)
    assert state(started(tmp_path)) == (3, TWO)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("first", DAMAGED)
@pytest.mark.parametrize("second", DAMAGED)
def test_both_damaged_or_lost_are_an_error_that_says_what_to_do_and_stay(
    tmp_path: Path, first: bytes | None, second: bytes | None
) -> None:
    for name, content in zip(NAMES, (first, second), strict=True):
        if content is not None:
            (tmp_path / name).write_bytes(content)
    left = contents(tmp_path)
    for new in {False, not left}:
        if not new:
            with pytest.raises(SpoolError, match=r"no longer knows .* Keep this card"):
                Chain(tmp_path, new=new)
            assert contents(tmp_path) == left


def test_a_new_room_whose_file_is_damaged_is_not_new(tmp_path: Path) -> None:
    (tmp_path / NAMES[1]).write_bytes(b"damaged")
    with pytest.raises(SpoolError, match="no longer knows"):
        Chain(tmp_path, new=True)


@pytest.mark.parametrize("name", NAMES)
def test_one_file_that_cannot_be_written_stops_nothing(tmp_path: Path, chain: Chain, name: str) -> None:
    """A full card may be what a start finds: it must get as far as telling the archive."""
    (tmp_path / f"{name}.tmp").mkdir()
    chain.advance(1, ONE, ONE[::-1])
    assert state(chain) == state(started(tmp_path)) == (2, ONE)
    (tmp_path / f"{name}.tmp").rmdir()
    assert state(started(tmp_path)) == (2, ONE)
    one, two = contents(tmp_path).values()
    assert one == two


def test_a_hash_of_another_length_never_gets_into_the_file(tmp_path: Path, chain: Chain) -> None:
    for hashes in ((b"short", ONE), (ONE, b"short")):
        with pytest.raises(ValueError, match="32 bytes"):
            chain.advance(1, *hashes)
    assert state(chain) == state(started(tmp_path)) == (1, bytes(32))


def test_a_folder_that_is_gone_is_a_spool_error(tmp_path: Path, chain: Chain) -> None:
    for file in tmp_path.iterdir():
        file.unlink()
    tmp_path.rmdir()
    with pytest.raises(SpoolError, match="cannot be written"):
        chain.advance(1, ONE, ONE[::-1])
    assert state(chain) == (1, bytes(32))
    tmp_path.mkdir()


def test_a_crash_anywhere_leaves_the_old_or_the_new(ram: Path) -> None:
    Chain(ram, new=True).advance(1, ONE, ONE[::-1])
    crashes = left(ram, lambda: started(ram).advance(2, TWO, TWO[::-1]))
    assert len(crashes) > 6 * len(AFTERMATHS), "the harness stops at real calls"
    seen = []
    for crash in crashes:
        lay(ram, crash)
        seen.append(state(started(ram)))
        started(ram).advance(2, TWO, TWO[::-1])
        assert state(started(ram)) == (3, TWO)
    assert set(seen) == {(2, ONE), (3, TWO)}
    assert seen[-len(AFTERMATHS) :] == [(3, TWO)] * len(AFTERMATHS)


def test_a_crash_anywhere_in_the_first_start_leaves_a_room_that_starts(ram: Path) -> None:
    for crash in left(ram, lambda: Chain(ram, new=True)):
        lay(ram, crash)
        assert state(Chain(ram, new=True)) == (1, bytes(32))
