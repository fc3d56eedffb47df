"""The folder store: the contract, and the order of its system calls."""

import os
import stat
from pathlib import Path

import pytest

from recorder.archive.store import FolderStore
from recorder.errors import StoreError
from tests.archive.store_contract import A, B, StoreContract


class TestFolderStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return FolderStore.make(tmp_path / "objects")

    def test_objects_are_there_after_opening_it_again(self, store, tmp_path):
        store.put({f"{A}/preamble": b"one"})
        assert FolderStore(tmp_path / "objects").get(f"{A}/preamble") == b"one"

    def test_a_file_is_synced_before_it_has_a_name_and_its_folder_after(self, store, tmp_path, monkeypatch):
        store.put({f"{A}/preamble": b""})
        folder = tmp_path / "objects" / A
        calls: list[str] = []
        fsync, link = os.fsync, os.link

        def noting_fsync(descriptor: int) -> None:
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            calls.append("fsync folder" if is_folder else "fsync file")
            if is_folder:
                assert os.path.samestat(os.fstat(descriptor), folder.stat())
            fsync(descriptor)

        def noting_link(*args, **kwargs) -> None:
            calls.append("link")
            link(*args, **kwargs)

        monkeypatch.setattr(os, "fsync", noting_fsync)
        monkeypatch.setattr(os, "link", noting_link)
        store.put({f"{A}/block-00000000": b"a", f"{A}/block-00000001": b"b"})
        assert calls == ["fsync file", "fsync file", "link", "link", "fsync folder"]
        calls.clear()
        store.delete([f"{A}/block-00000000", f"{A}/block-00000001"])
        assert calls == ["fsync folder"]

    def test_so_is_every_file_of_many_in_their_order(self, store, monkeypatch):
        synced: set[int] = set()
        named: list[str] = []
        calls: list[str] = []
        fsync, link = os.fsync, os.link

        def noting_fsync(descriptor: int) -> None:
            state = os.fstat(descriptor)
            synced.add(state.st_ino)
            calls.append("folder" if stat.S_ISDIR(state.st_mode) else "file")
            fsync(descriptor)

        def noting_link(source, target, **kwargs) -> None:
            assert Path(source).stat().st_ino in synced
            named.append(target)
            calls.append("link")
            link(source, target, **kwargs)

        store.put({f"{A}/preamble": b""})
        monkeypatch.setattr(os, "fsync", noting_fsync)
        monkeypatch.setattr(os, "link", noting_link)
        monkeypatch.setattr("recorder.archive.store.FILES_OPEN_MAX", 2)
        names = [f"block-{index:08}" for index in range(5)]
        store.put({f"{A}/{name}": b"" for name in names})
        assert named == names
        assert calls == [*["file", "file", "link", "link"] * 2, "file", "link", "folder"]

    def test_a_failed_sync_leaves_nothing_under_the_name(self, store, monkeypatch):
        def fails(descriptor: int) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fails)
            with pytest.raises(StoreError):
                store.put({f"{A}/preamble": b"one"})
        assert list(store.list("")) == []

    def test_only_the_owner_may_look(self, store, tmp_path):
        store.put({f"{A}/preamble": b"one"})
        assert stat.S_IMODE((tmp_path / "objects" / A / "preamble").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "objects" / A).stat().st_mode) == 0o700

    def test_a_file_in_the_way_is_the_stores_error(self, tmp_path):
        (tmp_path / "objects").write_text("")
        with pytest.raises(StoreError):
            FolderStore.make(tmp_path / "objects")

    def test_a_folder_that_is_not_there_is_told_and_not_made(self, tmp_path):
        with pytest.raises(StoreError, match="no object store"):
            FolderStore(tmp_path / "nowhere" / "objects")
        with pytest.raises(StoreError, match=r"nowhere/objects: .*No such file"):
            FolderStore.make(tmp_path / "nowhere" / "objects")
        assert list(tmp_path.iterdir()) == []

    def test_emptied_folders_go_and_no_other(self, store, tmp_path):
        store.put({f"{A}/blocks/block-0": b"", f"{A}/blocks/block-1": b"", f"x/{A}/y/z": b"", f"{A}/preamble": b""})
        store.delete([f"{A}/blocks/block-0"])
        assert (tmp_path / "objects" / A / "blocks").is_dir()
        store.delete([f"{A}/blocks/block-1", f"x/{A}/y/z"])
        assert [path.name for path in (tmp_path / "objects").iterdir()] == [A]
        assert [path.name for path in (tmp_path / "objects" / A).iterdir()] == ["preamble"]
        store.delete([f"{A}/preamble"])
        assert list((tmp_path / "objects").iterdir()) == []
        assert store.put({f"{A}/preamble": b"again"}) == frozenset()

    @pytest.fixture
    def synced(self, store, monkeypatch):
        """The inodes that were fsynced."""
        inodes: list[int] = []
        fsync = os.fsync

        def noting_fsync(descriptor: int) -> None:
            inodes.append(os.fstat(descriptor).st_ino)
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", noting_fsync)
        return inodes

    def test_what_goes_with_its_folder_is_gone_durably(self, store, tmp_path, synced):
        store.put({f"{A}/blocks/block-0": b"", f"{A}/preamble": b""})
        synced.clear()
        store.delete([f"{A}/blocks/block-0"])
        assert synced == [(tmp_path / "objects" / A).stat().st_ino]

    def test_a_folder_that_a_killed_process_made_gets_a_durable_name_once(self, store, tmp_path, synced):
        (tmp_path / "objects" / A).mkdir()
        above = (tmp_path / "objects").stat().st_ino
        store.put({f"{A}/preamble": b""})
        assert above in synced
        synced.clear()
        store.put({f"{A}/manifest": b""})
        assert above not in synced

    @pytest.mark.parametrize("killed_after", ["blocks/block-0", "blocks"])
    def test_what_a_killed_process_deleted_is_gone_durably(self, store, tmp_path, synced, killed_after):
        store.put({f"{A}/blocks/block-0": b"", f"{A}/preamble": b"", f"{B}/preamble": b""})
        (tmp_path / "objects" / A / "blocks" / "block-0").unlink()
        if killed_after == "blocks":
            (tmp_path / "objects" / A / "blocks").rmdir()
        synced.clear()
        store.settle(f"{A}/")
        assert set(synced) == {(tmp_path / "objects").stat().st_ino, (tmp_path / "objects" / A).stat().st_ino}
        assert [path.name for path in (tmp_path / "objects" / A).iterdir()] == ["preamble"]

    def test_what_a_killed_process_put_becomes_durable_with_its_folders(self, store, tmp_path, synced):
        folder = tmp_path / "objects" / "conflicts" / A / "blocks"
        folder.mkdir(parents=True)
        (folder / "block-0").touch()
        store.settle(f"conflicts/{A}/")
        assert set(synced) == {each.stat().st_ino for each in (folder, *folder.parents[:3])}

    def test_of_what_is_wholly_gone_the_folder_above_is_synced(self, store, tmp_path, synced):
        store.put({f"{B}/preamble": b""})
        synced.clear()
        store.settle(f"{A}/")
        assert synced == [(tmp_path / "objects").stat().st_ino]

    def test_a_name_that_is_none_is_told_as_that(self, store):
        with pytest.raises(StoreError, match="is no name for an object"):
            store.get("../etc/passwd")
