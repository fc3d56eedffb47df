"""The hold on a real RAM file system: what was erased is gone, whenever the process dies."""

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.device import hold as module
from recorder.device.hold import SLOT_BYTES, MemoryHold
from recorder.errors import HoldError

RECORDING = bytes(range(16))
OTHER = bytes(range(16, 32))
KEY = bytes(range(100, 132))


@pytest.fixture
def ram() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def no_swap(tmp_path: Path) -> Path:
    file = tmp_path / "swaps"
    file.write_text("Filename\tType\tSize\tUsed\tPriority\n")
    return file


@pytest.fixture
def swap(tmp_path: Path) -> Path:
    file = tmp_path / "swapping"
    file.write_text("Filename\tType\tSize\tUsed\tPriority\n/var/swap file 102396 0 -2\n/dev/zram0 partition 1 0 5\n")
    return file


@pytest.fixture
def file(ram: Path) -> Path:
    return ram / "room" / "hold"


@pytest.fixture
def hold(file: Path, no_swap: Path) -> MemoryHold:
    return MemoryHold(file, swaps=no_swap)


def test_a_new_hold_is_empty(hold: MemoryHold, file: Path) -> None:
    assert hold.take() is None
    assert hold.refused() is None
    assert file.read_bytes() == b"WHK1" + bytes(60)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_is_kept_and_taking_it_erases_nothing(hold: MemoryHold) -> None:
    hold.put(RECORDING, bytearray(KEY))
    taken = hold.take()
    assert taken == (RECORDING, KEY)
    taken[1][:] = bytes(32)
    assert hold.take() == (RECORDING, KEY)
    assert hold.refused() is None


def test_the_slot_has_the_bytes_of_its_table(hold: MemoryHold, file: Path) -> None:
    hold.put(RECORDING, bytearray(KEY))
    check = bytes.fromhex("aa1081af")
    assert file.read_bytes() == b"WHK1\x01" + bytes(7) + check + RECORDING + KEY


def test_it_survives_a_restart(hold: MemoryHold, file: Path, no_swap: Path) -> None:
    hold.put(RECORDING, bytearray(KEY))
    assert MemoryHold(file, swaps=no_swap).take() == (RECORDING, KEY)


@pytest.mark.parametrize("refused", [False, True])
def test_erased_is_gone(hold: MemoryHold, file: Path, no_swap: Path, refused: bool) -> None:
    hold.put(RECORDING, bytearray(KEY))
    hold.erase(refused=refused)
    content = file.read_bytes()
    assert content[12:16] + content[32:] == bytes(36), "neither the key nor its check is left"
    for each in (hold, MemoryHold(file, swaps=no_swap)):
        assert each.take() is None
        assert each.refused() == (RECORDING if refused else None)
    assert len(content) == SLOT_BYTES


def test_a_refusal_stands_until_it_is_completed(hold: MemoryHold) -> None:
    hold.put(RECORDING, bytearray(KEY))
    hold.erase(refused=True)
    hold.erase(refused=True)
    assert hold.refused() == RECORDING
    hold.erase()
    assert hold.refused() is None


def test_refusing_an_empty_hold_names_no_recording(hold: MemoryHold) -> None:
    hold.erase(refused=True)
    assert hold.refused() is None


def test_the_next_meeting_replaces_the_note(hold: MemoryHold) -> None:
    hold.put(RECORDING, bytearray(KEY))
    hold.erase(refused=True)
    hold.put(OTHER, bytearray(KEY))
    assert hold.refused() is None
    assert hold.take() == (OTHER, KEY)


class Killed(BaseException):
    """The process died here."""


def die_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    left = writes
    pwrite = os.pwrite

    def dying(handle: int, data: bytes, at: int) -> int:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return pwrite(handle, data, at)

    monkeypatch.setattr(os, "pwrite", dying)


@pytest.mark.parametrize("writes", range(8))
@pytest.mark.parametrize("refused", [False, True])
def test_an_erasure_cut_off_anywhere_is_not_begun_or_completed(
    monkeypatch: pytest.MonkeyPatch, hold: MemoryHold, file: Path, no_swap: Path, refused: bool, writes: int
) -> None:
    hold.put(RECORDING, bytearray(KEY))
    with monkeypatch.context() as patch:
        die_after(patch, writes)
        try:
            hold.erase(refused=refused)
        except Killed:
            died = True
        else:
            died = False
    again = MemoryHold(file, swaps=no_swap)
    if writes == 0:
        assert again.take() == (RECORDING, KEY)
    else:
        assert again.take() is None
        assert again.refused() == (RECORDING if refused else None) or (not refused and died)
        assert KEY not in file.read_bytes()
        assert file.read_bytes()[32:] == bytes(32)


