"""A small file system for the tests of a full card, which an ordinary user can make as well as root.

Mounting takes a privilege, and everyone has it in a user namespace of their own. But a test cannot enter one: a process with
threads may not, and nothing else that it started would be in there. So another process does, mounts, and stays; the test
and all that it starts go through that process's root, `/proc/PID/root`. When the process ends, the file system is gone.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

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
