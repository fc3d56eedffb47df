"""What every object store must do; a store's own test module inherits this and says how to make one."""

import resource
import threading
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from recorder.archive.store import Store
from recorder.errors import StoreError

A = "0" * 32
B = "b" * 32


class StoreContract(ABC):
    @abstractmethod
    @pytest.fixture
    def store(self) -> Store: ...

    def names(self, store: Store, prefix: str = "") -> list[str]:
        return list(store.list(prefix))

    def test_what_was_put_is_there_whole(self, store):
        assert store.put({f"{A}/preamble": b"one", f"{A}/block-00000000": b""}) == frozenset()
        assert store.get(f"{A}/preamble") == b"one"
        assert store.get(f"{A}/block-00000000") == b""

    def test_a_listing_is_in_order(self, store):
        store.put({f"{B}/x": b"123", f"{A}/z": b"1", f"{A}/y": b""})
        assert self.names(store) == [f"{A}/y", f"{A}/z", f"{B}/x"]

    def test_a_prefix_may_end_within_a_part(self, store):
        store.put({f"{A}/block-00000000": b"", f"{A}/block-00000001": b"", f"{A}/keybox": b"", "ab/c": b""})
        assert self.names(store, f"{A}/block-") == [f"{A}/block-00000000", f"{A}/block-00000001"]
        assert self.names(store, "a") == ["ab/c"]
        assert self.names(store, "nothing/") == []

    def test_the_same_bytes_again_succeed_and_change_nothing(self, store):
        store.put({f"{A}/preamble": b"one"})
        assert store.put({f"{A}/preamble": b"one"}) == frozenset()
        assert store.get(f"{A}/preamble") == b"one"

    def test_other_bytes_are_named_and_not_written(self, store):
        store.put({f"{A}/preamble": b"one"})
        assert store.put({f"{A}/preamble": b"two", f"{A}/manifest": b"m"}) == {f"{A}/preamble"}
        assert store.get(f"{A}/preamble") == b"one"
        assert store.get(f"{A}/manifest") == b"m"

    def test_more_objects_than_a_process_may_open_files(self, store):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        objects = {f"{index % 10:032}/block-{index:08}": b"%d" % index for index in range(600)}
        open_now = len(list(Path("/proc/self/fd").iterdir()))
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 300, limits[1]))
        try:
            assert store.put(objects) == frozenset()
            first, *_, last = objects
            assert store.put({**objects, first: b"x", last: b"y"}) == {first, last}
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert {name: store.get(name) for name in self.names(store)} == objects

    def test_of_sixteen_writers_one_wins(self, store):
        for turn in range(20):
            name = f"{A}/block-{turn:08}"
            won: list[bytes] = []
            gate = threading.Barrier(16)

            def write(data: bytes, name=name, won=won, gate=gate) -> None:
                gate.wait()
                if not store.put({name: data}):
                    won.append(data)

            threads = [threading.Thread(target=write, args=(bytes([number]) * 9_000,)) for number in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert won == [store.get(name)]

    def test_what_was_deleted_is_gone_and_the_rest_is_not(self, store):
        store.put({f"{A}/preamble": b"p", f"{A}/block-00000000": b"b"})
        store.delete([f"{A}/block-00000000", f"{A}/block-00000001", f"{B}/never"])
        assert self.names(store) == [f"{A}/preamble"]
        assert store.put({f"{A}/block-00000000": b"other"}) == frozenset()

    def test_settling_deletes_nothing_that_is_there(self, store):
        store.put({f"{A}/preamble": b"p", f"{A}/block-00000000": b"b"})
        for prefix in (f"{A}/", f"{B}/"):
            store.settle(prefix)
        assert self.names(store) == [f"{A}/block-00000000", f"{A}/preamble"]

    def test_a_missing_object_is_the_stores_error(self, store):
        with pytest.raises(StoreError):
            store.get(f"{A}/preamble")

    @pytest.mark.parametrize(
        "name", ["", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", "A", "a\0b", "a\n", "a" * 256]
    )
    def test_no_other_names_are_taken(self, store, name):
        with pytest.raises(StoreError):
            store.put({f"{A}/good": b"", name: b"x"})
        with pytest.raises(StoreError):
            store.get(name)
        with pytest.raises(StoreError):
            store.delete([name])
        with pytest.raises(StoreError):
            store.settle(f"{name}/")
        assert self.names(store) == []

    @pytest.mark.parametrize("prefix", ["/", "/etc/apt/", "..", "../", f"{A}/../", "//", "A", "a\n", "a" * 256])
    def test_a_listing_does_not_leave_the_store(self, store, prefix):
        store.put({f"{A}/preamble": b"one"})
        with pytest.raises(StoreError):
            store.list(prefix)
