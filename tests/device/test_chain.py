"""The chain of a device's recordings, and that no crash bends it."""

from pathlib import Path

import pytest

from recorder.device.chain import Chain
from recorder.errors import SpoolError
from tests.device.crash import Crash, Lost, dying

ONE, TWO = bytes(range(32)), bytes(range(32, 64))


def state(chain: Chain) -> tuple[int, bytes]:
    assert chain.receipt == chain.previous[::-1], "the two advance together"
    return chain.sequence, chain.previous


def test_a_new_device_begins_at_one(tmp_path: Path) -> None:
    assert state(Chain(tmp_path / "chain")) == (1, bytes(32))
    assert not (tmp_path / "chain").exists()


def test_it_advances_and_remembers(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "chain")
    chain.advance(1, ONE, ONE[::-1])
    assert state(chain) == state(Chain(tmp_path / "chain")) == (2, ONE)


def test_advancing_again_or_to_what_is_passed_changes_nothing(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "chain")
    chain.advance(1, ONE, ONE[::-1])
    chain.advance(2, TWO, TWO[::-1])
    chain.advance(1, ONE, ONE[::-1])
    chain.advance(2, ONE, ONE[::-1])
    assert state(chain) == state(Chain(tmp_path / "chain")) == (3, TWO)


def test_a_lost_file_is_made_up_for_by_the_recordings_that_are_here(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "chain")
    chain.advance(7, ONE, ONE[::-1])
    assert state(Chain(tmp_path / "chain")) == (8, ONE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"sequence":0,"previous":"%(0)s","receipt":"%(0)s"}' % {b"0": b"0" * 64},
        b'{"sequence":1,"previous":"%s"}' % (b"0" * 64),
        b"\xff",
        b"[]",
    ],
)
def test_a_damaged_file_is_an_error_and_stays(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "chain"
    file.write_bytes(content)
    with pytest.raises(SpoolError, match="no longer knows"):
        Chain(file)
    assert file.read_bytes() == content


def test_a_hash_of_another_length_never_gets_into_the_file(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "chain")
    for hashes in ((b"short", ONE), (ONE, b"short")):
        with pytest.raises(ValueError, match="32 bytes"):
            chain.advance(1, *hashes)
    assert state(chain) == state(Chain(tmp_path / "chain")) == (1, bytes(32))


def test_a_folder_that_is_gone_is_a_spool_error(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "gone" / "chain")
    with pytest.raises(SpoolError, match="cannot be written"):
        chain.advance(1, ONE, ONE[::-1])
    assert state(chain) == (1, bytes(32))


@pytest.mark.parametrize("lost", ["nothing", "everything"])
def test_a_crash_anywhere_leaves_the_old_or_the_new(tmp_path: Path, lost: Lost) -> None:
    seen = set()
    for calls in range(100):
        file = tmp_path / str(calls)
        Chain(file).advance(1, ONE, ONE[::-1])
        try:
            with dying(calls, lost):
                Chain(file).advance(2, TWO, TWO[::-1])
        except Crash:
            assert state(Chain(file)) in {(2, ONE), (3, TWO)}
            seen.add(state(Chain(file)))
            Chain(file).advance(2, TWO, TWO[::-1])
            assert state(Chain(file)) == (3, TWO)
        else:
            assert calls > 3, "the harness stops at real calls"
            break
    assert seen == ({(2, ONE), (3, TWO)} if lost == "nothing" else {(2, ONE)})
