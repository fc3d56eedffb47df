"""The object store on S3: a bucket of any server that keeps to `If-None-Match: *` and forgets what is deleted.

An object is written with that condition, so that the server takes it only if the name is free, whole or not at all. An answer
that got lost does not tell whether it was: it is written again, and finds its own bytes there. Objects of one recording
are written one after the other (rule 5), those of several recordings at once.

`_store` is an object of no recording. It says that a store was made here, and on it each start tries whether the server
keeps to the condition.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Self, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError
from obstore.store import S3Store as Client

from recorder.archive.bucket import Bucket, check_forgets, code, refusal
from recorder.archive.store import check_name, check_prefix
from recorder.errors import StoreError

REQUESTS_AT_ONCE_MAX = 16
"""By one `put`."""
CONNECT_SECONDS_MAX = 5.0
REQUEST_SECONDS_MAX = 10.0
"""One try, from its connection to the last byte."""
RETRY_SECONDS_MAX = 10.0
"""After this no other try is begun of what was only to be read, or certainly not carried out. The client does these itself."""
RETRIES_MAX = 10
RETRY_FIRST_SECONDS = 0.1
RETRY_LAST_SECONDS = 2.0
ATTEMPTS_MAX = 2
"""Of what may have been carried out, its answer lost, or was in another writer's way."""

MARKER = "_store"
"""No object's name: those have no `_`."""
MARKER_BYTES = b"wederhoor/1 object store\n"

T = TypeVar("T")


