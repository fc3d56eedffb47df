"""Real brokers against what the wire asks of one.

    python -m pytest tests/archive/test_broker.py --broker broker.example:8883 --keys folder

judges another one, which nobody uses yet, under an authority that is made for it: `folder` has what `recorder authority` made
for `archive`, `room-1` and `room-2`, each in a folder of that name.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.keyfiles import save_recipient_public
from recorder.trial.broker import Broker
from recorder.trial.machines import found_authority
from recorder.wire import topics
from tests.archive.broker_contract import QUIET_SECONDS, ROOMS, GateContract, Party, Place, RoadContract
from tests.rooms import RECIPIENT
from tests.rumqttd import Rumqttd

WIRE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")
COMPOSE = Path(__file__).parents[2] / "provisioning" / "compose"


class Composed(Broker):
    """A Mosquitto with the settings of provisioning/compose; only what is elsewhere in a container is not."""

    def _command(self) -> list[str]:
        command = super()._command()
        settings = (COMPOSE / "mosquitto.conf").read_text(encoding="utf-8")
        for there, here in (
            ("/mosquitto/config", str(COMPOSE)),
            ("/run/secrets/ca\n", f"{self._folder}/keys/ca.pem\n"),
            ("/run/secrets/broker_certificate", f"{self._folder}/keys/tls.pem"),
            ("/run/secrets/broker_key", f"{self._folder}/keys/tls.key"),
            ("listener 8883", f"user root\nlistener {self.port} 127.0.0.1"),
        ):
            assert settings.count(there) == 1
            settings = settings.replace(there, here)
        Path(command[-1]).write_text(settings, encoding="utf-8")
        return command


KINDS = {"mosquitto": Broker, "composed": Composed, "rumqttd": Rumqttd}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The one that is named on the command line, or each that we have."""
    if "place" in metafunc.fixturenames:
        given = metafunc.config.getoption("--broker")
        kinds = [given] if given else metafunc.cls.KINDS
        metafunc.parametrize("place", kinds, indirect=True, scope="module")


def forget_statuses(place: Place) -> None:
    """An empty payload is kept in the place of the status before it: that is, none is."""
    for name in ROOMS:
        with Party(place, name) as room:
            room.publish(topics.status(name), b"", retain=True)


def kept(place: Place) -> list[str]:
    """The topics of which the broker keeps a status."""
    with Party(place, topics.ARCHIVE_USER) as watch:
        watch.subscribe(topics.STATUSES, 0)
        found = []
        while message := watch.hear(QUIET_SECONDS):
            found.append(message.topic)
    return found


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if request.param not in KINDS:
        host, _, port = request.param.rpartition(":")
        place = Place(host, int(port), Path(request.config.getoption("--keys")))
        yield place
        forget_statuses(place)
        return
    folder = tmp_path_factory.mktemp(request.param)
    authority = found_authority(folder, folder / "archive")
    save_recipient_public(folder / "reader.pub", RECIPIENT.public)
    for name in ROOMS:
        authority.enrol_room(name, folder / name, [folder / "reader.pub"])
    with KINDS[request.param](folder / "broker") as broker:
        place = Place(broker.host, broker.port, folder)
        yield place
        forget_statuses(place)
        assert kept(place) == []


class TestRoad(RoadContract):
    KINDS = ("mosquitto", "composed", "rumqttd")


class TestGate(GateContract):
    # It shows besides that each of these can fail.
    NO_GATE = pytest.mark.xfail(reason="rumqttd asks nobody for a certificate, and has no ACL", strict=True)
    KINDS = ("mosquitto", "composed", pytest.param("rumqttd", marks=NO_GATE))


def test_the_wire_names_every_statement_and_its_test() -> None:
    told = re.findall(r"^\| .+ \| `(test_\w+)` \|$", WIRE, re.MULTILINE)
    assert told == [name for suite in (RoadContract, GateContract) for name in vars(suite) if name.startswith("test_")]
