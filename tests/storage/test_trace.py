"""The parser of strace's output, and what a trace does to a disk: by lines as strace writes them, and by strace itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.disk import Disk
from tests.storage.trace import Call, Player, TraceError, parse, strace


def hexed(text: str | bytes) -> str:
    """A string as strace writes it under `-xx`."""
    data = text.encode() if isinstance(text, str) else text
    return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'


def test_calls_come_in_the_order_in_which_they_were_done() -> None:
    calls = parse(
        f"7  fsync(3 <unfinished ...>\n8  write(4, {hexed('a, b) = 5')}, 9) = 9\n"
        "8  --- SIGCHLD {si_signo=SIGCHLD} ---\n7  <... fsync resumed>)  = 0\n8  +++ exited with 0 +++\n"
    )
    assert calls == [Call("8", "write", ("4", hexed("a, b) = 5"), "9"), 9, 1, 1), Call("7", "fsync", ("3",), 0, 0, 3)]
    assert calls[0].data(1) == b"a, b) = 5"


def test_what_failed_and_what_a_kill_prevented_are_told_apart() -> None:
    text = f"7  unlink({hexed('/x')}) = -1 ENOENT (No such file or directory)\n7  fsync(3) = ?\n7  +++ killed by SIGKILL +++\n"
    assert [(call.name, call.result) for call in parse(text)] == [("unlink", -1)]


def test_an_address_is_a_result() -> None:
    (call,) = parse("7  mmap(NULL, 32768, PROT_READ|PROT_WRITE, MAP_SHARED, 5, 0) = 0x7f3284408000\n")
    assert call.flags(2) == {"PROT_READ", "PROT_WRITE"} and call.number(4) == 5


@pytest.mark.parametrize("line", ["nothing", "7 what is this", "7  fsync(3) = 0\nstrace: a complaint"])
def test_what_is_not_understood_is_told(line: str) -> None:
    with pytest.raises(TraceError):
        parse(line)


def test_a_string_that_was_cut_is_not_taken_for_whole() -> None:
    (call,) = parse(f"7  write(4, {hexed('abc')}..., 9) = 9\n")
    with pytest.raises(TraceError, match="no whole string"):
        call.data(1)


FOLDER = Path("/archive")
OPEN = f"7  openat(AT_FDCWD, {hexed('/archive/a')}, O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3\n"


def played(text: str) -> tuple[Disk, list[tuple[str, bytes | None]]]:
    disk = Disk()
    return disk, list(Player(disk, FOLDER, Path("/marks")).play(parse(text)))


@pytest.mark.parametrize(
    "line",
    [
        "7  mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7f3284408000",
        f"7  write(3, {hexed('x')}, 1) = 1",
        "7  fallocate(3, 0, 0, 4096) = 0",
        "7  dup2(3, 9) = 9",
        "7  sync_file_range(3, 0, 0, 0) = 0",
        f"7  rename({hexed('/archive/a')}, {hexed('/archive/b')}) = 0",
        f"7  openat(AT_FDCWD, {hexed('/archive/a')}, O_WRONLY|O_TRUNC) = 4",
        "7  fork() = 8",
    ],
)
def test_a_call_that_is_not_modelled_is_refused_only_if_it_is_about_the_folder(line: str) -> None:
    with pytest.raises(TraceError):
        played(f"{OPEN}{line}\n")
    elsewhere = line.replace(hexed("/archive")[1:-1], hexed("/elsewhere")[1:-1])
    if "fork" not in line:
        played(f"{OPEN}7  close(3) = 0\n{elsewhere}\n")


def test_a_mark_counts_from_its_beginning_and_a_sync_covers_what_was_done_before_it_began() -> None:
    disk, told = played(
        f"7  openat(AT_FDCWD, {hexed('/marks')}, O_WRONLY|O_CREAT|O_APPEND, 0600) = 9\n{OPEN}"
        f"7  fdatasync(3 <unfinished ...>\n8  write(9, {hexed('signed')}, 6 <unfinished ...>\n"
        f"9  pwrite64(3, {hexed('late')}, 4, 0) = 4\n8  <... write resumed>) = 6\n7  <... fdatasync resumed>) = 0\n"
    )
    assert [what for what, _ in told] == ["creation of a", "a receipt is sent", "pwrite64 of a", "fdatasync of a"]
    assert told[1][1] == b"signed"
    assert {"a": b""} in [left.files() for left in disk.aftermaths()], "the write came after the sync had begun"


PROGRAM = """
import os, sqlite3, sys
folder = sys.argv[1]
os.mkdir(f"{folder}/a")
file = os.open(f"{folder}/a", os.O_TMPFILE | os.O_WRONLY)
os.write(file, b"x" * 5000); os.write(file, b"y"); os.fsync(file)
above = os.open(f"{folder}/a", os.O_PATH | os.O_DIRECTORY)
os.link(f"/proc/self/fd/{file}", "named", dst_dir_fd=above)
os.mkdir(f"{folder}/gone"); os.rmdir(f"{folder}/gone")
database = sqlite3.connect(f"{folder}/db", isolation_level=None)
for statement in ("PRAGMA journal_mode = WAL", "CREATE TABLE t (x)", "INSERT INTO t VALUES (zeroblob(20000))",
                  "DELETE FROM t", "PRAGMA wal_checkpoint(TRUNCATE)", "INSERT INTO t VALUES (1)"):
    database.execute(statement)
os.kill(os.getpid(), 9)
"""


def test_what_the_disk_says_is_there_is_what_is_there(tmp_path: Path) -> None:
    folder, trace = tmp_path / "folder", tmp_path / "trace"
    folder.mkdir()
    (folder / "old").write_bytes(b"old")
    disk = Disk.of(folder)
    # The output is open in strace too: it is at its end when strace is.
    subprocess.run([*strace(trace), sys.executable, "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE, check=False)
    told = [what for what, _ in Player(disk, folder, tmp_path / "marks").play(parse(trace.read_text()))]
    assert "link to named" in told and "fdatasync of db-wal" in told and "ftruncate of db-wal" in told
    assert disk.killed().files() == {name: data for name, data in on_disk(folder).items() if name != "db-shm"}


def on_disk(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")
    }
