"""The catalogue on a server: what it refuses to rely on, and what is signed for when the server dies."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url

from recorder.archive import postgresql
from recorder.archive.catalogue import Addition, Catalogue, Item
from recorder.archive.database import Keys
from recorder.archive.naming import Enrolment, Origin
from recorder.errors import CatalogueError
from recorder.fleet.authority import Authority
from recorder.sealed.verify import State, verify
from recorder.trial.postgresql import PostgresqlServer, temporary
from recorder.wire.upload import Name
from tests.archive.dump import dump
from tests.archive.site import SECONDS_MAX, Device, Site
from tests.rooms import WALL_MS, Room


@pytest.fixture
def mortal():
    """A server for the tests that kill it."""
    with temporary() as server:
        yield server


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_a_commit_is_refused_by_name(setting):
    with temporary({setting: "off"}) as server:
        with pytest.raises(CatalogueError, match=f"has {setting} off, and could lose what the archive signed for"):
            Catalogue(server.url())
        assert server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_so_is_one_whose_database_or_role_has_it_off(postgresql_server):
    postgresql_server.execute("CREATE DATABASE hasty")
    postgresql_server.execute("ALTER DATABASE hasty SET synchronous_commit = off")
    with pytest.raises(CatalogueError, match="synchronous_commit off"):
        Catalogue(postgresql_server.url("hasty"))
    postgresql_server.execute("DROP DATABASE hasty")


def test_so_is_an_old_one(postgresql_server, monkeypatch):
    version = postgresql_server.execute("SHOW server_version")[0][0].partition(".")[0]
    monkeypatch.setattr(postgresql, "VERSION_MIN", int(version) + 1)
    with pytest.raises(
        CatalogueError, match=f"is of version {version}; the catalogue needs {int(version) + 1} or later"
    ):
        Catalogue(postgresql_server.url())


def test_a_connection_has_its_own_settings_to_its_end(postgresql_server):
    """Whatever the server's are."""
    postgresql_server.execute("CREATE DATABASE strange")
    wanted = {
        "lock_timeout": "30s",
        "transaction_isolation": "read committed",
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "jit": "off",
    }
    for name, value in (("lock_timeout", "'1s'"), ("default_transaction_isolation", "'serializable'")):
        postgresql_server.execute(f"ALTER DATABASE strange SET {name} = {value}")
    catalogue = Catalogue(postgresql_server.url("strange"))
    for _ in range(2):
        with catalogue.write() as writing:
            found = {name: writing._connection.exec_driver_sql(f"SHOW {name}").scalar() for name in wanted}
        assert found == wanted
    catalogue.close()
    postgresql_server.execute("DROP DATABASE strange")


def test_a_lock_that_is_not_to_be_had_is_told(database, monkeypatch):
    for module in ("sqlite", "postgresql"):
        monkeypatch.setattr(f"recorder.archive.{module}.BUSY_SECONDS_MAX", 0.2)
    first, second = Catalogue(database.url), Catalogue(database.url)
    with (
        first.write(Keys(["a" * 32])),
        pytest.raises(CatalogueError, match=r"cannot be written: .*lock"),
        second.write(Keys(["a" * 32])),
    ):
        raise AssertionError("two at once")
    first.close()
    second.close()


@pytest.mark.parametrize("place", ["postgres:{}@/x", "postgres@/x?password={}"])
def test_a_password_in_the_settings_is_refused_and_not_told(place):
    with pytest.raises(CatalogueError, match="PGPASSFILE") as raised:
        Catalogue(f"postgresql+psycopg://{place.format('sesame')}")
    assert "sesame" not in str(raised.value)


HOST = f"127.54.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
"""A loopback address of this run's alone: the port is that of every PostgreSQL."""


@pytest.mark.parametrize(
    "place",
    [
        "127.0.0.1/postgres",
        "[::1]:5432/postgres",
        "localhost/postgres?sslmode=require",
        "db.example/postgres?sslrootcert=/ca.pem&sslmode=verify-ca",
        "db.example/postgres?sslmode=verify-full",
        "db.example/postgres?sslmode=disable&sslmode=verify-full&sslrootcert=/ca.pem",
        "/postgres?host=db.example",
        "/postgres?host=/run/postgresql,db.example",
        "/postgres?host=/run/postgresql&host=db.example",
        "/postgres?host=/run/postgresql&hostaddr=192.0.2.7",
    ],
)
def test_a_host_without_a_way_to_know_it_is_refused_with_what_to_write(place):
    with pytest.raises(CatalogueError, match=r"sslmode=verify-full&sslrootcert=FILE.*host=/run/postgresql"):
        Catalogue(f"postgresql+psycopg://postgres@{place}")


@pytest.fixture
def by_tls(mortal):
    """A function that starts the server anew with a certificate for this host, of an authority that it returns."""

    def start(host: str) -> Path:
        folder = Path(make_url(mortal.url()).query["host"])
        authority = folder / "authority"
        Authority.create(authority).enrol_broker(folder / "keys", [host])
        owner = folder.stat()
        for each in (folder / "keys", *(folder / "keys").iterdir()):
            os.chown(each, owner.st_uid, owner.st_gid)
        mortal.stop()
        files = {"ssl_cert_file": f"{folder}/keys/tls.pem", "ssl_key_file": f"{folder}/keys/tls.key"}
        mortal.start({"listen_addresses": HOST, "ssl": "on", **files})
        return authority / "ca.pem"

    return start


def known_by(authority: Path) -> str:
    return f"postgresql+psycopg://postgres@{HOST}/postgres?sslmode=verify-full&sslrootcert={authority}"


