"""The archive in containers, which nothing here starts: what its files say is held against the programs that read them."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import compose
import pytest
import yaml

from recorder.archive.catalogue import Catalogue
from recorder.cli import parser
from recorder.config import Config, load
from recorder.errors import CatalogueError
from recorder.fleet.authority import Authority
from recorder.trial import broker
from recorder.trial.postgresql import PostgresqlServer

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "provisioning" / "compose"
CONTAINERFILE = FOLDER / "Containerfile"
IMAGE_OF_OURS = "wederhoor-archive"
MOSQUITTO_ELSEWHERE = {
    "user",
    "log_dest",
    "acl_file",
    "listener",
    "cafile",
    "certfile",
    "keyfile",
    "connection_messages",
}
"""Settings that are another matter in a container."""


def compose_config(file: Path) -> subprocess.CompletedProcess[str]:
    """Docker Compose's own reading of a file: it knows every key, and merges what is shared."""
    program = Path(compose.__file__).parent / "docker-compose"
    return subprocess.run(
        [program, "--file", file, "config", "--format", "json"], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    done = compose_config(FOLDER / "compose.yml")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def settings() -> Config:
    return load(FOLDER / "archive.toml")


def targets(service: dict[str, Any], kind: str) -> dict[str, str]:
    """Source to the path in the container, of what is mounted there."""
    return {each["source"]: each["target"] for each in service.get(kind, [])}


def test_a_misspelt_key_would_be_noticed(tmp_path: Path) -> None:
    text = (FOLDER / "compose.yml").read_text().replace("read_only:", "readonly:")
    (tmp_path / "compose.yml").write_text(text)
    done = compose_config(tmp_path / "compose.yml")
    assert done.returncode != 0 and "'readonly' not allowed" in done.stderr


def test_every_service_can_do_little_harm(composed: dict[str, Any]) -> None:
    assert {*composed["services"]} == {"broker", "database", "intake", "prometheus", "watch"}
    for name, service in composed["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"] and "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"].partition(":")[0]) > 0, name
        assert service["restart"] == "always", name
        assert not service.keys() & {"privileged", "pid", "ipc", "userns_mode", "devices"}, name
        assert service.get("network_mode", "none") == "none", name
        assert not [each for each in service.get("volumes", []) if each["type"] == "bind"], name


def test_only_the_broker_is_reached_from_elsewhere(composed: dict[str, Any]) -> None:
    open_to_all = {
        (name, port["published"])
        for name, service in composed["services"].items()
        for port in service.get("ports", [])
        if port.get("host_ip") != "127.0.0.1"
    }
    assert open_to_all == {("broker", "8883")}
    assert composed["networks"]["figures"]["internal"] is True


def test_images_of_others_have_a_version(composed: dict[str, Any]) -> None:
    images = {service["image"] for service in composed["services"].values()} - {IMAGE_OF_OURS}
    images |= set(re.findall(r"^FROM (\S+)", CONTAINERFILE.read_text(), re.MULTILINE))
    assert all(re.fullmatch(r"docker\.io/[a-z/-]+:v?\d[\w.-]*", image) for image in images), images


def test_every_file_that_it_names_is_here_but_the_keys(composed: dict[str, Any]) -> None:
    files = [Path(each["file"]) for each in composed["configs"].values()]
    builds = [service["build"] for service in composed["services"].values() if "build" in service]
    assert len(files) == 5 and len(builds) == 2
    files += [Path(build["context"]) / build["dockerfile"] for build in builds]
    assert all(file.is_file() and file.is_relative_to(ROOT) for file in files)
    assert {Path(each["file"]).parent for each in composed["secrets"].values()} == {FOLDER / "keys"}
    used = {source for service in composed["services"].values() for source in targets(service, "secrets")}
    assert used == {*composed["secrets"]}
    told = subprocess.run(
        ["git", "check-ignore", FOLDER / "keys" / "ca.pem"], cwd=ROOT, check=False, capture_output=True
    )
    assert told.returncode == 0, "keys could be committed"


@pytest.mark.parametrize("name", ["intake", "watch"])
def test_the_commands_are_ours_with_the_settings_that_are_there(composed: dict[str, Any], name: str) -> None:
    service = composed["services"][name]
    arguments = parser().parse_args(service["command"])
    assert str(arguments.config) == targets(service, "configs")["archive"]


