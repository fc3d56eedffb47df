"""The authority: what it writes, for whom it is readable, and that it never writes over anything."""

import shlex
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from recorder.cli import main
from recorder.errors import AuthorityError, KeyFileError
from recorder.fleet.authority import CERTIFICATE_DAYS, Authority
from recorder.keyfiles import load_device, load_device_public, load_recipient_public, save_recipient_public
from recorder.sealed.keys import RecipientPrivateKey

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def reader(tmp_path) -> Path:
    file = tmp_path / "reader.pub"
    save_recipient_public(file, RecipientPrivateKey.generate("x25519").public)
    return file


@pytest.fixture
def authority(tmp_path) -> Authority:
    authority = Authority.create(tmp_path / "authority", NOW)
    authority.enrol_archive(tmp_path / "archive", NOW)
    return authority


def certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_room_has_what_it_needs_and_nothing_that_opens(authority, reader, tmp_path):
    public = authority.enrol_room("room-1", tmp_path / "room", [reader], NOW)
    keys = tmp_path / "room" / "keys"
    assert set(tree(keys)) == {"ca.pem", "tls.pem", "tls.key", "signing.key", "archive.pub", "recipients/reader.pub"}
    assert load_device(keys / "signing.key").public_key() == load_device_public(public)
    assert load_device_public(keys / "archive.pub") == load_device(tmp_path / "archive/keys/receipt.key").public_key()
    assert load_recipient_public(keys / "recipients" / "reader.pub") == load_recipient_public(reader)


def test_an_archive_has_what_it_needs(authority, tmp_path):
    assert set(tree(tmp_path / "archive")) == {
        f"keys/{name}" for name in ("ca.pem", "tls.pem", "tls.key", "receipt.key")
    }


