"""Processes of a bench's own; and what the kernel knows of any: CPU time, memory, bytes written (proc(5))."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SPAWN = multiprocessing.get_context("spawn")
"""For processes that begin with nothing of the bench's own."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One look at one process, in KiB."""

    rss: int
    peak: int
    """The most that it ever had resident (VmHWM)."""
    pss: int | None
    """Shared pages counted in proportion; None where the kernel lets only root look into a confined process."""

    def json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds, user and system: of the process itself, and of its children that have ended."""

    own: float
    children: float

    @property
    def total(self) -> float:
        return self.own + self.children


@contextlib.contextmanager
def running(target: Callable[..., None], *arguments: object) -> Iterator[BaseProcess]:
    """A process that does this meanwhile, and is killed in the end."""
    process = SPAWN.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def cpu(pid: int) -> Cpu:
    user, system, child_user, child_system = (int(field) for field in _stat(pid)[11:15])
    return Cpu((user + system) / _TICKS_PER_SECOND, (child_user + child_system) / _TICKS_PER_SECOND)


def machine_cpu() -> float:
    """CPU seconds of all processes since the machine was started, and of the kernel; without waiting and idling."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8])
    return (user + nice + system + irq + softirq) / _TICKS_PER_SECOND


def memory(pid: int) -> Memory | None:
    """None if there is no such process any more."""
    try:
        status = _fields(Path(f"/proc/{pid}/status"))
        rss, peak = status["VmRSS"], status["VmHWM"]
    except (OSError, KeyError):
        return None
    try:
        pss = _fields(Path(f"/proc/{pid}/smaps_rollup"))["Pss"]
    except (OSError, KeyError):
        pss = None
    return Memory(rss, peak, pss)


def written_bytes(pid: int) -> int:
    """Bytes that it caused to be sent to storage."""
    return _fields(Path(f"/proc/{pid}/io"))["write_bytes"]


def child(parent: int, word: str) -> int | None:
    """The child of `parent` with `word` in its command line."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if int(_stat(int(folder.name))[1]) == parent and word in (folder / "cmdline").read_text(errors="replace"):
                return int(folder.name)
        except OSError:
            continue  # it ended while we looked
    return None


def _stat(pid: int) -> list[str]:
    """The fields behind the command, which may hold blanks and parentheses: [0] is the state, [1] the parent."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


def _fields(file: Path) -> dict[str, int]:
    """`Name: number` lines; the others are left out."""
    fields = {}
    for line in file.read_text(errors="replace").splitlines():
        name, _, value = line.partition(":")
        number = value.split()[:1]
        if number and number[0].isdigit():
            fields[name] = int(number[0])
    return fields
