"""The S3 store on a real server: the contract, what is found out when it is opened, and a server that fails."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError

from recorder.archive import bucket as bucket_module
from recorder.archive import s3
from recorder.archive.bucket import Bucket
from recorder.archive.s3 import S3Store
from recorder.errors import StoreError
from recorder.fleet.authority import Authority
from tests.archive.ceph import Ceph
from tests.archive.relay import Relay
from tests.archive.store_contract import A, B, StoreContract

LARGE = bytes(3_000_000)
SLOW_SECONDS = 2.0
"""The patience that some tests have with a server that hangs, where the product has some tens of seconds."""


@pytest.fixture
def bucket(ceph: Ceph) -> Bucket:
    return ceph.bucket()


@pytest.fixture
def store(bucket: Bucket) -> S3Store:
    return S3Store.make(bucket)


@contextlib.contextmanager
def impatience() -> Iterator[None]:
    """Stores that are made meanwhile wait for no more than so many seconds, as long as they live."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bucket_module, "QUESTION_SECONDS_MAX", SLOW_SECONDS)
        for name in ("CONNECT_SECONDS_MAX", "REQUEST_SECONDS_MAX"):
            patch.setattr(s3, name, SLOW_SECONDS)
        patch.setattr(s3, "RETRY_SECONDS_MAX", SLOW_SECONDS / 4)
        yield


