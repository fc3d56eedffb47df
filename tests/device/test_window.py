"""The window: reports go out, nothing comes in, and a screen that hangs holds nobody up."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.device.window import WATCHERS_MAX, Window
from recorder.errors import PanelError

SECONDS_MAX = 10.0


@pytest.fixture
def path(ram: Path) -> Path:
    return ram / "window"


@pytest.fixture
def window(path: Path) -> Iterator[Window]:
    made = Window(path)
    yield made
    made.close()


def look(window: Window, path: Path) -> socket.socket:
    watcher = socket.socket(socket.AF_UNIX)
    watcher.settimeout(SECONDS_MAX)
    watcher.connect(str(path))
    window.let_in()
    return watcher


def test_each_report_is_a_line_to_all_who_look(window: Window, path: Path) -> None:
    window.let_in()
    assert not window.watched
    with look(window, path) as one, look(window, path) as other:
        assert window.watched
        window.show(b"{}")
        window.show(b"[]")
        assert one.recv(64) == other.recv(64) == b"{}\n[]\n"


def test_nothing_goes_in(window: Window, path: Path) -> None:
    with look(window, path) as watcher, pytest.raises(BrokenPipeError):
        for _ in range(3):
            watcher.send(b"start\n")


def test_who_does_not_read_is_dropped_and_nobody_waits(window: Window, path: Path) -> None:
    with look(window, path), look(window, path) as other:
        for _ in range(2_000):
            window.show(bytes(1_000))
            other.recv(1_001, socket.MSG_WAITALL)
        assert len(window._watchers) == 1


def test_who_has_left_is_forgotten(window: Window, path: Path) -> None:
    look(window, path).close()
    window.show(b"{}")
    window.show(b"{}")
    assert not window.watched


def test_no_more_than_a_few_look(window: Window, path: Path) -> None:
    watchers = [look(window, path) for _ in range(WATCHERS_MAX)]
    with look(window, path) as late:
        assert late.recv(64) == b""
    for watcher in watchers:
        watcher.close()


def test_a_room_that_ended_without_a_word_leaves_no_obstacle(path: Path) -> None:
    first = Window(path)
    first._socket.close()
    assert path.exists()
    Window(path).close()
    assert not path.exists()


def test_only_owner_and_group_may_look(window: Window, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o660


def test_where_it_cannot_be_it_says_so(ram: Path) -> None:
    with pytest.raises(PanelError, match="window"):
        Window(ram / "nowhere" / "window")
