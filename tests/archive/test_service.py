"""The archive under what its unit (systemd/) leaves it. Nothing here starts units: its rules are held against what it does."""

import re
import signal
import sys
from pathlib import Path

from tests.archive.databases import Database
from tests.archive.site import Device, Site
from tests.test_systemd import INTAKE, analyze, settings

# What MemoryDenyWriteExecute forbids, by the kernel's own means (PR_SET_MDWE, 65): systemd does it with a filter of calls.
WITHOUT_WRITABLE_CODE = (
    "import ctypes, sys; assert ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0) == 0; "
    "from recorder.cli import main; sys.exit(main(sys.argv[1:]))"
)


def allowed(filters: list[str]) -> set[str]:
    """The system calls that a unit's filters leave, as systemd itself counts them."""

    def calls(name: str) -> set[str]:
        if not name.startswith("@"):
            return {name}
        lines = analyze("syscall-filter", name).stdout.splitlines()[1:]
        return {call for line in lines if not line.strip().startswith("#") for call in calls(line.strip())}

    left: set[str] = set()
    for each in filters:
        found = {call for name in each.removeprefix("~").split() for call in calls(name)}
        left = left - found if each.startswith("~") else left | found
    return left


class HeldSite(Site):
    """Its intake may not make code, and every system call of it is noted."""

    held = False
    """From when on; not while it is made."""

    def recorder(self) -> list[str]:
        if not self.held:
            return super().recorder()
        trace = str(self.folder / "calls")
        return [
            "strace",
            "-D",
            "-A",
            "-f",
            "-qq",
            "-e",
            "signal=none",
            "-o",
            trace,
            sys.executable,
            "-c",
            WITHOUT_WRITABLE_CODE,
        ]

    def calls(self) -> set[str]:
        return set(re.findall(r"^\d+ +(\w+)\(", (self.folder / "calls").read_text(), re.MULTILINE))


def test_an_intake_does_with_what_its_unit_leaves_it(database: Database, tmp_path: Path) -> None:
    """By the calls that it makes, from its start to its end; nothing here starts units."""
    site = HeldSite(tmp_path / "site", ["room-1"], database.url)
    site.broker.start()
    site.held = True
    try:
        site.start_archive()
        device = Device(site, "room-1")
        recording = device.room.record(20)
        device.deliver(*recording.kept)
        device.close()
        assert site.end_archive(signal.SIGTERM) == 0
    finally:
        site.close()
    calls = site.calls()
    assert {"execve", "syncfs"} <= calls and calls & {"link", "linkat", "renameat2"}, calls
    calls -= {"fchown"}  # by SQLite, for root alone, who these tests may be: the unit has a user of its own
    assert calls - allowed(settings(INTAKE)["SystemCallFilter"]) == set()
