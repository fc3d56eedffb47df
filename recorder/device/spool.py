"""The spool: sealed records on the card, until the archive has signed for them. From `put`'s return we are responsible.

    RECORDING/preamble, block-00000000, …, manifest, keybox, receipt    records, each whole or not at all
    RECORDING/held                                                      the keybox under the hold key; never leaves the device
    RECORDING/journal                                                   lines, appended; a torn last one is dropped
    RECORDING.gone                                                      forgotten; its files are removed a few at a time
    RECORDING.damaged, RECORDING/block-00000007.damaged                 set aside: for a person to look at, but for a no
    reserve                                                             bytes given up to finish a meeting on a full card

Each record is written to a temporary file, synced, renamed, and its folder synced. So a crash at any point leaves names that
are whole, temporaries that are removed at the next start, and folders of `.gone` whose removal is then completed.

A full card must still take how the meeting ended: manifest, keybox, receipt and journal. So a block is refused while it would
leave less than the reserve, be that the file or, once it was given up, free room. The file is there because others fill the
card too.
"""

import contextlib
import errno
import os
import re
from itertools import islice
from pathlib import Path

from recorder.device import durable
from recorder.errors import SpoolDamage, SpoolError, SpoolFull
from recorder.sealed.layout import RecordType
from recorder.wire.records import ITEM_TYPES, Beside
from recorder.wire.topics import RECORDING_PATTERN
from recorder.wire.upload import Name

RESERVE_BYTES = 262_144
"""For manifest, keybox, receipt and journal of the meeting that filled the card, and what is written beside them."""
_GONE, _DAMAGED = ".gone", ".damaged"
_RESERVE = "reserve"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ENDINGS = (RecordType.MANIFEST, RecordType.KEYBOX, Beside.RECEIPT)
_BLOCK = re.compile(r"block-([0-9]{8,10})", re.ASCII)
_OTHERS = {kind.name.lower(): kind for kind in ITEM_TYPES.values() if kind is not RecordType.BLOCK}
_KEYS = re.compile(r"(held|keybox)(\..*)?")
_HEARD = re.compile(r"block-.*", re.DOTALL)
_ENDED = re.compile(r"(manifest|keybox)(\..*)?")
"""What tells that the client's time to say no was over; also where it was set aside."""


