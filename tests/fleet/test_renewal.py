"""Certificates that have ended and were renewed, at a real Mosquitto: who comes in again, and what stayed as it was."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from recorder.cli import main
from recorder.fleet.authority import CERTIFICATE_DAYS, Authority, _hosts
from recorder.keyfiles import replace
from tests.archive.site import Device, Site, tls
from tests.fleet.test_authority import certificate, tree

ENDED = datetime.now(UTC) - timedelta(days=1)


def end(authority: Authority, keys: Path) -> None:
    """What lies there ended yesterday."""
    there = certificate(keys / "tls.pem")
    (name,) = (str(each.value) for each in there.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    (purpose,) = there.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    key = there.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    old = authority._certify(key, name, purpose, _hosts(there), ENDED - timedelta(days=CERTIFICATE_DAYS))
    replace(keys / "tls.pem", old.public_bytes(Encoding.PEM))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.mark.parametrize("party", ["room-1", "archive", "broker"])
def test_who_has_a_renewed_certificate_comes_in_and_is_believed_as_before(site: Site, party: str) -> None:
    keys = site.folder / party / "keys"
    end(site.authority, keys)
    site.broker.start()
    if party == "broker":
        with (
            socket.create_connection(("localhost", site.broker.port)) as plain,
            pytest.raises(ssl.SSLCertVerificationError, match="has expired"),
        ):
            tls(site.folder / "room-1" / "keys").wrap_socket(plain, server_hostname="localhost")
    else:
        assert not Device(site, "room-1", keys).connect(), "it shows nothing: what had ended was taken"
    before = tree(keys)
    assert main(["authority", "renew", str(site.folder / "authority"), str(keys)]) == 0
    after = tree(keys)
    assert {name for name in before | after if before.get(name) != after.get(name)} == {"tls.pem"}
    if party == "broker":
        site.broker.stop()
        site.broker.start()
    site.start_archive()
    device = Device(site, "room-1")
    device.deliver(*site.rooms["room-1"].record().kept)
    assert not device.strange and not device.rejected
    device.close()
