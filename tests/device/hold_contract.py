"""What every hold must do; a hold's own test class inherits this and says how to make one.

A slot's every write is cut off after every number of its bytes here, and so is the overwriting of what that left.
"""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest import mock

import pytest

from recorder.device.slot import COMMITTED, EMPTY, HOLDS, REFUSED, SLOT_BYTES, STATE_AT, Slot
from recorder.errors import HoldError

RECORDING = bytes(range(16))
OTHER = bytes(range(16, 32))
KEY = bytes(range(100, 132))
OTHER_KEY = bytes(range(132, 164))
PUT_BYTES, COMMIT_BYTES, REFUSE_BYTES, ERASE_BYTES = 54, 1, 37, 53
"""What each writes."""


class Killed(BaseException):
    """The power went here. Not an Exception: the dead handle no errors."""


@contextmanager
def cut_after(count: int, mixture: int | None = None) -> Iterator[None]:
    """Let `count` bytes be written, and not one more. With a `mixture` the next one arrives in those of its bits alone."""
    left = count
    dead = False
    pwrite, pread = os.pwrite, os.pread

    def dying(handle: int, data: bytes, at: int) -> int:
        nonlocal left, dead
        if dead:
            raise Killed
        arriving = bytes(data[:left])
        dead = len(data) > left
        if dead and mixture is not None:
            old = pread(handle, 1, at + left)[0]
            arriving += bytes([old & ~mixture | data[left] & mixture])
        pwrite(handle, arriving, at)
        if dead:
            raise Killed
        left -= len(data)
        return len(data)

    with mock.patch.object(os, "pwrite", dying), suppress(Killed):
        yield


def put(hold: Slot) -> None:
    hold.put(RECORDING, bytearray(KEY))


def commit(hold: Slot) -> None:
    assert hold.commit()


def refuse(hold: Slot) -> None:
    assert hold.refuse()


def erase(hold: Slot) -> None:
    hold.erase()