@pytest.mark.parametrize("writes", range(6))
def test_a_key_half_put_is_no_key(
    monkeypatch: pytest.MonkeyPatch, hold: MemoryHold, file: Path, no_swap: Path, writes: int
) -> None:
    hold.put(OTHER, bytearray(reversed(KEY)))
    with monkeypatch.context() as patch:
        die_after(patch, writes)
        try:
            hold.put(RECORDING, bytearray(KEY))
        except Killed:
            assert writes < 5
    again = MemoryHold(file, swaps=no_swap)
    assert again.take() == {0: (OTHER, bytes(reversed(KEY))), 5: (RECORDING, KEY)}.get(writes)
    assert again.refused() is None
    if 0 < writes < 5:
        assert file.read_bytes()[32:] == bytes(32)


def test_an_altered_key_is_no_key(hold: MemoryHold, file: Path, no_swap: Path) -> None:
    hold.put(RECORDING, bytearray(KEY))
    for at in range(12, SLOT_BYTES):
        altered = bytearray(file.read_bytes())
        altered[at] ^= 0x10
        copy = file.with_name(f"altered-{at}")
        copy.write_bytes(altered)
        assert MemoryHold(copy, swaps=no_swap).take() is None


def test_memory_that_does_not_take_the_zeros_is_found_out(monkeypatch: pytest.MonkeyPatch, hold: MemoryHold) -> None:
    hold.put(RECORDING, bytearray(KEY))
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, at: len(data) if at == 32 else pwrite(handle, data, at))
    with pytest.raises(HoldError, match="reads back otherwise"):
        hold.erase(refused=True)
    assert hold.take() is None, "and nobody takes the key any more"
    assert hold.refused() == RECORDING


def test_a_slot_that_fails_is_a_hold_error(hold: MemoryHold, file: Path) -> None:
    hold.put(RECORDING, bytearray(KEY))
    os.truncate(file, 20)
    with pytest.raises(HoldError, match="cut short"):
        hold.take()


def test_erasing_from_another_thread_beats_taking(hold: MemoryHold) -> None:
    """Whoever asks after `erase` has returned gets nothing; whoever asks meanwhile gets the key or nothing, whole."""
    for _ in range(100):
        hold.put(RECORDING, bytearray(KEY))
        start = threading.Barrier(3)
        erased = threading.Event()
        wrong: list[object] = []

        def take(
            start: threading.Barrier = start, erased: threading.Event = erased, wrong: list[object] = wrong
        ) -> None:
            start.wait()
            for _ in range(20):
                late = erased.is_set()
                taken = hold.take()
                if taken is not None and (late or taken != (RECORDING, KEY)):
                    wrong.append(taken)

        takers = [threading.Thread(target=take) for _ in range(2)]
        for taker in takers:
            taker.start()
        start.wait()
        hold.erase(refused=True)
        erased.set()
        for taker in takers:
            taker.join()
        assert not wrong
        assert hold.refused() == RECORDING


def test_a_disk_is_refused_and_nothing_is_written_there(tmp_path: Path, no_swap: Path) -> None:
    mounts = tmp_path / "mounts"
    device = tmp_path.stat().st_dev
    mounts.write_text(f"29 1 {os.major(device)}:{os.minor(device)} / / rw,relatime - ext4 /dev/vda rw,noswap\n")
    with pytest.raises(HoldError, match="on ext4"):
        MemoryHold(tmp_path / "hold", mounts, no_swap)
    assert (tmp_path / "hold").read_bytes() == b""


def test_a_link_from_ram_to_a_disk_is_seen_through(ram: Path, tmp_path: Path, no_swap: Path) -> None:
    mounts = tmp_path / "mounts"
    device = tmp_path.stat().st_dev
    mounts.write_text(
        f"29 1 {os.major(device)}:{os.minor(device)} / / rw,relatime - ext4 /dev/vda rw\n"
        f"30 29 0:{os.minor(ram.stat().st_dev)} / /dev/shm rw - tmpfs tmpfs rw\n"
    )
    (ram / "folder").symlink_to(tmp_path)
    with pytest.raises(HoldError, match="on ext4"):
        MemoryHold(ram / "folder" / "hold", mounts, no_swap)
    (ram / "link").symlink_to(tmp_path / "hold")
    with pytest.raises(HoldError, match="cannot be made"):
        MemoryHold(ram / "link", mounts, no_swap)