def test_the_settings_name_what_is_there(composed: dict[str, Any], settings: Config, tmp_path: Path) -> None:
    services = composed["services"]
    assert services["broker"]["networks"]["road"]["aliases"] == [settings.archive.host]
    assert settings.archive.port == services["broker"]["ports"][0]["target"]
    mounted = targets(services["intake"], "secrets")
    assert mounted == targets(services["watch"], "secrets")
    assert settings.archive.objects_credentials == mounted["s3"]
    assert services["intake"]["environment"]["PGPASSFILE"] == mounted["pgpass"]
    Authority.create(tmp_path / "authority").enrol_archive(tmp_path / "archive")
    keys = {f"{settings.archive.folder}/keys/{file.name}" for file in (tmp_path / "archive" / "keys").iterdir()}
    assert keys == {path for path in mounted.values() if path.startswith(settings.archive.folder)}
    given = {key for section in tomllib.loads((FOLDER / "archive.toml").read_text()).values() for key in section}
    assert given >= {"catalogue", "objects", "objects_endpoint", "host", "intake_port"}


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that another user gets to, which pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="wederhoor-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_the_catalogue_is_reached_by_the_socket_with_the_password_alone(
    composed: dict[str, Any], settings: Config, reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a real server that is made as the container makes it."""
    service = composed["services"]["database"]
    environment = service["environment"]
    socket = targets(service, "volumes")["database-socket"]
    assert socket == targets(composed["services"]["intake"], "volumes")["database-socket"]
    user, name = environment["POSTGRES_USER"], environment["POSTGRES_DB"]
    assert settings.archive.catalogue == f"postgresql+psycopg://{user}@/{name}?host={socket}"
    password, pgpass = reachable / "password", reachable / "pgpass"
    password.write_text("open sesame\n")
    password.chmod(0o644)
    pgpass.write_text("*:*:*:*:open sesame\n")
    pgpass.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(pgpass))
    authentication = [*environment["POSTGRES_INITDB_ARGS"].split(), f"--pwfile={password}"]
    server = PostgresqlServer(reachable / "server", authentication)
    server.start()
    try:
        Catalogue(server.url()).close()
        assert server.execute("SHOW server_encoding") == [("UTF8",)]
        monkeypatch.delenv("PGPASSFILE")
        with pytest.raises(CatalogueError, match="no password supplied"):
            Catalogue(server.url())
    finally:
        server.kill()


def test_the_broker_is_set_as_the_one_that_is_tried() -> None:
    """What it does is tried too: tests/archive/test_broker.py starts one with these settings."""

    def told(text: str) -> set[tuple[str, str]]:
        lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
        return {(name, value) for name, value in lines if name not in MOSQUITTO_ELSEWHERE}

    tried = broker.CONFIGURATION.format(
        folder="",
        port=0,
        persistence=broker.KEEPS_NOTHING,
        queued=broker.QUEUED_MESSAGES_MAX,
        queued_bytes=broker.QUEUED_BYTES_MAX,
        inflight=broker.INFLIGHT_MESSAGES_MAX,
        size=broker.PAYLOAD_BYTES_MAX,
    )
    assert told((FOLDER / "mosquitto.conf").read_text()) == told(tried)
    assert (FOLDER / "acl").read_text() == broker.ACL


def test_prometheus_takes_its_settings_and_finds_the_figures(
    composed: dict[str, Any], settings: Config, tmp_path: Path
) -> None:
    rules = ROOT / "provisioning" / "monitoring" / "rules.yml"
    for file in (FOLDER / "prometheus.yml", rules):
        shutil.copy(file, tmp_path)
    done = subprocess.run(
        ["promtool", "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = {
        each["job_name"]: each for each in yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    }
    assert {*jobs} == set(re.findall(r'job="([\w-]+)"', rules.read_text()))
    (found,) = jobs["wederhoor-intake"]["dns_sd_configs"]
    assert (found["names"], found["port"]) == (["intake"], settings.metrics.intake_port)
    assert jobs["wederhoor-watch"]["static_configs"] == [{"targets": [f"watch:{settings.metrics.watch_port}"]}]
    for name in ("intake", "watch", "prometheus"):
        assert "figures" in composed["services"][name]["networks"]
    assert Path(targets(composed["services"]["prometheus"], "configs")["rules"]).name == "rules.yml"


def hadolint(text: str) -> str:
    """What it says of a Containerfile. It comes with the tests' environment, which need not be on the PATH."""
    program = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert program is not None
    done = subprocess.run([program, "--no-color", "-"], input=text, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_image_is_made_as_is_good_use() -> None:
    text = CONTAINERFILE.read_text()
    assert hadolint(text) == ""
    assert "DL3006" in hadolint(text.replace(":3.13-slim-bookworm", ""))


def test_what_goes_into_the_image_is_there_and_nothing_else_is_let_in() -> None:
    text = CONTAINERFILE.read_text()
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE))
    assert copied and all((ROOT / each).exists() for each in copied)
    lines = [line for line in (FOLDER / "Containerfile.dockerignore").read_text().splitlines() if line[:1] != "#"]
    assert lines[0] == "*" and {line[1:] for line in lines if line.startswith("!")} == copied
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (entry,) = re.findall(r'^ENTRYPOINT \["(.+)"\]$', text, re.MULTILINE)
    assert Path(entry).name in project["scripts"]
    versions = re.findall(r"^FROM docker\.io/library/python:3\.(\d+)-", text, re.MULTILINE)
    assert len(versions) == 2 and len(set(versions)) == 1
    assert int(versions[0]) >= int(project["requires-python"].removeprefix(">=3."))
