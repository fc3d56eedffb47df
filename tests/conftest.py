"""What every test shares: a bounded, reproducible Hypothesis, speech, and what is only done when it is asked for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from recorder.trial.soundstage import speech

settings.register_profile("wederhoor", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wederhoor")

LONG = ("test_promela.py", "test_archive_crashes.py")
"""Of all files these take longest. Where several are done at once, they must not be the last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """A command that is tried within this process sets its umask, which is not for the tests that come then."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some thirty seconds of speech at 48 kHz."""
    file = tmp_path_factory.mktemp("speech") / "spoken.wav"
    speech("Goedemiddag mevrouw. Wij spreken vandaag over uw aanvraag, en u mag altijd nee zeggen. " * 6, file)
    return file


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-kill",
        action="store_true",
        help="tests/storage: kill the archive at every call that changes a folder or syncs, not at a sample of them",
    )
    parser.addoption("--broker", metavar="HOST:PORT", help="tests/archive/test_broker.py: judge this broker, not ours")
    parser.addoption("--keys", metavar="FOLDER", help="with --broker: the keys of archive, room-1 and room-2 there")
