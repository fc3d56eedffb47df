"""A small file system for the tests of a full card, which an ordinary user can make as well as root.

Mounting takes a privilege, and everyone has it in a user namespace of their own. But a test cannot enter one: a process with
threads may not, and nothing else that it started would be in there. So another process does, mounts, and stays; the test
and all that it starts go through that process's root, `/proc/PID/root`. When the process ends, the file system is gone.

SQLite follows that path's links itself, and so out of it. What has its database there must be in the namespace: a program that
is started `with_own_mounts`, which may `mount_small` as it likes, with all that it starts in turn.
"""

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

OWN_MOUNTS = ("unshare", "--mount")
OWN_MOUNTS_OF_A_USER = ("unshare", "--user", "--map-current-user", "--keep-caps", "--mount")
MOUNT = 'mount -t tmpfs -o "size=$2,mode=0700" card "$1" && echo mounted && exec cat'


@contextlib.contextmanager
def small_file_system(folder: Path, mib: int) -> Iterator[Path]:
    """Of so many MiB. `folder` is an empty one, of which it needs no more than the name."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    keeper = subprocess.Popen(
        ["unshare", *user, "--mount", "sh", "-c", MOUNT, "sh", folder, f"{mib}m"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert keeper.stdin and keeper.stdout and keeper.stderr
    with keeper:
        try:
            if keeper.stdout.readline() != "mounted\n":
                pytest.fail(
                    f"no small file system could be mounted for this test: {keeper.stderr.read().strip()}. It needs user "
                    "namespaces, which Debian allows (sysctl kernel.unprivileged_userns_clone=1), or to be run as root.",
                    pytrace=False,
                )
            yield Path(f"/proc/{keeper.pid}/root{folder.absolute()}")
        finally:
            keeper.kill()


def with_own_mounts(command: list[str]) -> list[str]:
    """The command that starts `command` where it may mount, as the user who it is."""
    return [*(OWN_MOUNTS if os.geteuid() == 0 else OWN_MOUNTS_OF_A_USER), *command]


def mount_small(folder: Path, mib: int) -> None:
    """A file system of so many MiB on this empty folder. OSError if it may not be."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"card", os.fsencode(folder), b"tmpfs", ctypes.c_ulong(0), f"size={mib}m,mode=0700".encode()):
        number = ctypes.get_errno()
        raise OSError(number, f"no small file system can be mounted: {os.strerror(number)}", str(folder))
