"""A party's certificate: its end is told in time, and what cannot be used is told at once."""

import errno
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recorder.errors import UplinkError
from recorder.fleet.authority import CERTIFICATE_DAYS, Authority
from recorder.tls import WARNING_DAYS, Identity
from recorder.wire.topics import ARCHIVE_USER

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
END = NOW + timedelta(days=CERTIFICATE_DAYS)
SECOND = timedelta(seconds=1)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    Authority.create(tmp_path / "authority", NOW).enrol_archive(tmp_path, NOW)
    return tmp_path / "keys"


def test_its_end_is_told_from_thirty_days_before(keys: Path) -> None:
    identity = Identity(keys)
    assert identity.ends == END
    assert identity.ending(NOW) == ""
    assert identity.ending(END - timedelta(days=WARNING_DAYS) - SECOND) == ""
    soon = f"the certificate {keys / 'tls.pem'} ends on 2029-01-01; the authority must make a new one"
    assert identity.ending(END - timedelta(days=WARNING_DAYS)) == identity.ending(END - SECOND) == soon
    assert identity.ending(END) == soon.replace("ends", "ended")


def test_it_tells_whom_it_is_for(keys: Path) -> None:
    assert Identity(keys).name == ARCHIVE_USER


@pytest.mark.parametrize("name", ["ca.pem", "tls.pem", "tls.key"])
def test_what_cannot_be_used_is_told_with_its_folder(keys: Path, name: str) -> None:
    (keys / name).write_text("nothing")
    with pytest.raises(UplinkError, match=f"{keys}: ca.pem, tls.pem and tls.key cannot be used: .*make them anew.$"):
        Identity(keys)
    (keys / name).unlink()
    with pytest.raises(UplinkError, match=r"No such file.*\. Is archive.folder \(or room.folder\) right\?$"):
        Identity(keys)


def test_of_one_that_may_not_be_read_no_new_one_is_asked(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_verify_locations(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load_verify_locations)
    with pytest.raises(UplinkError, match=r"Permission denied\. This user may not read it\.$"):
        Identity(keys)
