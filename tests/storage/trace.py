"""What a process asked the kernel to do with files: a trace by strace, parsed, and played on a disk.

strace is told to write every string as hexadecimal digits (`-xx`), so that no quote, comma or bracket of a content is taken
for one of the syntax, and to write it whole. A call that another thread interrupts is told in two lines; when it began and
when it was done matters: what a sync makes durable was done before it began.

What is written through a mapping of a file into memory is no call, and not seen. So a mapping that may write is refused, and
so is every call that changes files in a way that `Player` does not know, if it is about the folder that is watched.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.storage.disk import ROOT, Disk

KNOWN = (
    *("openat", "close", "dup", "dup2", "dup3", "fcntl", "mmap"),
    *("write", "pwrite64", "ftruncate", "linkat", "unlink", "mkdir", "rmdir", "fsync", "fdatasync", "sync"),
    "syncfs",
)
UNKNOWN = (
    *(
        "open",
        "creat",
        "writev",
        "pwritev",
        "pwritev2",
        "lseek",
        "truncate",
        "fallocate",
        "copy_file_range",
        "sendfile",
    ),
    *("splice", "link", "symlink", "symlinkat", "rename", "renameat", "renameat2", "unlinkat", "mkdirat", "mknodat"),
    *("sync_file_range", "io_uring_setup", "fork", "vfork"),
)
UNWATCHED = "-shm"
"""SQLite's index of its write-ahead log: mapped into memory, not meant to survive, and made anew when it is opened first."""
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
LINE = re.compile(r"(\d+) +(.*)")
UNFINISHED = re.compile(r"(\w+)\((.*?) *<unfinished \.\.\.>")
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)(?: .*)?")
ENDED_CALL = re.compile(r"\w+\(.*\) += \?.*")
OTHER = re.compile(r"---.*---|\+\+\+.*\+\+\+")
DESCRIPTOR = re.compile(r"/proc/self/fd/(\d+)")


class TraceError(Exception):
    """The trace says something that is not understood: then nothing can be said about the disk."""


@dataclass(frozen=True)
class Call:
    """A call that returned. `begun` and `done` are lines of the trace."""

    thread: str
    name: str
    args: tuple[str, ...]
    """As strace writes them."""
    result: int
    begun: int
    done: int

    def text(self, at: int) -> str:
        return os.fsdecode(self.data(at))

    def data(self, at: int) -> bytes:
        found = STRING.fullmatch(self.args[at])
        if found is None:
            raise TraceError(f"{self.name}: no whole string: {self.args[at][-80:]}")
        return bytes.fromhex(found.group(1).replace("\\x", ""))

    def number(self, at: int) -> int:
        return int(self.args[at], 0)

    def flags(self, at: int) -> set[str]:
        return set(self.args[at].split("|"))


def strace(file: Path, *options: str) -> list[str]:
    """What to put before a command, so that its trace is written to `file`; the process started is the command's own."""
    calls = ",".join(KNOWN + UNKNOWN)
    wanted = ["-e", f"trace={calls}", "-e", "signal=none", "-xx", "-s", "1048576"]
    return ["strace", "-D", "-f", *wanted, *options, "-o", str(file)]


def parse(text: str) -> list[Call]:
    """Every call that returned, in the order in which they did. A process that is killed does not carry out its last."""
    calls: list[Call] = []
    open_: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(text.splitlines()):
        found = LINE.fullmatch(line)
        if found is None:
            raise TraceError(f"no line of a trace: {line[:80]}")
        thread, told = found.groups()
        begun = number
        if unfinished := UNFINISHED.fullmatch(told):
            open_[thread] = f"{unfinished[1]}({unfinished[2]}", number
            continue
        if resumed := RESUMED.fullmatch(told):
            before, begun = open_.pop(thread)
            told = before + resumed[2]
        if call := CALL.fullmatch(told):
            name, args, result = call.groups()
            calls.append(Call(thread, name, tuple(args.split(", ")), int(result, 0), begun, number))
        elif not OTHER.fullmatch(told) and not ENDED_CALL.fullmatch(told):
            raise TraceError(f"no call: {told[:80]}")
    return calls


@dataclass
class _Open:
    """A file or folder of the disk that the process has open."""

    node: int
    path: str
    written: int | None = None
    """Bytes, of a file that had no name; for one that had, nobody knows where the next `write` goes."""


