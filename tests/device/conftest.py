"""What the device's tests share: the sound stage, and a folder on a RAM file system."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.trial.soundstage import SoundStage


@pytest.fixture
def stage() -> Iterator[SoundStage]:
    with SoundStage() as stage:
        yield stage


@pytest.fixture
def ram() -> Iterator[Path]:
    """A new folder on /dev/shm: where a hold may be, and where an inode's number is not given twice."""
    folder = Path(tempfile.mkdtemp(prefix="wederhoor-test-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)
