"""The throw-away authority: who may speak on the wire, and whose signatures count.

It gives every party two kinds of identity. A TLS certificate (P-256, which every broker speaks), whose common name
the broker turns into the user of its ACL; and an Ed25519 key that signs what must be believed later: a device's
recordings, an archive's receipts. TLS guards the road, the signatures guard what travels on it: neither replaces the
other.

    authority/   ca.key ca.pem archive.pub issued/NAME.pem issued/NAME.pub
    room/keys/   ca.pem tls.pem tls.key signing.key archive.pub recipients/*.pub
    archive/keys/  ca.pem tls.pem tls.key receipt.key
    broker/      ca.pem tls.pem tls.key

No key that exists is ever overwritten: a key written over is a recording that can no longer be proved. What ends is a
certificate, `tls.pem`, which is renewed for the key that it is for.
Whoever holds `ca.key` can enrol a room; keep the folder off every machine that is on the network.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from recorder.errors import AuthorityError
from recorder.keyfiles import load_recipient_public, make_folder, replace, save_device, save_device_public, write_new
from recorder.wire.topics import ARCHIVE_USER, DEVICE_PATTERN

AUTHORITY_DAYS = 3_650
CERTIFICATE_DAYS = 1_095
"""Three years: a room is visited less often than that, if at all."""
BROKER = "broker"
NOT_FOR_ROOMS = (ARCHIVE_USER, BROKER)
LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"({LABEL}\.)*(?![0-9]+$){LABEL}", re.ASCII | re.IGNORECASE)
"""As clients compare it (RFC 1123, section 2.1): a certificate for anything else is for nobody."""
CLOCK_SLACK = timedelta(days=1)
"""Certificates are valid from a day before they were made: a room's clock may be behind."""