class Player:
    """Plays the calls of one process after another on a disk, which is that of `folder`.

    What is written to the file `marks`, which lies elsewhere, is a mark: it counts from when it began to be written.
    """

    def __init__(self, disk: Disk, folder: Path, marks: Path) -> None:
        self._disk = disk
        self._folder = str(folder)
        self._marks = str(marks)
        self._began = 0
        """When this process did, in lines of all traces."""
        self._open: dict[int, _Open] = {}

    def play(self, calls: Sequence[Call]) -> Iterator[tuple[str, bytes | None]]:
        """Yields before each call that changes something or makes it durable: what it is, and the mark if it is one."""
        self._open = {}
        opened = {call.result for call in calls if call.name == "openat" and call.text(1) == self._marks}
        marks = {call for call in calls if call.name == "write" and call.number(0) in opened}
        for call in sorted(calls, key=lambda call: call.begun if call in marks else call.done):
            if call in marks:
                yield "a receipt is sent", call.data(1)
            elif call.result >= 0 and (effect := self._effect(call)) is not None:
                yield self._told(call), None
                effect()
        self._began += 1 + max((call.done for call in calls), default=0)

    def _effect(self, call: Call) -> Callable[[], None] | None:
        """What is still to be done on the disk; None if the call changes nothing there."""
        if call.name in UNKNOWN or call.name == "mmap":
            return self._refuse(call)
        if call.name == "sync":
            return lambda: self._disk.sync(None, self._began + call.begun)
        if call.name in ("unlink", "mkdir", "rmdir"):
            path = self._path(call.text(0))
            if path is None or path.endswith(UNWATCHED):
                return None
            act = {"unlink": self._disk.unlink, "rmdir": self._disk.unlink, "mkdir": self._disk.mkdir}[call.name]
            return lambda: act(path, self._began + call.done)
        if call.name == "openat":
            return self._openat(call)
        if call.name == "linkat":
            return self._linkat(call)
        return self._with_open(call)

    def _openat(self, call: Call) -> Callable[[], None] | None:
        self._open.pop(call.result, None)
        path, flags = self._path(call.text(1)), call.flags(2)
        if path is None or path.endswith(UNWATCHED):
            return None
        if "O_TMPFILE" in flags:
            self._open[call.result] = _Open(self._disk.file(), f"{path}/#", written=0)
            return None
        there = self._disk.find(path)
        if there is not None:
            self._open[call.result] = _Open(there, path)
        if "O_TRUNC" in flags or "O_APPEND" in flags or (there is None and "O_CREAT" not in flags):
            raise TraceError(f"{call.name} {path}: {call.args[2]}")
        if there is not None:
            return None

        def create() -> None:
            node = self._disk.file()
            self._disk.link(node, path, self._began + call.done)
            self._open[call.result] = _Open(node, path)

        return create

    def _linkat(self, call: Call) -> Callable[[], None] | None:
        """Only as open(2) has it under O_TMPFILE."""
        source, folder = DESCRIPTOR.fullmatch(call.text(1)), self._open.get(int(call.args[2]))
        if folder is None:
            return None
        if source is None:
            raise TraceError(f"linkat from {call.text(1)}")
        file, path = self._open[int(source[1])], f"{folder.path}/{call.text(3)}".removeprefix("/")
        return lambda: self._disk.link(file.node, path, self._began + call.done)

    def _with_open(self, call: Call) -> Callable[[], None] | None:
        handle, time = call.number(0), self._began + call.done
        file = self._open.get(handle)
        if call.name == "close":
            self._open.pop(handle, None)
        elif call.name in ("dup2", "dup3") or (call.name == "fcntl" and not call.args[1].startswith("F_DUPFD")):
            if file is not None and call.name != "fcntl":
                raise TraceError(f"{call.name} of {file.path}")
        elif file is None:
            return None
        elif call.name == "write" and file.written is not None:
            at, file.written = file.written, file.written + call.result
            return lambda: self._disk.write(file.node, at, call.data(1)[: call.result], time)
        elif call.name == "pwrite64":
            return lambda: self._disk.write(file.node, call.number(3), call.data(1)[: call.result], time)
        elif call.name == "ftruncate":
            return lambda: self._disk.truncate(file.node, call.number(1), time)
        elif call.name in ("fsync", "fdatasync"):
            return lambda: self._disk.sync(file.node, self._began + call.begun)
        elif call.name == "syncfs":
            return lambda: self._disk.sync(None, self._began + call.begun)
        else:
            raise TraceError(f"{call.name} of {file.path}")
        return None

    def _refuse(self, call: Call) -> None:
        """A call that is not modelled, or maps a file, must not be about this disk."""
        if call.name == "mmap":
            file = self._open.get(call.number(4))
            wrong = file is not None and "PROT_WRITE" in call.flags(2) and "MAP_SHARED" in call.flags(3)
        elif call.name in ("fork", "vfork", "io_uring_setup"):
            wrong = True
        elif call.name == "lseek":
            file = self._open.get(call.number(0))
            wrong = file is not None and file.written is not None
        else:
            paths = [self._path(call.text(at)) for at, arg in enumerate(call.args) if STRING.fullmatch(arg)]
            handles = [int(arg) for arg in call.args if arg.isdigit()]
            wrong = any(path is not None for path in paths) or any(handle in self._open for handle in handles[:1])
        if wrong:
            raise TraceError(f"{call.name}({', '.join(call.args)}) is not modelled")

    def _path(self, path: str) -> str | None:
        """Within the watched folder; None if it lies elsewhere."""
        if path == self._folder:
            return ROOT
        return path.removeprefix(f"{self._folder}/") if path.startswith(f"{self._folder}/") else None

    def _told(self, call: Call) -> str:
        """For a person: the call, and what it is about."""
        if call.name in ("unlink", "mkdir", "rmdir"):
            return f"{call.name} {self._path(call.text(0))}"
        if call.name == "openat":
            return f"creation of {self._path(call.text(1))}"
        if call.name == "linkat":
            return f"link to {call.text(3)}"
        return call.name if call.name == "sync" else f"{call.name} of {self._open[call.number(0)].path or '.'}"