def test_everything_is_for_its_owner_alone(authority, reader, tmp_path):
    authority.enrol_room("room-1", tmp_path / "room", [reader], NOW)
    authority.enrol_broker(tmp_path / "broker", now=NOW)
    for folder in ("authority", "archive/keys", "room/keys", "broker"):
        for path in [tmp_path / folder, *(tmp_path / folder).rglob("*")]:
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_certificates_say_who_until_when_and_what_for(authority, reader, tmp_path):
    authority.enrol_room("room-1", tmp_path / "room", [reader], NOW)
    authority.enrol_broker(tmp_path / "broker", ["broker.example", "192.0.2.7"], NOW)
    room, broker = certificate(tmp_path / "room/keys/tls.pem"), certificate(tmp_path / "broker/tls.pem")
    ca = certificate(tmp_path / "authority/ca.pem")
    for each, name, purpose in (
        (room, "room-1", ExtendedKeyUsageOID.CLIENT_AUTH),
        (broker, "broker", ExtendedKeyUsageOID.SERVER_AUTH),
    ):
        each.verify_directly_issued_by(ca)
        assert [part.value for part in each.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [name]
        assert list(each.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [purpose]
        assert each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
        assert each.not_valid_before_utc < NOW
        assert each.not_valid_after_utc == NOW + timedelta(days=CERTIFICATE_DAYS)
    hosts = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert hosts.get_values_for_type(x509.DNSName) == ["broker.example"]
    assert [str(host) for host in hosts.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]


def test_no_certificate_outlives_its_authority(authority, reader, tmp_path):
    late = NOW + timedelta(days=3_000)
    authority.enrol_room("room-1", tmp_path / "room", [reader], late)
    ca = certificate(tmp_path / "authority/ca.pem")
    assert certificate(tmp_path / "room/keys/tls.pem").not_valid_after_utc == ca.not_valid_after_utc


def test_it_goes_on_after_being_opened_again(authority, reader, tmp_path):
    Authority.open(tmp_path / "authority").enrol_room("room-1", tmp_path / "room", [reader], NOW)
    certificate(tmp_path / "room/keys/tls.pem").verify_directly_issued_by(certificate(tmp_path / "authority/ca.pem"))


def test_nothing_is_ever_written_over(authority, reader, tmp_path):
    authority.enrol_room("room-1", tmp_path / "room", [reader], NOW)
    authority.enrol_broker(tmp_path / "broker", now=NOW)
    before = tree(tmp_path)
    for again in (
        lambda: Authority.create(tmp_path / "authority"),
        lambda: authority.enrol_archive(tmp_path / "archive"),
        lambda: authority.enrol_archive(tmp_path / "second-archive"),
        lambda: authority.enrol_room("room-1", tmp_path / "elsewhere", [reader]),
        lambda: authority.enrol_room("room-2", tmp_path / "room", [reader]),
        lambda: authority.enrol_broker(tmp_path / "broker"),
    ):
        with pytest.raises(AuthorityError, match="there already"):
            again()
        assert tree(tmp_path) == before


def test_a_renewed_certificate_says_the_same_until_later_and_nothing_else_changes(authority, reader, tmp_path):
    authority.enrol_room("room-1", tmp_path / "room", [reader], NOW)
    authority.enrol_broker(tmp_path / "broker", ["broker.example", "192.0.2.7"], NOW)
    later = NOW + timedelta(days=CERTIFICATE_DAYS - 20)
    for keys in (tmp_path / "room/keys", tmp_path / "archive/keys", tmp_path / "broker"):
        before, old = tree(tmp_path), certificate(keys / "tls.pem")
        assert authority.renew(keys, later) == later + timedelta(days=CERTIFICATE_DAYS)
        new, after = certificate(keys / "tls.pem"), tree(tmp_path)
        new.verify_directly_issued_by(certificate(tmp_path / "authority/ca.pem"))
        assert new.not_valid_after_utc == later + timedelta(days=CERTIFICATE_DAYS)
        assert new.serial_number != old.serial_number
        assert (new.subject, new.public_key(), list(new.extensions)) == (
            old.subject,
            old.public_key(),
            list(old.extensions),
        )
        (name,) = (each.value for each in new.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        noted = f"authority/issued/{name}-{new.serial_number:x}.pem"
        changed = {each for each in before | after if before.get(each) != after.get(each)}
        assert changed == {str((keys / "tls.pem").relative_to(tmp_path)), noted}
        assert after[noted] == new.public_bytes(Encoding.PEM)
        assert stat.S_IMODE((keys / "tls.pem").stat().st_mode) == 0o600


def test_nothing_secret_is_needed_to_renew(authority, reader, tmp_path):
    authority.enrol_room("room-1", tmp_path / "room", [reader], NOW)
    carried = tmp_path / "carried"
    carried.mkdir()
    (carried / "tls.pem").write_bytes((tmp_path / "room/keys/tls.pem").read_bytes())
    authority.renew(carried, NOW + timedelta(days=1))
    assert set(tree(carried)) == {"tls.pem"}
    assert certificate(carried / "tls.pem").public_key() == certificate(tmp_path / "room/keys/tls.pem").public_key()


def test_what_is_no_identity_of_the_authority_is_not_renewed(authority, tmp_path):
    Authority.create(tmp_path / "other", NOW).enrol_archive(tmp_path / "foreign", NOW)
    for name, content in (("nothing", b"nothing"), ("itself", (tmp_path / "authority/ca.pem").read_bytes())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tls.pem").write_bytes(content)
    before, later = tree(tmp_path), NOW + timedelta(days=1)
    for keys in (tmp_path / "foreign/keys", tmp_path / "nothing", tmp_path / "itself"):
        with pytest.raises(AuthorityError, match="is no certificate that this authority"):
            authority.renew(keys, later)
    with pytest.raises(AuthorityError, match=r"archive/tls\.pem: there is no such file"):
        authority.renew(tmp_path / "archive", later)
    assert tree(tmp_path) == before


def test_what_would_end_no_later_is_not_renewed(authority, tmp_path):
    keys, before = tmp_path / "archive/keys", tree(tmp_path)
    for now in (NOW - timedelta(days=1), NOW):
        with pytest.raises(AuthorityError, match=r"this one does not end sooner\. Is this machine's clock right"):
            authority.renew(keys, now)
    assert tree(tmp_path) == before
    ends = certificate(tmp_path / "authority/ca.pem").not_valid_after_utc
    assert authority.renew(keys, ends - timedelta(days=30)) == ends
    with pytest.raises(AuthorityError, match=f"The authority itself ends on {ends:%Y-%m-%d}"):
        authority.renew(keys, ends - timedelta(days=20))


def test_a_renewal_that_is_cut_short_leaves_what_was_there_and_can_be_made_again(authority, tmp_path, monkeypatch):
    keys, later = tmp_path / "archive/keys", NOW + timedelta(days=1)
    before = (keys / "tls.pem").read_bytes()

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", cut)
        authority.renew(keys, later)
    assert (keys / "tls.pem").read_bytes() == before
    authority.renew(keys, later)
    assert set(tree(keys)) == {"ca.pem", "tls.pem", "tls.key", "receipt.key"}
    assert (keys / "tls.pem").read_bytes() != before


@pytest.mark.parametrize(
    "name", ["", "Room", "room_1", "-room", "room-", "a" * 65, "../room", "+", "archive", "broker", "room\n"]
)
def test_other_names_are_refused(authority, reader, tmp_path, name):
    before = tree(tmp_path)
    with pytest.raises(AuthorityError, match="no name for a room"):
        authority.enrol_room(name, tmp_path / "room", [reader])
    assert tree(tmp_path) == before


def test_a_room_without_archive_or_recipients_is_refused(reader, tmp_path):
    authority = Authority.create(tmp_path / "authority")
    with pytest.raises(AuthorityError, match="enrol the archive first"):
        authority.enrol_room("room-1", tmp_path / "room", [reader])
    authority.enrol_archive(tmp_path / "archive")
    with pytest.raises(AuthorityError, match="at least one recipient"):
        authority.enrol_room("room-1", tmp_path / "room", [])
    assert not (tmp_path / "room").exists()


def test_recipients_that_cannot_be_are_refused(authority, reader, tmp_path):
    hybrid, wrong = tmp_path / "hybrid.pub", tmp_path / "wrong.pub"
    save_recipient_public(hybrid, RecipientPrivateKey.generate("mlkem768-x25519").public)
    wrong.write_text("nothing")
    with pytest.raises(AuthorityError, match="all hybrid or all classical"):
        authority.enrol_room("room-1", tmp_path / "room", [reader, hybrid])
    with pytest.raises(AuthorityError, match="same name"):
        authority.enrol_room("room-1", tmp_path / "room", [reader, reader])
    for file in (wrong, tmp_path / "missing.pub"):
        with pytest.raises(KeyFileError):
            authority.enrol_room("room-1", tmp_path / "room", [file])
    assert not (tmp_path / "room").exists()


def test_a_damaged_authority_is_refused(authority, tmp_path):
    Authority.create(tmp_path / "other")
    (tmp_path / "authority/ca.pem").write_bytes((tmp_path / "other/ca.pem").read_bytes())
    with pytest.raises(AuthorityError, match="do not belong together"):
        Authority.open(tmp_path / "authority")
    (tmp_path / "authority/ca.key").write_text("nothing")
    with pytest.raises(AuthorityError):
        Authority.open(tmp_path / "authority")
    with pytest.raises(AuthorityError):
        Authority.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a:8883",
        "[::1]",
        "bröker.nl",
        "-a.nl",
        "a..nl",
        "a.nl.",
        "a b",
        "300.1.1.1",
        "*.nl",
        "a.nl\n",
        "x" * 64,
        "\u212a.nl",
    ],
)
def test_a_host_that_nobody_could_call_the_broker_by_is_refused(authority, tmp_path, host):
    before = tree(tmp_path)
    with pytest.raises(AuthorityError, match="is no name or address of a broker"):
        authority.enrol_broker(tmp_path / "broker", ["localhost", host])
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "host", ["broker", "Broker.Example.nl", "xn--brker-kua.nl", "4.example", "192.0.2.7", "2001:db8::1"]
)
def test_a_host_is_a_name_or_an_address(authority, tmp_path, host):
    authority.enrol_broker(tmp_path / "broker", [host])
    names = certificate(tmp_path / "broker/tls.pem").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert [str(each.value) for each in names.value] == [host]


def test_a_place_that_cannot_be_looked_at_is_told(authority, tmp_path, capsys):
    far = tmp_path / ("x" * 300)
    with pytest.raises(AuthorityError, match="cannot be looked at: File name too long"):
        authority.enrol_broker(far)
    assert main(["authority", "create", str(far)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_broker_is_for_nowhere_until_it_is_said(authority, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["authority", "broker", str(tmp_path / "authority"), str(tmp_path / "broker")])
    assert ended.value.code == 2
    assert "--host" in capsys.readouterr().err
    assert not (tmp_path / "broker").exists()


def test_the_command_does_it_all(reader, tmp_path, capsys):
    folder = str(tmp_path / "authority")
    for args in (
        ["create", folder],
        ["archive", folder, str(tmp_path / "archive")],
        ["broker", folder, str(tmp_path / "broker"), "--host", "broker.example"],
        ["room", folder, str(tmp_path / "room"), "room-1", "--recipient", str(reader)],
    ):
        assert main(["authority", *args]) == 0
    said = capsys.readouterr().out
    made, archive, broker, _ = said.splitlines()  # each says what it made, and for whom
    ends = Authority.open(Path(folder)).ends
    assert made == f"{folder} is the authority, until {ends:%Y-%m-%d}; keep it off every machine on a network"
    assert archive.startswith(f"{tmp_path / 'archive' / 'keys'} is for the archive")
    assert broker.startswith(f"{tmp_path / 'broker'} is for the broker") and broker.endswith("as broker.example")
    told = shlex.split(said.partition("recorder ")[2])
    assert told == ["archive", "--config", "archive.toml", "enrol", "room-1", f"{folder}/issued/room-1.pub"]
    assert main(["authority", "create", folder]) == 2
    assert "there already" in capsys.readouterr().err