class Spool:
    """In one folder. Raises SpoolFull beyond `bytes_max` or when the card is full, SpoolError for its other failures."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self.headless: list[str] = []
        """Recordings that this start has set aside because the card has lost their preamble."""
        try:
            durable.make_folder(folder)
            self.size_bytes = 0
            self._recover()
            self.size_bytes = sum(_size(folder / each) for each in self.recordings())
            self._restore_reserve()
        except OSError as error:
            raise SpoolError(f"{folder}: the spool cannot be opened: {error.strerror}") from error

    def put(self, name: Name, record: bytes, *, ending: bool = False) -> None:
        """Keep a record; durable when this returns, or not there at all.

        A manifest, a keybox, a receipt and what else ends a meeting may take from the reserve.
        """
        ending = ending or name.type in _ENDINGS
        if not ending:
            self._check_room(len(record))
        self._write(name.recording, _file_name(name), record, ending=ending)

    def put_held(self, recording: str, data: bytes) -> None:
        """Keep the keybox under its hold key."""
        self._check_room(len(data))
        self._write(recording, "held", data, ending=False)

    def note(self, recording: str, line: bytes, *, ending: bool) -> None:
        """Append a line to the journal of a recording that is here. Durable when this returns, or not there at all.

        One that ends the meeting may take from the reserve.
        """
        if b"\n" in line:
            raise ValueError("a line of the journal is one line")
        file = self._folder / recording / "journal"
        try:
            try:
                durable.append(file, line + b"\n")
            except OSError as error:
                if error.errno not in _FULL or not ending or not self._give_up_reserve():
                    raise
                durable.append(file, line + b"\n")
        except OSError as error:
            raise _failure(file, error) from error
        self.size_bytes += len(line) + 1

    def read(self, name: Name) -> bytes:
        """The record of that name."""
        file = self._folder / name.recording / _file_name(name)
        try:
            return file.read_bytes()
        except OSError as error:
            raise _damage(file, error) from error

    def held(self, recording: str) -> bytes | None:
        """The keybox under its hold key, if it is here."""
        return self._read_if_there(self._folder / recording / "held")

    def journal(self, recording: str) -> list[bytes]:
        """The journal's whole lines."""
        lines = self._read_if_there(self._folder / recording / "journal") or b""
        return lines.split(b"\n")[:-1]

    def names(self, recording: str) -> list[Name]:
        """What is here of a recording, in the order of the file."""
        folder = self._folder / recording
        try:
            found = [_name(recording, each) for each in os.listdir(folder)]  # noqa: PTH208 names alone: thousands of them
        except OSError as error:
            raise _failure(folder, error) from error
        return sorted(name for name in found if name is not None)

    def recordings(self) -> list[str]:
        """The recordings that are here."""
        try:
            return sorted(each.name for each in self._folder.iterdir() if RECORDING_PATTERN.fullmatch(each.name))
        except OSError as error:
            raise _failure(self._folder, error) from error

    def purge(self, recording: str) -> None:
        """Remove what could ever be heard, keyboxes and blocks, set aside or not; what tells of the meeting stays.

        Again is harmless.
        """
        folder = self._folder / recording
        try:
            before = _size(folder)
            try:
                _purge(folder)
            finally:
                self.size_bytes += _size(folder) - before
        except OSError as error:
            raise _failure(folder, error) from error

    def purge_aside(self) -> None:
        """The same for every recording of `aside`: it may be what a no is about, and nobody could open it anyway."""
        for recording in self.aside():
            folder = self._folder / (recording + _DAMAGED)
            try:
                _purge(folder)
            except OSError as error:
                raise _failure(folder, error) from error

    def aside(self) -> list[str]:
        """The recordings that were set aside whole before the client's time to say no was over: their key went then."""
        try:
            found = []
            for folder in sorted(self._folder.glob("*" + _DAMAGED)):
                recording, names = folder.name.removesuffix(_DAMAGED), [each.name for each in folder.iterdir()]
                whole = any(not name.endswith(_DAMAGED) for name in names)  # else `forget` has left it
                if whole and not any(map(_ENDED.fullmatch, names)) and RECORDING_PATTERN.fullmatch(recording):
                    found.append(recording)
        except OSError as error:
            raise _failure(self._folder, error) from error
        return found

    def forget(self, recording: str) -> bool:
        """Let go of a recording for which the archive has signed; nothing if it is not here. `sweep` removes its files.

        False if something of it had been set aside, which nobody has signed for: that stays, for a person to see.
        """
        folder = self._folder / recording
        try:
            if not folder.is_dir():
                return True
            size = _size(folder)
            damaged = [each for each in folder.iterdir() if each.suffix == _DAMAGED]
            folder.rename(folder.with_name(recording + _GONE))
            self.size_bytes -= size
            if damaged:
                aside = folder.with_name(recording + _DAMAGED)
                durable.make_folder(aside)
                for each in damaged:
                    (folder.with_name(recording + _GONE) / each.name).rename(aside / each.name)
                durable.sync_folder(aside)
            durable.sync_folder(self._folder)
        except OSError as error:
            raise _failure(folder, error) from error
        return not damaged

    def sweep(self, files_max: int) -> bool:
        """Remove so many files of what was forgotten; whether there are more. An hour is thousands: seconds of a card."""
        try:
            gone = next(self._folder.glob("*" + _GONE), None)
            if gone is None:
                return False
            with os.scandir(gone) as files:
                some = list(islice(files, files_max))
            for each in some:
                Path(each.path).unlink()
            if len(some) < files_max:
                gone.rmdir()
                durable.sync_folder(self._folder)
                self._restore_reserve()
        except OSError as error:
            raise _failure(self._folder, error) from error
        return True

    def set_aside(self, recording: str, name: Name | None = None) -> None:
        """Take a damaged record, or a whole recording, out of use as it is: what is wrong with it is for a person to see."""
        path = self._folder / recording if name is None else self._folder / recording / _file_name(name)
        try:
            if name is None:
                self.size_bytes -= _size(path)
            path.rename(path.with_name(path.name + _DAMAGED))
            durable.sync_folder(path.parent)
        except OSError as error:
            raise _failure(path, error) from error

    def make_room(self) -> None:
        """On a card that is nearly full give the reserve up: what ends a meeting is about to be written, here and beside."""
        if self._card_bytes() < RESERVE_BYTES:
            self._give_up_reserve()

    def room_bytes(self) -> int:
        """How much more may be kept: of what `bytes_max` allows and the card has."""
        return max(0, min(self._bytes_max - self.size_bytes, self._card_bytes() - self._missing_reserve()))

    def _check_room(self, size: int) -> None:
        if self.size_bytes + size > self._bytes_max:
            raise SpoolFull(
                f"the spool has reached spool.bytes_max, {self._bytes_max} bytes: the archive signs for nothing"
            )
        if size > self.room_bytes():
            raise SpoolFull("the card is full: the archive has not signed for what waits on it")

    def _write(self, recording: str, file_name: str, data: bytes, *, ending: bool) -> None:
        file = self._folder / recording / file_name
        new = not file.parent.is_dir()
        try:
            durable.make_folder(file.parent)
            before = file.stat().st_size if file.exists() else 0
            try:
                durable.write(file, data)
            except OSError as error:
                if error.errno not in _FULL or not ending or not self._give_up_reserve():
                    raise
                durable.write(file, data)
        except OSError as error:
            if new:
                with contextlib.suppress(OSError):  # or the next start removes it
                    file.parent.rmdir()
            raise _failure(file, error) from error
        self.size_bytes += len(data) - before

    def _read_if_there(self, file: Path) -> bytes | None:
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _damage(file, error) from error

    def _card_bytes(self) -> int:
        try:
            card = os.statvfs(self._folder)
        except OSError as error:
            raise _failure(self._folder, error) from error
        return card.f_bavail * card.f_frsize

    def _missing_reserve(self) -> int:
        """How many bytes of free room stand in for the reserve."""
        return 0 if (self._folder / _RESERVE).exists() else RESERVE_BYTES

    def _restore_reserve(self) -> None:
        """Set bytes aside, if the card has them to spare."""
        reserve = self._folder / _RESERVE
        if reserve.exists() or self._card_bytes() < 2 * RESERVE_BYTES:
            return
        temporary = self._folder / (_RESERVE + durable.TEMPORARY_SUFFIX)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.posix_fallocate(handle, 0, RESERVE_BYTES)
            os.fsync(handle)
        except OSError:
            temporary.unlink()
            raise
        finally:
            os.close(handle)
        temporary.rename(reserve)
        durable.sync_folder(self._folder)

    def _give_up_reserve(self) -> bool:
        """Whether there was something to give up."""
        try:
            (self._folder / _RESERVE).unlink()
        except FileNotFoundError:
            return False
        durable.sync_folder(self._folder)  # some file systems free the room only with this
        return True

    def _recover(self) -> None:
        """Complete what a crash interrupted."""
        (self._folder / (_RESERVE + durable.TEMPORARY_SUFFIX)).unlink(missing_ok=True)
        for recording in self.recordings():
            folder = self._folder / recording
            for temporary in folder.glob("*" + durable.TEMPORARY_SUFFIX):
                temporary.unlink()
            if not (folder / "preamble").exists():
                if any(folder.iterdir()):  # the card has lost what promised the rest
                    self.set_aside(recording)
                    self.headless.append(recording)
                else:  # its first record never became durable: nothing was promised
                    folder.rmdir()
                continue
            journal = self._read_if_there(folder / "journal")
            if journal and not journal.endswith(b"\n"):
                durable.shorten(folder / "journal", journal.rfind(b"\n") + 1)  # or the next line would be torn too
            durable.sync_folder(folder)
        durable.sync_folder(self._folder)