class Authority:
    """An authority in its folder. Its methods raise AuthorityError, or KeyFileError for a file of keys."""

    def __init__(self, folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._folder = folder
        self._key = key
        self._certificate = certificate

    @classmethod
    def create(cls, folder: Path, now: datetime | None = None) -> Self:
        """A new authority in `folder`, which must not hold one yet."""
        _must_be_free(folder / "ca.key", folder / "ca.pem")
        now = now or datetime.now(UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Wederhoor authority")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SLACK)
            .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        make_folder(folder)
        make_folder(folder / "issued")
        write_new(folder / "ca.key", _private_pem(key))
        write_new(folder / "ca.pem", certificate.public_bytes(Encoding.PEM))
        return cls(folder, key, certificate)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The authority that `create` made in `folder`."""
        try:
            key = load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        except OSError as error:
            raise AuthorityError(f"{folder}: no authority can be read here: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise AuthorityError(f"{folder}: no authority can be read here: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise AuthorityError(f"{folder}: ca.key and ca.pem do not belong together")
        return cls(folder, key, certificate)

    @property
    def ends(self) -> datetime:
        """When its own certificate does, and with it every other."""
        return self._certificate.not_valid_after_utc

    def enrol_archive(self, folder: Path, now: datetime | None = None) -> None:
        """Write an archive's `keys/` into `folder`. Its rooms will believe this one archive alone."""
        keys = folder / "keys"
        _must_be_free(keys, self._folder / "archive.pub")
        receipt = Ed25519PrivateKey.generate()
        self._write_identity(keys, ARCHIVE_USER, ExtendedKeyUsageOID.CLIENT_AUTH, (), now)
        save_device(keys / "receipt.key", receipt)
        save_device_public(self._folder / "archive.pub", receipt.public_key())

    def enrol_room(self, name: str, folder: Path, recipients: Sequence[Path], now: datetime | None = None) -> Path:
        """Write a room's `keys/` into `folder`; returns the public key file to enrol at the archive.

        `recipients` are the public key files of those who may open what the room seals.
        """
        if not DEVICE_PATTERN.fullmatch(name) or name in NOT_FOR_ROOMS:
            raise AuthorityError(
                f"{name!r} is no name for a room: 1 to 64 of a-z, 0-9 and '-', and not {' or '.join(NOT_FOR_ROOMS)}"
            )
        keys, public = folder / "keys", self._folder / "issued" / f"{name}.pub"
        _must_be_free(keys, public)
        if not (self._folder / "archive.pub").is_file():
            raise AuthorityError(f"{self._folder}: enrol the archive first; a room must know whose receipts to believe")
        if not recipients:
            raise AuthorityError("a room needs the public key of at least one recipient, or nobody could ever listen")
        if len({load_recipient_public(path).kem for path in recipients}) > 1:
            raise AuthorityError("recipients' keys must be all hybrid or all classical; make the older ones anew")
        if len({path.stem for path in recipients}) < len(recipients):
            raise AuthorityError("two recipients' files have the same name")
        signing = Ed25519PrivateKey.generate()
        self._write_identity(keys, name, ExtendedKeyUsageOID.CLIENT_AUTH, (), now)
        _copy(self._folder / "archive.pub", keys / "archive.pub")
        make_folder(keys / "recipients")
        for path in recipients:
            _copy(path, keys / "recipients" / f"{path.stem}.pub")
        save_device(keys / "signing.key", signing)
        save_device_public(public, signing.public_key())
        return public

    def enrol_broker(
        self, folder: Path, hosts: Iterable[str] = ("localhost", "127.0.0.1"), now: datetime | None = None
    ) -> None:
        """Write the broker's certificate for `hosts`, names or addresses, into `folder`."""
        _must_be_free(folder)
        self._write_identity(folder, BROKER, ExtendedKeyUsageOID.SERVER_AUTH, tuple(hosts), now)

    def renew(self, keys: Path, now: datetime | None = None) -> datetime:
        """Put a new certificate in the place of `keys/tls.pem`, for the same name, use and key; returns when it ends.

        It is for the TLS key that is there. A certificate ends so that who is forgotten comes in no more, not because its
        key wears out: of that key nothing can be read that was sent (TLS 1.3), and a key that somebody else has needs a
        new room, not a new day. So nothing secret has to be carried, `tls.pem` is all that is read and written, and as one
        file it takes the other's place whole, or not at all: there is no moment without a pair that fits.
        """
        now = now or datetime.now(UTC)
        file = keys / "tls.pem"
        there = _read(file)
        try:
            old = x509.load_pem_x509_certificate(there)
            old.verify_directly_issued_by(self._certificate)
            (purpose,) = old.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            (name,) = (str(each.value) for each in old.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as error:
            raise AuthorityError(f"{file}: is no certificate that this authority ({self._folder}) issued") from error
        key = old.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise AuthorityError(f"{file}: is for another kind of key than this authority makes")
        new = self._certify(key, name, purpose, _hosts(old), now)
        if new.not_valid_after_utc <= old.not_valid_after_utc:
            raise AuthorityError(
                f"{file}: a new one would end on {new.not_valid_after_utc:%Y-%m-%d}, and this one does not end sooner. "
                f"Is this machine's clock right? The authority itself ends on {self.ends:%Y-%m-%d}"
            )
        self._note(name, new)
        replace(file, new.public_bytes(Encoding.PEM))
        return new.not_valid_after_utc

    def _write_identity(
        self, folder: Path, name: str, purpose: x509.ObjectIdentifier, hosts: Sequence[str], now: datetime | None
    ) -> None:
        """`ca.pem`, `tls.key` and `tls.pem` in `folder`, and a copy of the certificate for the inventory."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_host(host) for host in hosts]
        certificate = self._certify(key.public_key(), name, purpose, names, now or datetime.now(UTC))
        make_folder(folder)
        _copy(self._folder / "ca.pem", folder / "ca.pem")
        write_new(folder / "tls.key", _private_pem(key))
        write_new(folder / "tls.pem", certificate.public_bytes(Encoding.PEM))
        self._note(name, certificate)

    def _certify(
        self,
        key: ec.EllipticCurvePublicKey,
        name: str,
        purpose: x509.ObjectIdentifier,
        hosts: Sequence[x509.GeneralName],
        now: datetime,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SLACK)
            .not_valid_after(min(now + timedelta(days=CERTIFICATE_DAYS), self.ends))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _note(self, name: str, certificate: x509.Certificate) -> None:
        """In the inventory."""
        file = self._folder / "issued" / f"{name}-{certificate.serial_number:x}.pem"
        write_new(file, certificate.public_bytes(Encoding.PEM))


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not HOST_NAME.fullmatch(host):
            raise AuthorityError(
                f"{host!r} is no name or address of a broker: a name has letters, digits, '-' and '.', others as xn--…, "
                "and no port; an address has no brackets"
            ) from None
        return x509.DNSName(host)


def _hosts(certificate: x509.Certificate) -> Sequence[x509.GeneralName]:
    """For which it is; none where it is no broker's."""
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return ()


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _must_be_free(*paths: Path) -> None:
    for path in paths:
        try:
            there = path.exists()
        except OSError as error:  # a folder that may not be entered, a name that is too long
            raise AuthorityError(f"{path}: cannot be looked at: {error.strerror}") from error
        if there:
            raise AuthorityError(
                f"{path} is there already, and keys are never overwritten; choose another folder or name"
            )


def _copy(source: Path, target: Path) -> None:
    write_new(target, _read(source))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise AuthorityError(f"{file}: there is no such file") from error
    except OSError as error:
        raise AuthorityError(f"{file}: cannot be read: {error.strerror}") from error
