"""The folder store: the contract, and the order of its system calls."""

import errno
import os
import stat

import pytest

from recorder.archive import folder
from recorder.archive.folder import FolderStore
from recorder.errors import StoreError
from tests.archive.store_contract import A, B, StoreContract


class TestFolderStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return FolderStore.make(tmp_path / "objects")

    def test_objects_are_there_after_opening_it_again(self, store, tmp_path):
        store.put({f"{A}/preamble": b"one"})
        assert FolderStore(tmp_path / "objects").get(f"{A}/preamble") == b"one"

    @pytest.fixture
    def calls(self, monkeypatch):
        """What becomes of files, in order."""
        calls: list[str] = []
        for module, name in ((os, "write"), (os, "link"), (os, "unlink"), (os, "rmdir"), (folder, "sync_file_system")):
            real = getattr(module, name)

            def noting(*args, _real=real, _name=name, **kwargs):
                result = _real(*args, **kwargs)
                calls.append(_name)
                return result

            monkeypatch.setattr(module, name, noting)
        return calls

    def test_files_are_synced_before_they_have_names_and_the_names_after(self, store, calls):
        store.put({f"{A}/block-00000000": b"a", f"{A}/block-00000001": b"b"})
        assert calls == ["write", "write", "sync_file_system", "link", "link", "sync_file_system"]
        calls.clear()
        store.delete([f"{A}/block-00000000", f"{A}/block-00000001"])
        assert calls == ["unlink", "unlink", "rmdir", "sync_file_system"]

    def test_so_are_many_in_portions_and_in_their_order(self, store, calls, monkeypatch):
        named: list[str] = []
        link = os.link

        def noting_link(source, target, **kwargs) -> None:
            named.append(target)
            link(source, target, **kwargs)

        monkeypatch.setattr(os, "link", noting_link)
        monkeypatch.setattr(folder, "FILES_OPEN_MAX", 2)
        names = [f"block-{index:08}" for index in range(5)]
        store.put({f"{A}/{name}": b"x" for name in names})
        assert list(dict.fromkeys(named)) == names
        portion = ["write", "write", "sync_file_system", "link", "link"]
        assert calls == [*portion, *portion, "write", "sync_file_system", "link", "sync_file_system"]

    @pytest.mark.parametrize("nth", [1, 2])
    def test_a_failed_sync_is_told(self, store, monkeypatch, nth):
        real, count = folder.sync_file_system, 0

        def fails(descriptor: int) -> None:
            nonlocal count
            count += 1
            if count == nth:
                raise OSError(5, "Input/output error")
            real(descriptor)

        with monkeypatch.context() as patch:
            patch.setattr(folder, "sync_file_system", fails)
            with pytest.raises(StoreError, match="Input/output error"):
                store.put({f"{A}/preamble": b"one"})
        assert list(store.list("")) == ([] if nth == 1 else [f"{A}/preamble"])
        assert store.put({f"{A}/preamble": b"one"}) == frozenset()

    def test_a_sync_that_fails_is_an_error(self):
        with pytest.raises(OSError, match="Bad file descriptor"):
            folder.sync_file_system(-1)

    def test_a_folder_that_goes_just_now_is_made_again(self, store, monkeypatch):
        link, gone = os.link, [False]

        def others_delete_first(*args, **kwargs):
            if not gone[0]:
                gone[0] = True
                store.delete([f"conflicts/{A}/x"])
            return link(*args, **kwargs)

        store.put({f"conflicts/{A}/x": b""})
        monkeypatch.setattr(os, "link", others_delete_first)
        store.put({f"conflicts/{B}/y": b"y"})
        assert list(store.list("")) == [f"conflicts/{B}/y"]

    def test_only_the_owner_may_look(self, store, tmp_path):
        store.put({f"{A}/preamble": b"one"})
        assert stat.S_IMODE((tmp_path / "objects" / A / "preamble").stat().st_mode) == 0o600
        store.put({f"{B}/blocks/x": b""})
        for each in (A, B, f"{B}/blocks"):
            assert stat.S_IMODE((tmp_path / "objects" / each).stat().st_mode) == 0o700

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

    def test_one_that_may_not_be_opened_is_told_with_the_reason(self, store, tmp_path, monkeypatch):
        def open_(*_):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(os, "open", open_)
        with pytest.raises(StoreError, match=r"objects: the object store cannot be opened: Permission denied$"):
            FolderStore(tmp_path / "objects")

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

    @pytest.mark.parametrize("killed_after", ["blocks/block-0", "blocks"])
    def test_what_a_killed_process_deleted_goes_durably_with_its_folders(self, store, tmp_path, calls, killed_after):
        store.put({f"{A}/blocks/block-0": b"", f"{A}/preamble": b"", f"{B}/preamble": b""})
        (tmp_path / "objects" / A / "blocks" / "block-0").unlink()
        if killed_after == "blocks":
            (tmp_path / "objects" / A / "blocks").rmdir()
        calls.clear()
        store.settle(f"{A}/")
        assert calls[-1] == "sync_file_system"
        assert [path.name for path in (tmp_path / "objects" / A).iterdir()] == ["preamble"]

    def test_everything_is_settled_at_once(self, store, tmp_path, calls):
        store.put({f"{A}/preamble": b"", f"{B}/preamble": b""})
        (tmp_path / "objects" / "conflicts" / A / "blocks").mkdir(parents=True)
        (tmp_path / "objects" / B / "preamble").unlink()
        calls.clear()
        store.settle("")
        assert calls.count("sync_file_system") == 1
        assert [path.name for path in (tmp_path / "objects").iterdir()] == [A]

    def test_a_name_that_is_none_is_told_as_that(self, store):
        with pytest.raises(StoreError, match="is no name for an object"):
            store.get("../etc/passwd")
