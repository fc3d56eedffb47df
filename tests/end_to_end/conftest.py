"""One soundstage and one voice for all; machines of its own for each test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from recorder.trial import soundstage
from recorder.trial.soundstage import SoundStage
from tests.end_to_end.house import House

TEXT = "Goedemiddag, fijn dat u er bent. Dit gesprek wordt opgenomen, zodat we later kunnen horen wat er is gezegd. "

MakeHouse = Callable[..., House]


@pytest.fixture(scope="session")
def stage() -> Iterator[SoundStage]:
    with SoundStage() as stage:
        yield stage


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some twenty seconds at 48 kHz, mono."""
    file = tmp_path_factory.mktemp("speech") / "speech.wav"
    soundstage.speech(TEXT * 3, file)
    return file


@pytest.fixture
def make_house(tmp_path: Path, stage: SoundStage, speech: Path) -> Iterator[MakeHouse]:
    """Machines below `tmp_path/house`; ended with the test, and the light held to the tap once more."""
    with ExitStack() as houses:

        def make(changes: dict[str, Any] | None = None, sound: SoundStage | None = None) -> House:
            return houses.enter_context(House(tmp_path / "house", sound or stage, speech, changes))

        yield make


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house()