def test_an_unknown_device_is_refused(ram: Path, tmp_path: Path, no_swap: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("29 1 9999:1 / / rw - tmpfs tmpfs rw\n")
    with pytest.raises(HoldError, match="unknown file system"):
        MemoryHold(ram / "hold", mounts, no_swap)


def mountinfo(file: Path, folder: Path, kind: str, options: str) -> Path:
    device = folder.stat().st_dev
    file.write_text(
        f"29 1 {os.major(device)}:{os.minor(device)} / /a\\040b rw shared:3 master:1 - {kind} none {options}\n"
    )
    return file


def test_swap_is_refused_with_what_to_do(ram: Path, tmp_path: Path, swap: Path) -> None:
    mounts = mountinfo(tmp_path / "mounts", ram, "tmpfs", "rw,size=1k")
    with pytest.raises(HoldError, match=r"/var/swap, /dev/zram0 .*swapoff"):
        MemoryHold(ram / "hold", mounts, swap)


@pytest.mark.parametrize(("kind", "options"), [("ramfs", "rw"), ("tmpfs", "rw,noswap")])
def test_swap_does_not_matter_where_nothing_is_swapped_out(
    ram: Path, tmp_path: Path, swap: Path, kind: str, options: str
) -> None:
    hold = MemoryHold(ram / "hold", mountinfo(tmp_path / "mounts", ram, kind, options), swap)
    hold.put(RECORDING, bytearray(KEY))
    assert hold.take() == (RECORDING, KEY)


@pytest.mark.parametrize("content", [b"x", b"x" * 64, b"WHK2" + bytes(60), b"WHK1" + bytes(61)])
def test_a_file_of_something_else_is_left_alone(file: Path, no_swap: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(HoldError, match="something else"):
        MemoryHold(file, swaps=no_swap)
    assert file.read_bytes() == content


@pytest.mark.parametrize(("recording", "key"), [(b"", KEY), (RECORDING, b""), (RECORDING + b"x", KEY)])
def test_other_lengths_are_a_mistake_of_the_caller(hold: MemoryHold, recording: bytes, key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        hold.put(recording, bytearray(key))
    assert hold.take() is None


def test_the_check_is_the_usual_crc() -> None:
    assert module._check(b"1234", bytearray(b"56789")) == bytes.fromhex("cbf43926")  # its published check value


def test_what_is_committed_keeps_its_key_until_it_is_erased(hold: MemoryHold, file: Path) -> None:
    assert not hold.commit(), "there is nothing to decide about"
    hold.put(RECORDING, bytearray(KEY))
    assert not hold.committed()
    assert hold.commit() and hold.commit() and hold.committed()
    assert hold.take() == (RECORDING, bytearray(KEY))
    assert MemoryHold(file, may_be_swapped=True).take() == (RECORDING, bytearray(KEY)), "a restart completes it"
    hold.erase()
    assert (hold.take(), hold.refused(), hold.committed()) == (None, None, False)
    assert file.read_bytes() == b"WHK1" + bytes(60)


def test_a_no_before_the_decision_keeps_its_note_and_one_after_it_changes_nothing(hold: MemoryHold) -> None:
    hold.put(RECORDING, bytearray(KEY))
    assert hold.refuse()
    assert not hold.commit()
    assert hold.refused() == RECORDING
    hold.put(OTHER, bytearray(KEY))
    assert hold.commit()
    assert not hold.refuse()
    assert (hold.refused(), hold.take()) == (None, (OTHER, bytearray(KEY)))
    hold.erase(refused=True)  # what the loop does knows which meeting it means
    assert (hold.refused(), hold.take()) == (OTHER, None)


def test_of_a_decision_and_a_no_at_the_same_time_exactly_one_counts(hold: MemoryHold) -> None:
    for _ in range(200):
        hold.put(RECORDING, bytearray(KEY))
        barrier = threading.Barrier(2)

        def refuse(barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            hold.refuse()

        client = threading.Thread(target=refuse)
        client.start()
        barrier.wait()
        committed = hold.commit()
        client.join()
        assert committed == (hold.refused() is None) == (hold.take() is not None)
        hold.erase()


def test_for_a_trial_on_a_computer_that_swaps_it_may_be(ram: Path, tmp_path: Path, swap: Path) -> None:
    mounts = mountinfo(tmp_path / "mounts", ram, "tmpfs", "rw,size=1k")
    hold = MemoryHold(ram / "hold", mounts, swap, may_be_swapped=True)
    hold.put(RECORDING, bytearray(KEY))
    assert hold.take() == (RECORDING, KEY)
