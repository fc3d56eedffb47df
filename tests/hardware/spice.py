"""The circuits of hardware/ in ngspice: whole, and with one thing wrong."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "hardware"
SECONDS_MAX = 60


@dataclass(frozen=True)
class Waves:
    """What ngspice found: voltages by node, over time in seconds."""

    seconds: np.ndarray
    volts: dict[str, np.ndarray]

    def at(self, node: str, seconds: float) -> float:
        return float(np.interp(seconds, self.seconds, self.volts[node]))

    def last(self, node: str) -> float:
        return float(self.volts[node][-1])

    def crossings(self, node: str, volts: float) -> list[float]:
        """When a node passes a level, in either direction."""
        above = self.volts[node] > volts
        return [float(self.seconds[i + 1]) for i in np.flatnonzero(above[1:] != above[:-1])]


@dataclass(frozen=True)
class Circuit:
    """Lines of a netlist. Each change makes a new one."""

    lines: tuple[str, ...]

    def plus(self, *lines: str) -> "Circuit":
        return Circuit((*self.lines, *lines))

    def opened(self, part: str) -> "Circuit":
        """Without that part: burnt out, not fitted, or its wire broken."""
        return self._changed(rf"{part}\s.*", f"* {part} is open")

    def shorted(self, one: str, other: str) -> "Circuit":
        """With two nodes connected."""
        return self.plus(f"Rshort_{one}_{other} {one} {other} 10m")

    def valued(self, part: str, value: str) -> "Circuit":
        """With another value of a resistor or capacitor."""
        return self._changed(rf"({part}\s+\S+\s+\S+)\s+\S+", rf"\1 {value}")

    def param(self, **values: float) -> "Circuit":
        """With other parameters of the models."""
        changed = self
        for name, value in values.items():
            changed = changed._changed(rf"\.param {name}=\S+", f".param {name}={value}")
        return changed

    def run(self, seconds: float, nodes: list[str], *, celsius: int = 27, step: float = 0.0) -> Waves:
        """From the state at rest, for so long."""
        if shutil.which("ngspice") is None:
            pytest.fail("ngspice is missing: apt-get install ngspice, or `make setup`")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            deck = [
                "panel",
                *self.lines,
                f".options temp={celsius} rshunt=1e12",
                ".control",
                "set wr_singlescale",
                f"tran {step or seconds / 1000} {seconds}",
                f"wrdata waves.data {' '.join(f'v({node})' for node in nodes)}",
                "quit",
                ".endc",
                ".end",
            ]
            (folder / "deck.cir").write_text("\n".join(deck))
            done = subprocess.run(
                ["ngspice", "-b", "deck.cir"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS_MAX,
            )
            said = done.stdout + done.stderr
            assert (folder / "waves.data").exists(), said
            table = np.loadtxt(folder / "waves.data")
        assert table[-1, 0] > 0.999 * seconds, said
        return Waves(table[:, 0], {node: table[:, number] for number, node in enumerate(nodes, 1)})

    def _changed(self, pattern: str, to: str) -> "Circuit":
        """With the one line that matches rewritten."""
        matching = [line for line in self.lines if re.fullmatch(pattern, line)]
        assert len(matching) == 1, f"{pattern} matches {matching}"
        return Circuit(tuple(re.sub(pattern, to, line) if line in matching else line for line in self.lines))


def drawn_name(part: str) -> str:
    """A part's name in the drawings. In a netlist a letter for its kind stands before it, but for R and C."""
    return part if part[0] in "RC" else part[1:]


def bare(name: str) -> list[str]:
    """The lines of one netlist of hardware/."""
    return (FOLDER / f"{name}.cir").read_text(encoding="utf-8").splitlines()


def circuit(*names: str) -> Circuit:
    """Netlists of hardware/, with the models of their parts."""
    return Circuit(tuple(line for name in ("parts", *names) for line in bare(name)))
