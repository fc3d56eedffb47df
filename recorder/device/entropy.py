"""Secrets from the kernel's generator."""

import os
from pathlib import Path


def secret(size: int) -> bytearray:
    """Random bytes that exist only where they can be overwritten; os.urandom would leave a copy that cannot be."""
    os.getrandom(1)  # waits until the generator is seeded; the file does not
    drawn = bytearray(size)
    with Path("/dev/urandom").open("rb", buffering=0) as source:
        if source.readinto(drawn) != size:
            raise OSError(f"/dev/urandom gave fewer than {size} bytes")
    return drawn