class HoldContract(ABC):
    @abstractmethod
    @pytest.fixture
    def file(self) -> Path:
        """Where a hold may be."""

    @abstractmethod
    def opened(self, file: Path) -> Slot:
        """The hold in that file."""

    @pytest.fixture
    def hold(self, file: Path) -> Iterator[Slot]:
        hold = self.opened(file)
        yield hold
        os.close(hold._handle)

    @contextmanager
    def again(self, file: Path) -> Iterator[Slot]:
        """As after a restart."""
        hold = self.opened(file)
        try:
            yield hold
        finally:
            os.close(hold._handle)

    def found(self, file: Path) -> tuple[tuple[bytes, bytearray] | None, bytes | None, bool]:
        """What a restart finds: key, refusal, whether it was committed."""
        with self.again(file) as hold:
            return hold.take(), hold.refused(), hold.committed()

    def test_a_new_hold_is_empty(self, hold: Slot, file: Path) -> None:
        assert hold.take() is None
        assert hold.refused() is None
        assert file.read_bytes() == b"WHK1" + bytes(60)

    def test_a_key_is_kept_and_taking_it_erases_nothing(self, hold: Slot) -> None:
        put(hold)
        taken = hold.take()
        assert taken == (RECORDING, KEY)
        taken[1][:] = bytes(32)
        assert hold.take() == (RECORDING, KEY)
        assert hold.refused() is None

    def test_the_slot_has_the_bytes_of_its_table(self, hold: Slot, file: Path) -> None:
        put(hold)
        check = bytes.fromhex("aa1081af")
        assert file.read_bytes() == b"WHK1\xf8" + bytes(7) + check + RECORDING + KEY
        refuse(hold)
        assert file.read_bytes() == b"WHK1\x1f" + bytes(11) + RECORDING + bytes(32)
        put(hold)
        commit(hold)
        assert file.read_bytes() == b"WHK1\xe7" + bytes(7) + check + RECORDING + KEY
        hold.erase()
        assert file.read_bytes() == b"WHK1" + bytes(60)

    def test_it_survives_a_restart(self, hold: Slot, file: Path) -> None:
        put(hold)
        assert self.found(file) == ((RECORDING, KEY), None, False)

    @pytest.mark.parametrize(("done", "note"), [(erase, None), (refuse, RECORDING)])
    def test_erased_is_gone(self, hold: Slot, file: Path, done: Callable[[Slot], None], note: bytes | None) -> None:
        put(hold)
        done(hold)
        content = file.read_bytes()
        assert content[12:16] + content[32:] == bytes(36), "neither the key nor its check is left"
        assert (hold.take(), hold.refused()) == (None, note)
        assert self.found(file) == (None, note, False)
        assert len(content) == SLOT_BYTES

    def test_a_refusal_stands_until_it_is_completed(self, hold: Slot) -> None:
        put(hold)
        refuse(hold)
        refuse(hold)
        assert hold.refused() == RECORDING
        hold.erase()
        assert hold.refused() is None

    def test_refusing_an_empty_hold_names_no_recording(self, hold: Slot) -> None:
        refuse(hold)
        assert hold.refused() is None

    def test_the_next_meeting_replaces_the_note(self, hold: Slot) -> None:
        put(hold)
        refuse(hold)
        hold.put(OTHER, bytearray(OTHER_KEY))
        assert hold.refused() is None
        assert hold.take() == (OTHER, OTHER_KEY)

    def test_what_is_committed_keeps_its_key_until_it_is_erased(self, hold: Slot, file: Path) -> None:
        assert not hold.commit(), "there is nothing to decide about"
        put(hold)
        assert not hold.committed()
        assert hold.commit() and hold.commit() and hold.committed()
        assert hold.take() == (RECORDING, bytearray(KEY))
        assert self.found(file) == ((RECORDING, KEY), None, True), "a restart completes it"
        hold.erase()
        assert (hold.take(), hold.refused(), hold.committed()) == (None, None, False)

    def test_a_no_before_the_decision_keeps_its_note_and_one_after_it_changes_nothing(self, hold: Slot) -> None:
        put(hold)
        assert hold.refuse()
        assert not hold.commit()
        assert hold.refused() == RECORDING
        hold.put(OTHER, bytearray(KEY))
        assert hold.commit()
        assert not hold.refuse()
        assert (hold.refused(), hold.take()) == (None, (OTHER, bytearray(KEY)))

    def test_of_a_decision_and_a_no_at_the_same_time_exactly_one_counts(self, hold: Slot) -> None:
        for _ in range(200):
            put(hold)
            barrier = threading.Barrier(2)

            def say_no(barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                hold.refuse()

            client = threading.Thread(target=say_no)
            client.start()
            barrier.wait()
            committed = hold.commit()
            client.join()
            assert committed == (hold.refused() is None) == (hold.take() is not None)
            hold.erase()

    def test_erasing_from_another_thread_beats_taking(self, hold: Slot) -> None:
        """Whoever asks after `erase` has returned gets nothing; whoever asks meanwhile gets the key or nothing, whole."""
        for _ in range(100):
            put(hold)
            start = threading.Barrier(3)
            erased = threading.Event()
            wrong: list[object] = []

            def take(
                start: threading.Barrier = start, erased: threading.Event = erased, wrong: list[object] = wrong
            ) -> None:
                start.wait()
                for _ in range(20):
                    late = erased.is_set()
                    taken = hold.take()
                    if taken is not None and (late or taken != (RECORDING, KEY)):
                        wrong.append(taken)

            takers = [threading.Thread(target=take) for _ in range(2)]
            for taker in takers:
                taker.start()
            start.wait()
            refuse(hold)
            erased.set()
            for taker in takers:
                taker.join()
            assert not wrong
            assert hold.refused() == RECORDING

    @pytest.mark.parametrize(("recording", "key"), [(b"", KEY), (RECORDING, b""), (RECORDING + b"x", KEY)])
    def test_other_lengths_are_a_mistake_of_the_caller(self, hold: Slot, recording: bytes, key: bytes) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            hold.put(recording, bytearray(key))
        assert hold.take() is None

    # A power cut in the middle of a write

    def cut(
        self, file: Path, done: Callable[[Slot], None], *before: Callable[[Slot], None], size: int
    ) -> Iterator[int]:
        """Do it once for each number of bytes that are written before the power goes, up to all that it writes.

        For each of these once more: restarted with the power going after each byte of what the restart overwrites.
        """
        for count in range(size + 1):
            with self.again(file) as hold:
                hold.erase()
                for each in before:
                    each(hold)
                with cut_after(count):
                    done(hold)
            left = file.read_bytes()
            yield count
            for second in range(ERASE_BYTES + 1):
                file.write_bytes(left)
                with cut_after(second), self.again(file):
                    pass
                yield count
        with self.again(file) as hold:
            hold.erase()
            for each in before:
                each(hold)
            with cut_after(size):
                done(hold)
                return
        raise AssertionError("it writes more than its size")

    @pytest.mark.parametrize("before", [(), (refuse,), (commit,)], ids=["held", "refused", "committed"])
    def test_a_key_half_put_is_no_key(self, file: Path, before: tuple[Callable[[Slot], None], ...]) -> None:
        def other(hold: Slot) -> None:
            hold.put(OTHER, bytearray(OTHER_KEY))

        for count in self.cut(file, put, other, *before, size=PUT_BYTES):
            key, refused, committed = self.found(file)
            if count == 0:
                assert (key is None) == (refused == OTHER) == (refuse in before)
                assert committed == (commit in before)
                continue
            assert key == ((RECORDING, KEY) if count == PUT_BYTES else None)
            assert not refused and not committed
            if count < PUT_BYTES:
                assert file.read_bytes() == b"WHK1" + bytes(60), "of neither key is anything left"

    def test_a_refusal_cut_off_anywhere_is_not_begun_or_stands(self, file: Path) -> None:
        for count in self.cut(file, refuse, put, size=REFUSE_BYTES):
            if count == 0:
                assert self.found(file) == ((RECORDING, KEY), None, False)
            else:
                assert self.found(file) == (None, RECORDING, False)
                assert file.read_bytes()[32:] == bytes(32), "and nothing is left of the key"

    @pytest.mark.parametrize("before", [(put,), (put, commit)], ids=["held", "committed"])
    def test_an_erasure_cut_off_anywhere_is_not_begun_or_stands(
        self, file: Path, before: tuple[Callable[[Slot], None], ...]
    ) -> None:
        for count in self.cut(file, erase, *before, size=ERASE_BYTES):
            if count == 0:
                assert self.found(file) == ((RECORDING, KEY), None, commit in before)
            else:
                assert self.found(file) == (None, None, False)
                assert file.read_bytes() == b"WHK1" + bytes(60)

    def test_a_decision_cut_off_is_not_begun_or_stands(self, file: Path) -> None:
        for count in self.cut(file, commit, put, size=COMMIT_BYTES):
            assert self.found(file) == ((RECORDING, KEY), None, count == COMMIT_BYTES)

    def test_nothing_that_comes_after_a_refusal_undoes_it(self, file: Path) -> None:
        def try_to_commit(hold: Slot) -> None:
            assert not hold.commit()

        for done in (try_to_commit, refuse, erase):
            for _ in self.cut(file, done, put, refuse, size=0 if done is try_to_commit else ERASE_BYTES):
                assert self.found(file)[0] is None

    @pytest.mark.parametrize(
        ("done", "before", "after"),
        [
            (put, EMPTY, HOLDS),
            (commit, HOLDS, COMMITTED),
            (refuse, HOLDS, REFUSED),
            (erase, HOLDS, EMPTY),
            (erase, COMMITTED, EMPTY),
        ],
    )
    def test_a_state_cut_off_within_its_byte_is_the_old_the_new_or_nothing(
        self, file: Path, done: Callable[[Slot], None], before: int, after: int
    ) -> None:
        for mixture in range(256):
            with self.again(file) as hold:
                hold.erase()
                if before != EMPTY:
                    put(hold)
                if before == COMMITTED:
                    commit(hold)
                with cut_after(PUT_BYTES - 1 if done is put else 0, mixture):
                    done(hold)
                state = file.read_bytes()[STATE_AT]
            key, refused, committed = self.found(file)
            assert key == ((RECORDING, KEY) if state in (HOLDS, COMMITTED) else None)
            assert refused == (RECORDING if state == REFUSED else None)
            assert committed == (state == COMMITTED)
            assert state in (before, after) or file.read_bytes() == b"WHK1" + bytes(60)

    # Memory that fails

    def test_every_bit_that_is_altered_costs_the_key_or_nothing(self, hold: Slot, file: Path) -> None:
        put(hold)
        whole = file.read_bytes()
        for at in [STATE_AT, *range(12, SLOT_BYTES)]:
            for bit in range(8):
                altered = bytearray(whole)
                altered[at] ^= 1 << bit
                file.write_bytes(altered)
                assert self.found(file) == (None, None, False)
                assert file.read_bytes() == b"WHK1" + bytes(60), "a key that lacks one bit is soon found"

    @pytest.mark.parametrize(("done", "note"), [(erase, None), (refuse, RECORDING)])
    def test_memory_that_does_not_take_the_zeros_is_found_out(
        self, monkeypatch: pytest.MonkeyPatch, hold: Slot, done: Callable[[Slot], None], note: bytes | None
    ) -> None:
        put(hold)
        pwrite = os.pwrite
        monkeypatch.setattr(os, "pwrite", lambda handle, data, at: len(data) if at == 32 else pwrite(handle, data, at))
        with pytest.raises(HoldError, match="reads back otherwise"):
            done(hold)
        assert hold.take() is None, "and nobody takes the key any more"
        assert hold.refused() == note

    def test_a_key_goes_even_where_the_note_of_it_fails(self, monkeypatch: pytest.MonkeyPatch, hold: Slot) -> None:
        put(hold)
        pwrite = os.pwrite

        def failing(handle: int, data: bytes, at: int) -> int:
            if at == STATE_AT:
                raise OSError(121, "Remote I/O error")
            return pwrite(handle, data, at)

        monkeypatch.setattr(os, "pwrite", failing)
        with pytest.raises(HoldError, match="Remote I/O error"):
            hold.refuse()
        assert hold.take() is None

    @pytest.mark.parametrize("stuck", [{STATE_AT}, {12}, {16}, {32}, {12, 16, 32}])
    def test_memory_that_keeps_no_key_is_found_out_before_the_meeting(
        self, monkeypatch: pytest.MonkeyPatch, hold: Slot, stuck: set[int]
    ) -> None:
        hold.put(OTHER, bytearray(OTHER_KEY))
        pwrite = os.pwrite
        monkeypatch.setattr(
            os, "pwrite", lambda handle, data, at: len(data) if at in stuck else pwrite(handle, data, at)
        )
        with pytest.raises(HoldError, match="reads back otherwise"):
            put(hold)
        assert hold.take() in (None, (OTHER, OTHER_KEY))

    def test_a_decision_that_the_memory_does_not_take_is_none(
        self, monkeypatch: pytest.MonkeyPatch, hold: Slot
    ) -> None:
        put(hold)
        monkeypatch.setattr(os, "pwrite", lambda handle, data, at: len(data))
        with pytest.raises(HoldError, match="reads back otherwise"):
            hold.commit()

    def test_a_slot_that_is_cut_short_is_a_hold_error(self, hold: Slot, file: Path) -> None:
        put(hold)
        os.truncate(file, 20)
        with pytest.raises(HoldError, match="cut short"):
            hold.take()