class TestS3Store(StoreContract):
    @pytest.fixture
    def store(self, bucket: Bucket) -> S3Store:
        return S3Store.make(bucket)

    def test_objects_are_there_after_opening_it_again(self, store, bucket):
        store.put({f"{A}/preamble": b"one"})
        assert S3Store(bucket).get(f"{A}/preamble") == b"one"
        assert S3Store.to_write(bucket).get(f"{A}/preamble") == b"one"
        assert S3Store.make(bucket).get(f"{A}/preamble") == b"one"

    def test_many_are_listed_whole_in_portions(self, store):
        names = sorted(f"{recording:032}/blocks/block-{index:08}" for recording in range(11) for index in range(100))
        store.put(dict.fromkeys(names, b""))
        assert self.names(store) == names
        assert self.names(store, f"{A}/blocks/block-0000004") == [f"{A}/blocks/block-0000004{at}" for at in range(10)]
        store.delete(names)
        assert self.names(store) == []

    def test_a_prefix_of_the_bucket_is_a_store_of_its_own(self, store, bucket):
        other = S3Store.make(replace(bucket, prefix=f"{bucket.prefix}2"))
        other.put({f"{A}/preamble": b"other"})
        assert self.names(store) == []
        assert store.put({f"{A}/preamble": b"one"}) == frozenset()
        assert other.get(f"{A}/preamble") == b"other"

    def test_a_whole_bucket_may_be_the_store(self, ceph):
        ceph.make_bucket("whole")
        store = S3Store.make(replace(ceph.bucket(), name="whole", prefix=""))
        store.put({f"{A}/preamble": b"one"})
        assert self.names(store) == [f"{A}/preamble"]

    def test_those_of_one_recording_are_put_in_their_order_and_of_several_at_once(self, store, monkeypatch):
        real, lock = obstore.put, threading.Lock()
        begun: list[str] = []
        done: list[str] = []
        together = threading.Barrier(2, timeout=30)

        def put(client, name, *args, **kwargs):
            with lock:
                assert all(each in done for each in begun if each[0] == name[0]), "the one before is not done"
                begun.append(name)
            together.wait()  # of each recording one is here
            real(client, name, *args, **kwargs)
            with lock:
                done.append(name)

        monkeypatch.setattr(obstore, "put", put)
        names = [f"{recording}/{part}" for part in ("origin", "preamble", "a") for recording in (A, B)]
        store.put(dict.fromkeys(names, b""))
        assert [name for name in done if name.startswith(A)] == [f"{A}/origin", f"{A}/preamble", f"{A}/a"]

    def test_a_name_that_another_writer_had_for_a_moment_is_tried_again(self, store, monkeypatch):
        """S3 answers 409 to one of two at a time, of which the other may come to nothing; the client tells it as "exists"."""
        real, calls = obstore.put, 0

        def put(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls <= conflicts:
                raise AlreadyExistsError("409 Conflict")
            real(*args, **kwargs)

        monkeypatch.setattr(obstore, "put", put)
        conflicts = 1
        assert store.put({f"{A}/preamble": b"one"}) == frozenset()
        assert store.get(f"{A}/preamble") == b"one"
        conflicts = 1_000
        with pytest.raises(StoreError, match="says that it is there, and it is not"):
            store.put({f"{A}/manifest": b"one"})

    def test_a_listing_in_another_order_is_the_stores_error(self, store, monkeypatch):
        """Whoever trusted it would leave objects out."""
        found = [[{"path": f"{A}/b"}, {"path": f"{A}/a"}]]
        monkeypatch.setattr(obstore, "list", lambda *_args, **_kwargs: iter(found))
        with pytest.raises(StoreError, match="does not list in order"):
            list(store.list(f"{A}/"))

    def test_keys_that_lose_their_rights_are_told(self, ceph):
        bucket = replace(ceph.bucket(), name="unwritable")
        ceph.make_bucket(bucket.name)
        store = S3Store.make(bucket)
        ceph.forbid(bucket.name, "s3:PutObject")
        with pytest.raises(StoreError, match=r"refuses us \(AccessDenied\); check the keys in archive.objects_cred"):
            store.put({f"{A}/preamble": b"one"})

    def test_no_more_than_so_many_requests_at_once(self, store, monkeypatch):
        real, lock = obstore.put, threading.Lock()
        now, most = 0, 0

        def put(*args, **kwargs):
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            real(*args, **kwargs)
            with lock:
                now -= 1

        monkeypatch.setattr(obstore, "put", put)
        monkeypatch.setattr(s3, "REQUESTS_AT_ONCE_MAX", 3)
        store.put({f"{index:032x}/origin": LARGE[:100_000] for index in range(30)})
        assert 1 < most <= 3


class TestOpening:
    """What would lose or keep something against the rules, or cannot work, is refused with the setting to check."""

    def test_a_store_that_was_never_made(self, bucket):
        with pytest.raises(StoreError, match=r"no object store; check archive.objects"):
            S3Store(bucket)
        with pytest.raises(StoreError, match=r"no object store; check archive.objects"):
            S3Store.to_write(bucket)

    def test_a_bucket_that_is_not_there(self, bucket):
        for opens in (S3Store, S3Store.to_write, S3Store.make):
            with pytest.raises(StoreError, match=r"no such bucket; check archive.objects$"):
                opens(replace(bucket, name="nowhere"))

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [({"access_key": "NOBODY"}, "InvalidAccessKeyId"), ({"secret_key": "wrong"}, "SignatureDoesNotMatch")],
    )
    def test_wrong_keys(self, bucket, wrong, code):
        with pytest.raises(StoreError, match=rf"refuses us \({code}\); check the keys in archive.objects_credentials"):
            S3Store.make(replace(bucket, **wrong))

    def test_keys_that_may_not_delete(self, ceph):
        bucket = replace(ceph.bucket(), name="undeletable")
        ceph.make_bucket(bucket.name)
        ceph.forbid(bucket.name, "s3:DeleteObject")
        with pytest.raises(StoreError, match=r"archive.objects_credentials"):
            S3Store.make(bucket)
        with pytest.raises(StoreError, match=r"archive.objects_credentials"):
            S3Store.to_write(bucket)

    @pytest.mark.parametrize("status", ["Enabled", "Suspended"])
    def test_a_bucket_with_versioning(self, ceph, status):
        bucket = replace(ceph.bucket(), name=f"versioning-{status.lower()}")
        ceph.make_bucket(bucket.name)
        ceph.set_versioning(bucket.name, "Enabled")
        ceph.set_versioning(bucket.name, status)
        for opens in (S3Store, S3Store.to_write, S3Store.make):
            with pytest.raises(StoreError, match=rf"has versioning \({status.lower()}\).*archive.objects$"):
                opens(bucket)

    def test_a_bucket_with_object_lock(self, ceph):
        bucket = replace(ceph.bucket(), name="locked")
        ceph.make_bucket(bucket.name, {"x-amz-bucket-object-lock-enabled": "true"})
        with pytest.raises(StoreError, match=r"has versioning.*or object lock, and name it in archive.objects$"):
            S3Store.make(bucket)

    @pytest.mark.parametrize("host", ["127.0.0.1:9", "nowhere.invalid"])
    def test_a_server_that_does_not_answer(self, bucket, host):
        with pytest.raises(StoreError, match=rf"http://{host} does not answer: .*; check archive.objects_endpoint$"):
            S3Store.make(replace(bucket, endpoint=f"http://{host}"))

    def test_a_server_that_takes_connections_and_says_nothing(self, ceph, bucket):
        says = r"does not answer: .*timed out; check archive.objects_endpoint$"
        with ceph.hanging(), impatience(), pytest.raises(StoreError, match=says):
            S3Store.make(bucket)

    def test_tls_where_there_is_none_and_none_where_there_is(self, ceph, bucket):
        for endpoint in (ceph.endpoint.replace("http:", "https:"), ceph.tls_endpoint.replace("https:", "http:")):
            with pytest.raises(StoreError, match=r"check archive\.objects_endpoint$"):
                S3Store.make(replace(bucket, endpoint=endpoint))

    def test_a_server_of_an_authority_of_ones_own(self, ceph, bucket, tmp_path):
        tls = replace(bucket, endpoint=ceph.tls_endpoint)
        with pytest.raises(StoreError, match=r"certificate of .* is not trusted: .*; check archive.objects_ca$"):
            S3Store.make(tls)
        Authority.create(tmp_path / "other").enrol_broker(tmp_path / "keys")
        with pytest.raises(StoreError, match=r"check archive.objects_ca$"):
            S3Store.make(replace(tls, ca=(tmp_path / "keys" / "ca.pem").read_bytes()))
        store = S3Store.make(replace(tls, ca=ceph.ca.read_bytes()))
        store.put({f"{A}/preamble": b"one"})
        assert S3Store(bucket).get(f"{A}/preamble") == b"one"

    def test_a_server_that_ignores_the_condition(self, bucket):
        with Careless() as endpoint, pytest.raises(StoreError, match=r"ignores `If-None-Match: \*`.*objects_endpoint$"):
            S3Store.make(replace(bucket, endpoint=endpoint))
        with Careless(marked=True) as endpoint:
            careless = replace(bucket, endpoint=endpoint)
            S3Store(careless)
            with pytest.raises(StoreError, match=r"ignores `If-None-Match: \*`.*objects_endpoint$"):
                S3Store.to_write(careless)

    @pytest.mark.parametrize(
        ("status", "answer", "says"),
        [
            (200, "<html>Welcome</html>", r"does not answer as an S3 server; check archive.objects_endpoint$"),
            (404, "<html>Nothing here</html>", r"as an S3 server: HTTP 404; check archive.objects_endpoint$"),
            (
                503,
                "<Error><Code>SlowDown</Code></Error>",
                r"as an S3 server: SlowDown; check archive.objects_endpoint$",
            ),
            (301, "<Error><Code>PermanentRedirect</Code></Error>", r"another region .*; check archive.objects_region$"),
        ],
    )
    def test_a_server_that_is_none_of_s3_or_not_ours(self, bucket, status, answer, says):
        with Careless(answer.encode(), status) as endpoint, pytest.raises(StoreError, match=says):
            S3Store.make(replace(bucket, endpoint=endpoint))

    def test_what_the_environment_says_counts_for_nothing(self, bucket, monkeypatch):
        for name, value in {
            "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
            "AWS_ENDPOINT": "http://127.0.0.1:9",
            "AWS_SKIP_SIGNATURE": "true",
            "AWS_CONDITIONAL_PUT": "disabled",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
            "AWS_S3_EXPRESS": "true",
        }.items():
            monkeypatch.setenv(name, value)
        store = S3Store.make(bucket)
        assert store.put({f"{A}/preamble": b"one"}) == frozenset()
        assert store.put({f"{A}/preamble": b"two"}) == {f"{A}/preamble"}

    def test_a_signature_does_not_last(self, bucket):
        with pytest.raises(StoreError, match=r"clock and this machine's differ"):
            bucket_module.check_forgets(bucket, datetime.now(UTC) - timedelta(hours=1))