def _file_name(name: Name) -> str:
    return f"block-{name.index:08d}" if name.type is RecordType.BLOCK else name.type.name.lower()


def _name(recording: str, file_name: str) -> Name | None:
    """The name of a record's file; None for the files that are no records."""
    if block := _BLOCK.fullmatch(file_name):
        return Name(recording, RecordType.BLOCK, int(block[1]))
    return Name(recording, _OTHERS[file_name], 0) if file_name in _OTHERS else None


def _purge(folder: Path) -> None:
    names = [each.name for each in folder.iterdir()]
    # Without a keybox no block can be opened, so these go first, and for good before the long rest.
    for name in filter(_KEYS.fullmatch, names):
        with contextlib.suppress(OSError):  # what the card does not take any more is removed all the same
            durable.overwrite(folder / name)
        (folder / name).unlink()
    durable.sync_folder(folder)
    for name in filter(_HEARD.fullmatch, names):
        (folder / name).unlink()
    durable.sync_folder(folder)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _damage(path: Path, error: OSError) -> SpoolDamage:
    return SpoolDamage(f"{path}: the card does not give it back: {error.strerror}. Have this room looked at.")


def _failure(path: Path, error: OSError) -> SpoolError:
    if isinstance(error, SpoolError):
        return error
    if error.errno in _FULL:
        return SpoolFull("the card is full: the archive has not signed for what waits on it")
    return SpoolError(f"{path}: the card fails: {error.strerror}. Take this room out of service and replace the card.")
