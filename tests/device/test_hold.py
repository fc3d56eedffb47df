"""Both holds: the contract, and what each takes for its file.

The clock chip's memory is a plain file of its size here, in a folder of the name that Linux gives it: what sysfs does
otherwise (it never grows, and has nothing to sync) a slot has no use for.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from recorder import config
from recorder.device.hold import MemoryHold, NvramHold, open_hold
from recorder.device.slot import SLOT_BYTES, Slot
from recorder.errors import HoldError
from tests.device.hold_contract import KEY, RECORDING, HoldContract, cut_after, put


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


def mountinfo(file: Path, folder: Path, kind: str, options: str = "rw") -> Path:
    device = folder.stat().st_dev
    file.write_text(
        f"29 1 {os.major(device)}:{os.minor(device)} / /a\\040b rw shared:3 master:1 - {kind} none {options}\n"
    )
    return file


class TestMemoryHold(HoldContract):
    @pytest.fixture
    def file(self, ram: Path, no_swap: Path) -> Iterator[Path]:
        self._no_swap = no_swap
        return ram / "room" / "hold"

    def opened(self, file: Path) -> Slot:
        return MemoryHold(file, swaps=self._no_swap)

    def test_it_is_for_its_owner_alone(self, hold: Slot, file: Path) -> None:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_a_process_that_died_while_it_made_the_file_is_no_obstacle(self, file: Path) -> None:
        file.parent.mkdir()
        file.write_bytes(bytes(SLOT_BYTES))
        assert self.found(file) == (None, None, False)

    def test_a_disk_is_refused_and_nothing_is_written_there(self, tmp_path: Path, no_swap: Path) -> None:
        mounts = mountinfo(tmp_path / "mounts", tmp_path, "ext4", "rw,noswap")
        with pytest.raises(HoldError, match="on ext4"):
            MemoryHold(tmp_path / "hold", mounts, no_swap)
        assert (tmp_path / "hold").read_bytes() == b""

    def test_a_link_from_ram_to_a_disk_is_seen_through(self, ram: Path, tmp_path: Path, no_swap: Path) -> None:
        mounts = mountinfo(tmp_path / "mounts", tmp_path, "ext4")
        with mounts.open("a") as more:
            more.write(f"30 29 0:{os.minor(ram.stat().st_dev)} / /dev/shm rw - tmpfs tmpfs rw\n")
        (ram / "folder").symlink_to(tmp_path)
        with pytest.raises(HoldError, match="on ext4"):
            MemoryHold(ram / "folder" / "hold", mounts, no_swap)
        (ram / "link").symlink_to(tmp_path / "hold")
        with pytest.raises(HoldError, match="cannot be made"):
            MemoryHold(ram / "link", mounts, no_swap)

    def test_an_unknown_device_is_refused(self, ram: Path, tmp_path: Path, no_swap: Path) -> None:
        mounts = tmp_path / "mounts"
        mounts.write_text("29 1 9999:1 / / rw - tmpfs tmpfs rw\n")
        with pytest.raises(HoldError, match="unknown file system"):
            MemoryHold(ram / "hold", mounts, no_swap)

    def test_swap_is_refused_with_what_to_do(self, ram: Path, tmp_path: Path, swap: Path) -> None:
        mounts = mountinfo(tmp_path / "mounts", ram, "tmpfs", "rw,size=1k")
        with pytest.raises(HoldError, match=r"/var/swap, /dev/zram0 .*swapoff"):
            MemoryHold(ram / "hold", mounts, swap)

    @pytest.mark.parametrize(("kind", "options"), [("ramfs", "rw"), ("tmpfs", "rw,noswap")])
    def test_swap_does_not_matter_where_nothing_is_swapped_out(
        self, ram: Path, tmp_path: Path, swap: Path, kind: str, options: str
    ) -> None:
        hold = MemoryHold(ram / "hold", mountinfo(tmp_path / "mounts", ram, kind, options), swap)
        put(hold)
        assert hold.take() == (RECORDING, KEY)

    def test_for_a_trial_on_a_computer_that_swaps_it_may_be(self, ram: Path, tmp_path: Path, swap: Path) -> None:
        mounts = mountinfo(tmp_path / "mounts", ram, "tmpfs", "rw,size=1k")
        hold = MemoryHold(ram / "hold", mounts, swap, may_be_on_disk=True)
        put(hold)
        assert hold.take() == (RECORDING, KEY)

    @pytest.mark.parametrize("content", [b"x", b"x" * 64, b"WHK2" + bytes(60), b"WHK1" + bytes(61)])
    def test_a_file_of_something_else_is_left_alone(self, file: Path, content: bytes) -> None:
        file.parent.mkdir()
        file.write_bytes(content)
        with pytest.raises(HoldError, match="something else"):
            self.opened(file)
        assert file.read_bytes() == content


class TestNvramHold(HoldContract):
    @pytest.fixture
    def file(self, ram: Path) -> Path:
        file = ram / "ds1307_nvram0" / "nvmem"
        file.parent.mkdir()
        file.write_bytes(os.urandom(SLOT_BYTES))  # as it comes from the factory
        return file

    def opened(self, file: Path) -> Slot:
        return NvramHold(file, may_be_on_disk=True)

    def test_a_battery_that_was_empty_is_said_and_leaves_no_key(
        self, hold: Slot, file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(hold)
        kept = file.read_bytes()
        caplog.clear()
        assert self.found(file)[0] == (RECORDING, KEY)
        assert not caplog.messages
        for at in range(4):
            for bit in range(8):  # and the rest may be as it was
                altered = bytearray(kept)
                altered[at] ^= 1 << bit
                file.write_bytes(altered)
                caplog.clear()
                assert self.found(file) == (None, None, False)
                assert "its battery was empty" in caplog.text
                assert file.read_bytes() == b"WHK1" + bytes(60)

    def test_whatever_it_holds_at_first_the_power_may_go_at_any_byte(self, hold: Slot, file: Path) -> None:
        put(hold)
        kept = file.read_bytes()[4:]
        for content in (os.urandom(4) + kept, bytes(4) + kept, b"WHK\0" + kept, b"\xff" * 64, bytes(64)):
            for count in range(SLOT_BYTES + 4):
                file.write_bytes(content)
                with cut_after(count), self.again(file):
                    raise AssertionError("it was not cut off")
                assert self.found(file) == (None, None, False)
                assert file.read_bytes() == b"WHK1" + bytes(60)

    @pytest.mark.parametrize("stuck", [0, 4, 32])
    def test_memory_that_cannot_be_erased_is_found_out_at_the_start(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, stuck: int
    ) -> None:
        pwrite = os.pwrite

        def failing(handle: int, data: bytes, at: int) -> int:
            """All but one byte are taken."""
            for index, each in enumerate(data):
                if at + index != stuck:
                    pwrite(handle, bytes([each]), at + index)
            return len(data)

        file.write_bytes(b"\xaa" * SLOT_BYTES)
        monkeypatch.setattr(os, "pwrite", failing)
        with pytest.raises(HoldError, match="reads back otherwise"):
            self.opened(file)

    def test_it_never_asks_for_more_than_there_is(self, hold: Slot, file: Path) -> None:
        put(hold)
        hold.refuse()
        put(hold)
        hold.commit()
        hold.erase()
        assert file.stat().st_size == SLOT_BYTES

    def test_a_chip_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(HoldError, match=r"no clock chip; check .*MCP7940N is fitted.*dtoverlay=i2c-rtc,mcp7940x"):
            NvramHold(tmp_path / "ds1307_nvram0" / "nvmem")

    def test_a_chip_that_may_not_be_opened_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "ds1307_nvram0" / "nvmem").mkdir(parents=True)
        with pytest.raises(HoldError, match="cannot be reached: Is a directory"):
            NvramHold(tmp_path / "ds1307_nvram0" / "nvmem")

    @pytest.mark.parametrize("name", ["rpi_otp_private0", "ds1307_nvram", "my_ds1307_nvram0", "ds3232_sram0"])
    def test_memory_of_another_name_is_not_even_opened(self, tmp_path: Path, name: str) -> None:
        file = tmp_path / name / "nvmem"
        file.parent.mkdir()
        file.write_bytes(b"x" * SLOT_BYTES)
        with pytest.raises(HoldError, match="not the memory of an MCP7940N"):
            NvramHold(file, may_be_on_disk=True)
        assert file.read_bytes() == b"x" * SLOT_BYTES

    @pytest.mark.parametrize("size", [0, 4, 56, 236])
    def test_another_chip_is_told_and_left_alone(self, file: Path, size: int) -> None:
        file.write_bytes(b"x" * size)
        with pytest.raises(HoldError, match=rf"has {size} bytes where a hold needs 64"):
            self.opened(file)
        assert file.read_bytes() == b"x" * size

    def test_a_disk_is_refused_and_nothing_is_written_there(self, file: Path, tmp_path: Path) -> None:
        file.write_bytes(b"x" * SLOT_BYTES)
        with pytest.raises(HoldError, match=r"on ext4, where overwriting does not erase"):
            NvramHold(file, mountinfo(tmp_path / "mounts", file.parent, "ext4"))
        assert file.read_bytes() == b"x" * SLOT_BYTES

    def test_sysfs_it_is(self, file: Path, tmp_path: Path) -> None:
        hold = NvramHold(file, mountinfo(tmp_path / "mounts", file.parent, "sysfs"))
        put(hold)
        assert hold.take() == (RECORDING, KEY)


def room(kind: str, file: Path, *, may_be_on_disk: bool) -> config.Room:
    return msgspec.structs.replace(
        config.load().room, hold_kind=kind, hold=str(file), hold_may_be_on_disk=may_be_on_disk
    )


def test_a_room_has_the_hold_that_it_is_configured_for(ram: Path, tmp_path: Path) -> None:
    chip = tmp_path / "ds1307_nvram0" / "nvmem"
    with pytest.raises(HoldError, match="no clock chip"):
        open_hold(room("nvram", chip, may_be_on_disk=True))
    chip.parent.mkdir()
    chip.write_bytes(bytes(SLOT_BYTES))
    with pytest.raises(HoldError, match="where overwriting does not erase"):
        open_hold(room("nvram", chip, may_be_on_disk=False))
    assert isinstance(open_hold(room("nvram", chip, may_be_on_disk=True)), NvramHold)
    assert isinstance(open_hold(room("memory", ram / "hold", may_be_on_disk=True)), MemoryHold)