class S3Store:
    """The objects in `bucket`, below its prefix, in a store that was made there before."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        check_forgets(bucket, datetime.now(UTC))
        self._client = _client(bucket)
        if not self._has(MARKER, MARKER_BYTES):
            raise StoreError(
                f"{bucket}: there is no object store; check archive.objects. "
                "A new archive's is made when its first device is enrolled"
            )

    @classmethod
    def make(cls, bucket: Bucket) -> Self:
        """The store in `bucket`, which is made if it is not there; the bucket must be."""
        check_forgets(bucket, datetime.now(UTC))
        client = _client(bucket)
        with _told(bucket, "the object store cannot be made"):
            _mark(client)  # the name may be free; then it is not
            _try(bucket, client)
        return cls(bucket)

    @classmethod
    def to_write(cls, bucket: Bucket) -> Self:
        """The store in `bucket`, which must be there, for who signs for what it keeps: its server is tried."""
        store = cls(bucket)
        with _told(bucket, "the object store cannot be written"):
            _try(bucket, store._client)
        return store

    def put(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        recordings: dict[str, list[str]] = {}
        for name in objects:
            check_name(name)
            recordings.setdefault(name.partition("/")[0], []).append(name)
        failed = threading.Event()

        def put_in_order(names: list[str]) -> list[str]:
            if failed.is_set():  # what has not begun would only fail as slowly
                return []
            try:
                return [name for name in names if not self._put(name, objects[name])]
            except StoreError:
                failed.set()
                raise

        with ThreadPoolExecutor(REQUESTS_AT_ONCE_MAX) as pool:
            return frozenset(name for clashes in pool.map(put_in_order, recordings.values()) for name in clashes)

    def get(self, name: str) -> bytes:
        check_name(name)
        with _told(self._bucket, f"{name} cannot be read"):
            return bytes(obstore.get(self._client, name).bytes())

    def settle(self, prefix: str) -> None:
        check_prefix(
            prefix
        )  # and nothing is left to be done: what the server has answered is durable, and it has no folders

    def list(self, prefix: str) -> Iterator[str]:
        check_prefix(prefix)
        return self._list(prefix)

    def delete(self, names: Iterable[str]) -> None:
        gone = list(names)
        for name in gone:
            check_name(name)
        if gone:
            with _told(self._bucket, "objects cannot be deleted"):
                self._again(lambda: obstore.delete(self._client, gone))

    def _put(self, name: str, data: bytes) -> bool:
        """Write one object; False if the name has other bytes."""
        with _told(self._bucket, f"{name} cannot be kept"):
            for _ in range(ATTEMPTS_MAX):
                try:
                    self._again(lambda: obstore.put(self._client, name, data, mode="create", use_multipart=False))
                except AlreadyExistsError:
                    there = self._has(name, data)
                    if there is not None:
                        return there
                else:
                    return True
        raise StoreError(f"{self._bucket}: {name} cannot be kept: the server says that it is there, and it is not")

    def _has(self, name: str, data: bytes) -> bool | None:
        """Whether these bytes are there; None if nothing is."""
        with _told(self._bucket, f"{name} cannot be read"):
            try:
                found = obstore.get(self._client, name)
                return found.meta["size"] == len(data) and bytes(found.bytes()) == data
            except FileNotFoundError as error:
                if _code(error) == "NoSuchBucket":
                    raise
                return None

    def _list(self, prefix: str) -> Iterator[str]:
        # The client's own prefix ends at a slash; what lies before ours within that folder is left out by the offset.
        folder, before = prefix.rpartition("/")[0], ""
        with _told(self._bucket, "it cannot be listed"):
            for portion in obstore.list(self._client, folder or None, offset=prefix[:-1] or None):
                for name in (each["path"] for each in portion):
                    if name <= before:
                        raise StoreError(f"{self._bucket}: the server does not list in order; it cannot be used")
                    before = name
                    if name.startswith(prefix):
                        if name != MARKER:
                            yield name
                    elif name > prefix:  # so are all that follow
                        return

    def _again(self, ask: Callable[[], T]) -> T:
        """Ask, and ask again if no answer came: to write or delete twice is to do it once."""
        for _ in range(ATTEMPTS_MAX - 1):
            try:
                return ask()
            except GenericError:
                continue
        return ask()


def _mark(client: Client) -> bool:
    """Say that a store was made here; False if that is said already."""
    try:
        obstore.put(client, MARKER, MARKER_BYTES, mode="create", use_multipart=False)
    except AlreadyExistsError:
        return False
    return True


def _try(bucket: Bucket, client: Client) -> None:
    """StoreError if the server, which has the mark, would overwrite it, or lets us delete nothing."""
    if _mark(client):
        raise StoreError(
            f"{bucket}: the server ignores `If-None-Match: *`, and would overwrite what is stored; it cannot be used: "
            "check archive.objects_endpoint"
        )
    obstore.delete(client, [f"{MARKER}-nothing"])  # whoever may not delete could not carry out a refusal


def _client(bucket: Bucket) -> Client:
    """Each setting that the environment (AWS_…) could turn otherwise is given."""
    try:
        return Client(
            bucket.name,
            prefix=bucket.prefix or None,
            endpoint=bucket.endpoint,
            aws_endpoint_url_s3=bucket.endpoint,
            region=bucket.region,
            access_key_id=bucket.access_key,
            secret_access_key=bucket.secret_key,
            conditional_put="etag",
            virtual_hosted_style_request=False,
            skip_signature=False,
            unsigned_payload=False,
            s3_express=False,
            client_options={
                "allow_http": bucket.endpoint.startswith("http:"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS_MAX),
                "timeout": timedelta(seconds=REQUEST_SECONDS_MAX),
                **({"root_certificate": bucket.ca} if bucket.ca else {}),
            },
            retry_config={
                "max_retries": RETRIES_MAX,
                "retry_timeout": timedelta(seconds=RETRY_SECONDS_MAX),
                "backoff": {
                    "init_backoff": timedelta(seconds=RETRY_FIRST_SECONDS),
                    "max_backoff": timedelta(seconds=RETRY_LAST_SECONDS),
                    "base": 2,
                },
            },
        )
    except (BaseError, ValueError) as error:
        raise StoreError(f"{bucket}: cannot be used: {error}") from error


@contextmanager
def _told(bucket: Bucket, what: str) -> Iterator[None]:
    """The client's errors as the store's, in one line."""
    try:
        yield
    except StoreError:
        raise
    except (BaseError, OSError, NotImplementedError) as error:
        told = _code(error)
        reason = told or str(error).partition("\n")[0]
        raise refusal(bucket, told) or StoreError(f"{bucket}: {what}: {reason}") from error


def _code(error: Exception) -> str:
    """S3's code for it, if the server gave one; the client writes that of one deletion among many in its own way."""
    if one := re.search(r"\(code: (\w+)\)", str(error), re.ASCII):
        return one.group(1)
    return code("Code", str(error))
