"""Every vector through every reader: our verifier, our opener, and the second reader that shares no code with them."""

import subprocess
import sys
from pathlib import Path

import pytest
from readers import FOLDER, VECTORS, Vector, open_file, read_second, verify

LAYERS = {"nothing", "records", "preamble", "block", "manifest", "keybox", "open"}


def test_there_are_vectors_for_every_layer() -> None:
    assert {vector.expect for vector in VECTORS} == LAYERS
    assert {vector.state for vector in VECTORS} == {"none", "whole", "refused", "open", "cut"}


def test_the_scripts_make_the_vectors_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FOLDER / "scripts" / "make.py", tmp_path], check=True)
    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert made == {file.name: file.read_bytes() for file in FOLDER.glob("*.vector")}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
class TestVector:
    def test_verifier(self, vector: Vector) -> None:
        outcome = verify(vector.data)
        assert outcome.state == vector.state
        assert vector.says in outcome.says
        assert bool(outcome.says) == (vector.state in ("cut", "none"))

    def test_opener(self, vector: Vector) -> None:
        outcome = open_file(vector.data, salvage=False)
        sound = vector.expect == "nothing" and vector.state == "whole" and vector.released > 0
        assert outcome.opened == sound or vector.name == "whole-no-blocks"
        if vector.expect == "open":  # each packet was verified, but the flaw is told before the end
            assert len(outcome.packets) <= vector.released
        else:
            assert len(outcome.packets) == (vector.released if outcome.opened else 0)

    def test_salvage(self, vector: Vector) -> None:
        outcome = open_file(vector.data, salvage=True)
        assert len(outcome.packets) == vector.released

    def test_second_reader(self, vector: Vector) -> None:
        reading = read_second(vector.data)
        assert (reading.state, reading.layer) == (vector.state, vector.expect)
        assert len(reading.packets) == vector.released

    def test_readers_agree_on_the_sound(self, vector: Vector) -> None:
        assert list(open_file(vector.data, salvage=True).packets) == read_second(vector.data).packets
