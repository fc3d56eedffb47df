"""A party's identity on the road: `ca.pem`, `tls.pem` and `tls.key`, as recorder/fleet/authority.py writes them.

A certificate ends on a day that is known for years; of one that has ended the broker says no more than that the connection
is over. So whoever uses one reads that day and tells of it in time.
"""

import ssl
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from recorder.errors import UplinkError

WARNING_DAYS = 30
"""Before the end: a new one has to be made where the authority is, and to be carried to a room."""


class Identity:
    """The certificate in the folder `keys`, with its key and its authority. UplinkError if they cannot be used."""

    def __init__(self, keys: Path) -> None:
        self._file = keys / "tls.pem"
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        """TLS 1.3, certificates on both sides (B1)."""
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            self.context.load_verify_locations(keys / "ca.pem")
            self.context.load_cert_chain(self._file, keys / "tls.key")
            certificate = x509.load_pem_x509_certificate(self._file.read_bytes())
        except (OSError, ValueError) as error:
            raise UplinkError(
                f"{keys}: ca.pem, tls.pem and tls.key cannot be used: {error}. {_advice(error)}"
            ) from error
        self.ends = certificate.not_valid_after_utc
        """When the certificate does."""
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        self.name = ", ".join(str(each.value) for each in names)
        """Whom it is for: the common name, of which those of our authority have one."""

    def ending(self, now: datetime) -> str:
        """That the certificate ends soon, or has ended, in plain words; empty as long as there is time."""
        if self.ends - now > timedelta(days=WARNING_DAYS):
            return ""
        verb = "ends" if now < self.ends else "ended"
        return f"the certificate {self._file} {verb} on {self.ends:%Y-%m-%d}; the authority must make a new one"


def _advice(error: Exception) -> str:
    """New keys mend neither a wrong setting nor a file's mode."""
    match error:
        case FileNotFoundError():
            return "Is archive.folder (or room.folder) right?"
        case PermissionError():
            return "This user may not read it."
    return "The authority must make them anew."


def distrust(error: ssl.SSLCertVerificationError) -> str:
    """Why we do not speak to a broker, in plain words."""
    return f"the broker's certificate is not of our authority, or has ended: {error.verify_message}"
