"""A wrong configuration is refused with its file, its line and what is allowed; the default file is the schema."""

import contextlib
import tomllib
from pathlib import Path

import msgspec
import pytest

from recorder.config import DEFAULT_FILE, Config, load
from recorder.errors import ConfigError


def test_the_default_file_has_every_key_and_no_other() -> None:
    given = tomllib.loads(DEFAULT_FILE.read_text(encoding="utf-8"))
    sections = {field.name: field.type for field in msgspec.structs.fields(Config)}
    assert list(given) == list(sections)
    for name, section in sections.items():
        assert list(given[name]) == [field.name for field in msgspec.structs.fields(section)], name
        assert all(field.required for field in msgspec.structs.fields(section)), "a default stands in the file alone"
    assert load() == msgspec.convert(given, Config)


def test_a_copy_of_the_default_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "room.toml"
    file.write_text(DEFAULT_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    assert load(file) == load()


def test_what_is_given_overlays_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "room.toml"
    file.write_text('[room]\nname = "room-7"\n[microphone]\npick = "mix"\n')
    settings = load(file)
    assert (settings.room.name, settings.microphone.pick) == ("room-7", "mix")
    assert settings.room.folder == load().room.folder


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[room]\nname = 'a'\n\n[rooom]\nname = 'b'\n", 4, ("rooom", "no such key", "microphone, opus, panel")),
        ("[uplink]\nhost = 'h'\nprot = 8883\n", 3, ("uplink.prot", "no such key", "host, port")),
        ("[uplink]\nhost = ''\n", 2, ('uplink.host: is "";', "the broker's name or address")),
        ("[archive]\nhost = ''\n", 2, ('archive.host: is "";', "the broker's name or address")),
        ("[archive]\nobjects = 'bucket'\n", 2, ('archive.objects: is "bucket";', "s3://BUCKET/PREFIX")),
        ("[archive]\nobjects = 's3://bucket/../x'\n", 2, ("archive.objects: is", "s3://BUCKET/PREFIX")),
        ("[archive]\nobjects = 's3://bucket/'\n", 2, ("archive.objects: is", "s3://BUCKET/PREFIX")),
        (
            "[archive]\nobjects_endpoint = 'https://h/bucket'\n",
            2,
            ("archive.objects_endpoint: is", "nothing behind it"),
        ),
        ("[archive]\nobjects_region = ''\n", 2, ("archive.objects_region: is", "a region's name")),
        (
            "[archive]\nobjects = 's3://bucket'\nobjects_endpoint = 'https://h'\n",
            2,
            ('archive.objects is "s3://bucket", but archive.objects_credentials is empty',),
        ),
        (
            "[archive]\nobjects = 's3://bucket'\nobjects_credentials = '/keys'\n",
            2,
            ('archive.objects is "s3://bucket", but archive.objects_endpoint is empty',),
        ),
        (
            "[archive]\nobjects = 's3://bucket'\nobjects_credentials = '/keys'\nobjects_endpoint = 'http://10.0.0.1:7480'\n",
            4,
            ("archive.objects_endpoint is", "without TLS", "archive.objects_plain_http"),
        ),
        (
            "[web]\noidc_issuer = 'https://login.example.nl/tenant'\n",
            2,
            ('web.oidc_issuer is "https://login.example.nl/tenant", but web.oidc_name is empty',),
        ),
        ("[web]\noidc_issuer = 'http://login.example.nl'\n", 2, ("web.oidc_issuer is", "without TLS")),
        ("[web]\noidc_issuer = 'login.example.nl'\n", 2, ("web.oidc_issuer: is", "https://HOST/PATH")),
        ("[uplink]\nport = 0\n", 2, ("uplink.port: is 0;", "whole number, at least 1 and at most 65535")),
        ("[uplink]\nport = 70000\n", 2, ("uplink.port: is 70000;", "at most 65535")),
        ("\n\n[uplink]\nport = '8883'\n", 4, ('uplink.port: is "8883";', "a whole number")),
        ("[uplink]\nretry_first_seconds = 0\n", 2, ("a number, more than 0 and at most 60",)),
        ("[seal]\nsuite = 'rot13'\n", 2, ('seal.suite: is "rot13";', '"aes256gcm" or "chacha20poly1305"')),
        ("[opus]\nvbr = 1\n", 2, ("opus.vbr: is 1;", "true or false")),
        ("[room]\nname = 'Room 1'\n", 2, ('room.name: is "Room 1";', "a-z, 0-9")),
        ("[room]\nfolder = 1979-05-27\n", 2, ('room.folder: is "1979-05-27";', "text, in quotes")),
        ("room = 3\n", 1, ("room: is 3;", "a section, [room]")),
        ("[microphone]\npick = 'all'\n", 2, ('microphone.pick: is "all";', 'at most 8 or "beam" or "mix"')),
        ("[microphone]\nidentity = 'hw:0'\n", 2, ("microphone.identity", "usb:VENDOR:PRODUCT")),
        ("[microphone]\nrates = [44100]\n", 2, ("microphone.rates: is [44100];", "each 16000 or 48000")),
        ("[microphone]\nrates = []\n", 2, ("microphone.rates: is [];", "a list of 1 to 2")),
        ("uplink.port = 0\n", 1, ("uplink.port: is 0;", "at least 1")),
        ("[opus]\nvbr = true\n[microphone]\npick = 7\n", 4, ("microphone.pick is 7", "microphone.channels is 6")),
        ("[microphone]\nleave_out = [7]\n", 2, ("microphone.leave_out names 7", "microphone.channels is 6")),
        ("[microphone]\npick = 1\nleave_out = [1]\n", 3, ("microphone.leave_out leaves nothing",)),
        ("[microphone]\nleave_out = 1\n", 2, ("microphone.leave_out: is 1;", "a list of 0 to 7")),
        ("[microphone]\nrumble_hz = 5\n", 2, ("microphone.rumble_hz is 5", "0, for none, or 20 to 300")),
        ("[microphone]\nrumble_hz = 400\n", 2, ("microphone.rumble_hz: is 400;", "at most 300")),
        ("[microphone]\ninterlock = true\n", 2, ("microphone.rates is [48000, 16000]", "interlock is true")),
        ("[seal]\n\nblock_seconds = 0.33\n", 3, ("seal.block_seconds is 0.33", "0.02")),
        ("[panel]\nstart_button = 5\n", 2, ("panel.start_button and panel.refuse_button are both 5",)),
        ("[panel]\n\nend_button = 17\n", 3, ("panel.end_button and panel.recording_light are both 17",)),
        ("[panel]\nstart_button = 28\n", 2, ("panel.start_button: is 28;", "at most 27")),
        ("[consent]\ncontroller = 'Súdwest-Fryslân'\n", 2, ("consent.controller", "ASCII, without quotes")),
        ("[consent]\nlanguage = 'fy'\n", 2, ('consent.language: is "fy";', '"en" or "nl"')),
        ("[consent]\nevidence_basis = 'habit'\n", 2, ("consent.evidence_basis", '"public_task"')),
        ("[room\n", 1, ("not TOML",)),
        ("[room]\nname = 'a'\nname = 'b'\n", 3, ("not TOML",)),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, told: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "room.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert f"line {line}" in message, message
    for each in told:
        assert each in message, message


def test_consent_is_not_a_basis_where_nobody_is_asked(tmp_path: Path) -> None:
    """R8, R1: who says nothing has not consented."""
    file = tmp_path / "room.toml"
    file.write_text('[consent]\nevidence_basis = "consent"\n')
    with pytest.raises(ConfigError, match=r"silence is none: set meeting\.ask_everyone to true"):
        load(file)
    file.write_text('[meeting]\nask_everyone = true\n[consent]\nevidence_basis = "consent"\n')
    assert load(file).consent.evidence_basis == "consent"


def test_an_announcement_needs_somebody_who_plays_it(tmp_path: Path) -> None:
    file = tmp_path / "room.toml"
    file.write_text('[speaker]\nannouncement = "notice.wav"\n')
    with pytest.raises(ConfigError, match=r"line 2: .*speaker\.identity names nothing that plays it"):
        load(file)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: there is no such file"):
        load(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b'[room]\nname = "caf\xe9"\n')
    with pytest.raises(ConfigError, match=r"latin\.toml: cannot be read"):
        load(tmp_path / "latin.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "used"),
    [
        ({"channels": 1, "leave_out": []}, [0]),
        ({}, [1, 2, 3, 4]),
        ({"channels": 6, "pick": 5}, [4]),
        ({"channels": 6, "pick": "mix", "leave_out": []}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_the_channels_of_the_recording(changes: dict[str, object], used: list[int]) -> None:
    assert msgspec.structs.replace(load().microphone, **changes).used == used


@pytest.mark.parametrize(
    ("endpoint", "plain", "taken"),
    [
        ("https://store.example", False, True),
        ("http://localhost:7480", False, True),
        ("http://127.0.0.2", False, True),
        ("http://[::1]:80", False, True),
        ("http://store.example", False, False),
        ("http://localhost.example", False, False),
        ("http://128.0.0.1", False, False),
        ("http://store.example", True, True),
    ],
)
def test_objects_go_without_tls_to_this_machine_or_where_it_is_allowed(
    tmp_path: Path, endpoint: str, plain: bool, taken: bool
) -> None:
    file = tmp_path / "archive.toml"
    file.write_text(
        f'[archive]\nobjects = "s3://bucket/prefix"\nobjects_credentials = "/keys"\nobjects_endpoint = "{endpoint}"\n'
        f"objects_plain_http = {str(plain).lower()}\n"
    )
    with contextlib.nullcontext() if taken else pytest.raises(ConfigError, match="without TLS"):
        load(file)