def test_a_server_is_reached_by_tls_under_its_authority(by_tls):
    catalogue = Catalogue(known_by(by_tls(HOST)))
    with catalogue.read() as connection:
        (row,) = connection.exec_driver_sql("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").all()
    catalogue.close()
    assert row[0].startswith("TLS")


def test_one_of_another_authority_is_refused(by_tls, tmp_path):
    by_tls(HOST)
    Authority.create(tmp_path / "another")
    with pytest.raises(CatalogueError, match="certificate verify failed"):
        Catalogue(known_by(tmp_path / "another" / "ca.pem"))


def test_and_one_with_the_certificate_of_another_host(by_tls):
    with pytest.raises(CatalogueError, match="does not match host name"):
        Catalogue(known_by(by_tls("db.example")))


def test_and_one_without_tls_whoever_names_it(mortal, tmp_path, monkeypatch):
    mortal.stop()
    mortal.start({"listen_addresses": HOST})
    Authority.create(tmp_path / "authority")
    with pytest.raises(CatalogueError, match="does not support SSL"):
        Catalogue(known_by(tmp_path / "authority" / "ca.pem"))
    monkeypatch.setenv("PGHOST", HOST)
    monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "authority" / "ca.pem"))
    with pytest.raises(CatalogueError, match="does not support SSL"):
        Catalogue("postgresql+psycopg://postgres@/postgres")


def test_a_server_that_is_not_there_is_told_in_one_line(tmp_path):
    with pytest.raises(CatalogueError, match=r"cannot be opened: .*\Z"):
        Catalogue(f"postgresql+psycopg://nobody@/x?host={tmp_path}")


def test_what_a_killed_server_had_not_committed_is_not_there_and_what_it_had_is(mortal):
    catalogue = Catalogue(mortal.url())
    with catalogue.write() as writing:
        writing.enrol(Enrolment("room-1", "ab" * 32, WALL_MS))
    before = dump(catalogue)
    recording = Room().record(1)
    origin = Origin("room-1", recording.preamble.content.hex(), WALL_MS, 126)
    addition = Addition(origin, [Item(Name(recording.id, recording.blocks[0].type, 0), bytes([1] * 32), None)], WALL_MS)
    with (
        pytest.raises(CatalogueError, match="cannot be written"),
        catalogue.write(Keys([recording.id], ["room-1"])) as writing,
    ):
        writing.add({recording.id: addition})
        mortal.kill()
    with pytest.raises(CatalogueError, match="cannot be read"):
        catalogue.public_keys({"room-1"})
    mortal.start()
    assert dump(catalogue) == before
    catalogue.close()


def test_a_server_that_is_started_again_with_less_care_is_refused(mortal):
    catalogue = Catalogue(mortal.url())
    mortal.stop()
    mortal.start({"fsync": "off"})
    with pytest.raises(CatalogueError, match="cannot be written"), catalogue.write():
        pass
    with pytest.raises(CatalogueError, match="has fsync off"), catalogue.write():
        pass
    catalogue.close()


@pytest.fixture
def site(tmp_path, mortal):
    site = Site(tmp_path, catalogue=mortal.url())
    site.broker.start()
    site.start_archive()
    yield site
    site.close()


def test_the_server_is_killed_under_the_intake(site, mortal):
    """It ends with a word, as for a disk that fails; started again, as its service manager does, it goes on."""
    device = Device(site, "room-1")
    recording = device.room.record(1_500)
    thread = threading.Thread(target=device.deliver, args=recording.kept)
    thread.start()
    for number in (50, 400):
        wait_for_items(site, recording, number)
        mortal.kill()
        assert site.archive.wait(SECONDS_MAX) == 2
        site.archive.stdout.close()
        receipted = set(device.stored)
        mortal.start()
        there = in_the_catalogue(mortal, recording.id)
        for upload in recording.kept:
            if upload.name in receipted:
                assert there[upload.name] == upload.content
        site.start_archive()
    thread.join()
    device.close()
    assert device.stored == {upload.name for upload in recording.kept}
    assert device.rejected == []
    assert site.log.count("the catalogue cannot be") == 2
    assert "Traceback" not in site.log
    assert in_the_catalogue(mortal, recording.id) == {upload.name: upload.content for upload in recording.kept}
    file = site.folder / "out.sealed"
    site.command("export", recording.id, "-o", str(file))
    with file.open("rb") as stream:
        assert verify(stream, [device.room.public_key]).state is State.WHOLE
    assert site.end_archive(signal.SIGTERM) == 0


def test_two_intakes_share_a_server(site, mortal):
    site.start_helper()
    devices = [Device(site, name) for name in site.rooms]
    recordings = [device.room.record(200) for device in devices]
    for device, recording in zip(devices, recordings, strict=True):
        device.deliver(recording.preamble)
    threads = [
        threading.Thread(target=device.deliver, args=(*recording.blocks, recording.manifest))
        for device, recording in zip(devices, recordings, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for device, recording in zip(devices, recordings, strict=True):
        device.deliver(recording.keybox)
        device.close()
        assert device.stored == {upload.name for upload in recording.kept}
        assert device.rejected == []
    catalogue = Catalogue(mortal.url())
    assert catalogue.counts() == (2, 2, 0, 0, 0, 0)
    catalogue.close()


def wait_for_items(site: Site, recording, number: int) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while len(site.names(recording)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def in_the_catalogue(server: PostgresqlServer, recording: str) -> dict[Name, bytes]:
    catalogue = Catalogue(server.url())
    with catalogue.write(Keys()) as writing:
        found = writing.contents([recording])[recording]
    catalogue.close()
    return found
