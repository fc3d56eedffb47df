"""The S3 server of the tests: one for all of them, started by the first that needs it."""

from collections.abc import Iterator

import pytest

from tests.archive.ceph import Ceph


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceph]:
    with Ceph(tmp_path_factory.mktemp("ceph")) as ceph:
        yield ceph