class Careless(http.server.ThreadingHTTPServer):
    """Takes every object, whether the name is free or not; to whoever asks it has no versioning, or what is given.

    `marked`: and it has a store.
    """

    def __init__(
        self, answer: bytes = b"<VersioningConfiguration/>", status: int = 200, *, marked: bool = False
    ) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.say(200, b"")

            def do_GET(self) -> None:
                self.say(status, s3.MARKER_BYTES if marked and s3.MARKER in self.path else answer)

            def say(self, code: int, body: bytes) -> None:
                self.send_response(code)
                self.send_header("ETag", '"0"')
                self.send_header("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server_port}"

    def __exit__(self, *raised: object) -> None:
        self.shutdown()
        super().__exit__(*raised)


class TestFailingServer:
    """The road to it can be cut at a byte, and it can hang and die."""

    @pytest.fixture
    def relay(self, ceph: Ceph) -> Iterator[Relay]:
        with Relay(ceph.port) as relay:
            yield relay

    @pytest.fixture
    def bucket(self, ceph: Ceph, relay: Relay) -> Bucket:
        return replace(ceph.bucket(), endpoint=f"http://127.0.0.1:{relay.port}")

    @pytest.fixture
    def impatient(self, bucket: Bucket) -> S3Store:
        with impatience():
            return S3Store.make(bucket)

    @pytest.mark.parametrize("silently", [False, True])
    def test_an_answer_that_got_lost_is_no_clash(self, impatient, relay, silently):
        relay.swallow(1, silently=silently)
        assert impatient.put({f"{A}/preamble": b"one"}) == frozenset()
        assert relay.swallowed == 1
        assert impatient.get(f"{A}/preamble") == b"one"
        relay.swallow(1, silently=silently)
        impatient.delete([f"{A}/preamble"])
        assert relay.swallowed == 2
        assert list(impatient.list("")) == []

    def test_answers_that_get_lost_again_and_again_are_the_stores_error(self, impatient, relay):
        relay.swallow(1_000)
        for does in (
            lambda: impatient.put({f"{A}/preamble": b"one"}),
            lambda: impatient.get(f"{A}/preamble"),
            lambda: list(impatient.list("")),
            lambda: impatient.delete([f"{A}/preamble"]),
        ):
            with pytest.raises(StoreError, match=r"^s3://"):
                does()
        relay.swallow(0)
        assert impatient.put({f"{A}/manifest": b""}) == frozenset()

    @pytest.mark.parametrize("ends", ["killed", "stopped"])
    def test_a_server_that_ends_in_the_middle_of_a_put_leaves_nothing_half(self, ceph, impatient, bucket, relay, ends):
        objects = {f"{A}/origin": b"o", f"{A}/preamble": LARGE, f"{A}/manifest": b"m", f"{B}/origin": LARGE}
        with ceph.failing() as gateway:
            relay.at(len(LARGE) // 2, gateway.kill if ends == "killed" else gateway.stop)
            with pytest.raises(StoreError, match=r"^s3://.* cannot be kept: "):
                impatient.put(objects)
        again = S3Store(bucket)
        left = list(again.list(""))
        assert f"{A}/manifest" not in left, "it is behind one that failed"
        assert {name: again.get(name) for name in left} == {name: objects[name] for name in left}
        assert len(left) < len(objects)
        assert again.put(objects) == frozenset()
        assert {name: again.get(name) for name in again.list("")} == objects

    def test_what_has_not_begun_when_one_fails_is_left(self, impatient, relay, monkeypatch):
        monkeypatch.setattr(s3, "REQUESTS_AT_ONCE_MAX", 1)
        relay.swallow(1_000)
        with pytest.raises(StoreError):
            impatient.put({f"{index:032x}/origin": b"" for index in range(50)})
        relay.swallow(0)
        assert len(list(impatient.list(""))) <= 1
