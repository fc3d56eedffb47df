"""What stands between a client and a server carries all of it, and the slow link of the bench is as slow as it says."""

import socket
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from bench import link
from bench.forwarder import Forwarder, Way
from bench.link import SlowWay

MESSAGE = bytes(range(256)) * 256
DELAY_SECONDS = 0.3
SECONDS_MAX = 30.0


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port(server: socket.socket) -> int:
    found: int = server.getsockname()[1]
    return found


def connected(forwarder: Forwarder) -> socket.socket:
    return socket.create_connection(("127.0.0.1", forwarder.port))


def heard(end: socket.socket) -> bytes:
    """Until the other side ends."""
    with end, end.makefile("rb") as stream:
        return stream.read()


@pytest.mark.parametrize("way", [Way, partial(SlowWay, 1e9, DELAY_SECONDS)])
def test_all_of_it_arrives_whichever_way_it_goes(server: socket.socket, way: type[Way]) -> None:
    """Also what is on its way when its sender ends."""
    with Forwarder(port(server), way, way) as forwarder:
        for there in (True, False):
            client, (far, _) = connected(forwarder), server.accept()
            sender, hearer = (client, far) if there else (far, client)
            sender.sendall(MESSAGE)
            sender.close()
            assert heard(hearer) == MESSAGE


def test_a_server_that_is_not_there_ends_who_comes_and_nobody_else(server: socket.socket) -> None:
    with Forwarder(port(server), Way, Way) as forwarder:
        server.close()
        assert heard(connected(forwarder)) == b""
        with socket.create_server(("127.0.0.1", forwarder._to)) as again:
            client, (far, _) = connected(forwarder), again.accept()
            far.close()
            assert heard(client) == b""


def test_who_is_connected_is_cut_off_by_its_end(server: socket.socket) -> None:
    with Forwarder(port(server), Way, Way) as forwarder:
        client, (far, _) = connected(forwarder), server.accept()
    assert heard(client) == heard(far) == b""
    with pytest.raises(ConnectionRefusedError):
        connected(forwarder)


def test_who_comes_while_it_ends_is_cut_off_too(server: socket.socket) -> None:
    let_in = threading.Event()

    def make_slowly(source: socket.socket, target: socket.socket) -> Way:
        let_in.set()
        while forwarder._server.fileno() != -1:
            time.sleep(0.01)
        time.sleep(DELAY_SECONDS)  # an end that does not wait for this one is over by then
        return Way(source, target)

    with Forwarder(port(server), make_slowly, Way) as forwarder:
        client, (far, _) = connected(forwarder), server.accept()
        assert let_in.wait(SECONDS_MAX)
    for end in (client, far):
        end.settimeout(SECONDS_MAX)
        assert heard(end) == b""


def test_a_slow_way_takes_its_time_for_each_byte_and_its_delay_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[float] = []
    monkeypatch.setattr(link, "_sleep_until", moments.append)
    ends = socket.socketpair()
    with ends[0], ends[1]:
        way = SlowWay(1.0, 7.0, *ends)
        for length in (100, 200, 300):
            way.pass_on(bytes(length))
        way.ended()
    first, *others = sorted(moments)
    assert [round(each - first) for each in others] == [7, 200, 207, 500, 507]
