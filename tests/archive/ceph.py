"""A real S3 server on this machine: Ceph's monitor, one OSD that keeps everything in memory, and the gateway (radosgw).

All of it is in one folder and on loopback, and ends with whoever started it. It needs no root. Without authentication between
its own parts, which are one party here; S3's own is as it always is.
"""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from recorder.archive.bucket import Bucket
from recorder.fleet.authority import Authority
from recorder.trial import children

START_SECONDS_MAX = 120.0
COMMAND_SECONDS_MAX = 60.0
BUCKET = "archive"
PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")

CONFIGURATION = """\
[global]
fsid = {fsid}
run_dir = {folder}
keyring = {folder}/keyring
mon_host = v2:127.0.0.1:{mon_port}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
# Without keys there is nothing to encrypt with.
ms_mon_client_mode = crc
ms_bind_ipv6 = false
public_addr = 127.0.0.1
log_file = {folder}/$name.log
admin_socket =
crash_dir = {folder}
pid_file =
# One of everything is enough, and there is no disk to tell of.
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
# Every step of the start waits for the monitor to agree with itself.
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
osd_crush_chooseleaf_type = 0
osd_crush_update_on_start = true

[mon.a]
mon_data = {folder}/mon
mon_data_avail_crit = 0
mon_data_avail_warn = 0

[osd.0]
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_op_num_shards = 2
osd_op_num_threads_per_shard = 1

[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:{port} ssl_endpoint=127.0.0.1:{tls_port} ssl_certificate={keys}/both.pem tcp_nodelay=1
# A cache would have to be told of changes, and each change wait for a gateway that was killed.
rgw_cache_enabled = false
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_enable_gc_threads = false
rgw_enable_lc_threads = false
rgw_enable_quota_threads = false
rgw_dynamic_resharding = false
rgw_run_sync_thread = false
rgw_override_bucket_index_max_shards = 1
"""


class Gateway:
    """What answers, and how it fails."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def stop(self) -> None:
        """It does nothing more, and its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def go_on(self) -> bool:
        """Let it; False if it has ended."""
        self._process.send_signal(signal.SIGCONT)
        return self._process.poll() is None


class Ceph:
    """Started with the object, which is a context manager."""

    def __init__(self, folder: Path) -> None:
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            pytest.fail(
                f"{', '.join(missing)}: not installed; provisioning/workstation packages does it", pytrace=False
            )
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        mon_port, self.port, self._tls_port = _free_ports(3)
        keys = folder / "gateway"
        Authority.create(folder / "authority").enrol_broker(keys)
        (keys / "both.pem").write_bytes((keys / "tls.pem").read_bytes() + (keys / "tls.key").read_bytes())
        self.ca = keys / "ca.pem"
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.tls_endpoint = f"https://localhost:{self._tls_port}"
        fsid = str(uuid.uuid4())
        self._settings = folder / "ceph.conf"
        self._settings.write_text(
            CONFIGURATION.format(
                folder=folder, fsid=fsid, keys=keys, mon_port=mon_port, port=self.port, tls_port=self._tls_port
            )
        )
        try:
            self._start(fsid, mon_port)
        except BaseException:
            self.close()
            raise

    def _start(self, fsid: str, mon_port: int) -> None:
        monmap = self._folder / "monmap"
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{mon_port}]", monmap)
        for each in ("mon", "osd"):
            (self._folder / each).mkdir()
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self._serve("mon", "ceph-mon", "-i", "a", "-f")
        osd = str(uuid.uuid4())
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", osd)
        self._serve("osd", "ceph-osd", "-i", "0", "-f")
        self._start_gateway()
        self._await_gateway()
        told = self._run(
            *("radosgw-admin", "-n", "client.rgw", "user", "create", "--uid", "archive", "--display-name", "Archive")
        )
        key = json.loads(told)["keys"][0]
        self.access_key, self.secret_key = key["access_key"], key["secret_key"]
        self.make_bucket(BUCKET)
        self._ask("PUT", f"/{BUCKET}/first")  # makes the pools, which takes its time

    def _start_gateway(self) -> None:
        self._serve("gateway", "radosgw", "-n", "client.rgw", "-f")

    def _await_gateway(self) -> None:
        process = self._processes["gateway"]
        deadline = time.monotonic() + START_SECONDS_MAX
        while not _answers(self.port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"radosgw did not start; see {self._folder}", pytrace=False)
            time.sleep(0.05)

    @contextlib.contextmanager
    def failing(self) -> Iterator[Gateway]:
        """The gateway may be stopped or killed meanwhile; afterwards it answers again."""
        gateway = Gateway(self._processes["gateway"])
        try:
            yield gateway
        finally:
            if not gateway.go_on():
                self._start_gateway()
            self._await_gateway()

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        with self.failing() as gateway:
            gateway.stop()
            yield

    def bucket(self) -> Bucket:
        """A place for a store that nobody else has."""
        return Bucket(self.endpoint, "us-east-1", BUCKET, f"store-{uuid.uuid4()}", self.access_key, self.secret_key)

    def make_bucket(self, name: str, headers: dict[str, str] | None = None) -> None:
        self._ask("PUT", f"/{name}", headers=headers)

    def forbid(self, bucket: str, action: str) -> None:
        """To everyone."""
        rule = {"Effect": "Deny", "Principal": "*", "Action": [action], "Resource": [f"arn:aws:s3:::{bucket}/*"]}
        policy = {"Version": "2012-10-17", "Statement": [rule]}
        self._ask("PUT", f"/{bucket}?policy", json.dumps(policy).encode())

    def set_versioning(self, bucket: str, status: str) -> None:
        """ "Enabled" or "Suspended"."""
        body = f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>"
        self._ask("PUT", f"/{bucket}?versioning", body.encode())

    def _ask(self, method: str, resource: str, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """What no client of ours can: a request about a bucket. Signed as S3's first signature has it (version 2)."""
        date = formatdate(usegmt=True)
        extra = headers or {}
        amz = "".join(f"{key}:{extra[key]}\n" for key in sorted(extra))
        text = f"{method}\n\n\n{date}\n{amz}{resource}"
        signature = base64.b64encode(hmac.digest(self.secret_key.encode(), text.encode(), hashlib.sha1)).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=COMMAND_SECONDS_MAX)
        try:
            told = {"Date": date, "Authorization": f"AWS {self.access_key}:{signature}", **extra}
            connection.request(method, resource, body, told)
            answer = connection.getresponse()
            assert answer.status < 300, (method, resource, answer.status, answer.read())
        finally:
            connection.close()

    def close(self) -> None:
        while self._processes:
            _, process = self._processes.popitem()
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self, name: str, program: str, *args: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.out").open("ab") as out:
            self._processes[name] = children.start([program, "-c", str(self._settings), *args], output=out, errors=out)
        return self._processes[name]

    def _run(self, program: str, *args: str | Path) -> str:
        environment = {**os.environ, "CEPH_CONF": str(self._settings)}
        done = subprocess.run(
            [program, "-c", self._settings, *args] if program != "monmaptool" else [program, *args],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            env=environment,
        )
        if done.returncode:
            pytest.fail(f"{program} {args[0]}: {done.stderr}", pytrace=False)
        return done.stdout


def _free_ports(number: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [server.getsockname()[1] for server in servers]
    finally:
        for server in servers:
            server.close()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
