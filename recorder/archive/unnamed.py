"""A file that has no name until it is whole: whatever ends the process before then leaves nothing of it behind.

It needs a file system that has O_TMPFILE and hard links: ext4, xfs, btrfs, tmpfs.
"""

import os
from pathlib import Path


def make(folder: Path) -> int:
    """A file of `folder`'s file system, its owner's alone; returns its descriptor."""
    return os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)


def link(file: int, path: Path) -> bool:
    """Give the file its name, as open(2) says under O_TMPFILE; False if the name is taken."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Only with a folder's descriptor does Python call linkat, which follows the link in /proc.
        os.link(f"/proc/self/fd/{file}", path.name, dst_dir_fd=folder)
    except FileExistsError:
        return False
    finally:
        os.close(folder)
    return True
