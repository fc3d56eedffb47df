"""`python -m bench.backlog`: how fast a room sends what lies on its card after a day without its archive.

Six hours of speech, kept on a card by the device's own code. Then the real room's process finds them there, and sends them
through a real Mosquitto to a real archive, until it has forgotten all of them. Beside it, in the same run, what the road gives:
a publisher of the same payloads by the same client library that does nothing else, to a subscriber that does nothing. Once as
fast as this machine is, and once over a slow link.

Exits with 1 if a target is missed.
"""

import argparse
import contextlib
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from rich.console import Console

from bench import command, processes, results
from bench.card import fill
from bench.figures import Line
from bench.link import link
from bench.processes import SPAWN, running
from bench.rooms import BITRATE
from bench.site import Site
from recorder import config, tls
from recorder.device.spool import Spool
from recorder.errors import TrialError
from recorder.sealed import layout
from recorder.trial import children
from recorder.wire.records import parse_record
from recorder.wire.topics import RECORDING_PATTERN, UploadTopic, shared_uploads
from recorder.wire.upload import ENVELOPE_BYTES, Upload

RATIO_MIN = 0.8
MEETINGS = 12
LINK_BITS_A_SECOND = 10_000_000.0
LINK_DELAY_SECONDS = 0.01
BARE_MESSAGES = 4_000
BARE_IN_FLIGHT = 100
GROUP = "bench"
RUN_SECONDS_MAX = 3_600.0
LOOK_SECONDS = 0.02
ROOM = "room-{}"


@dataclass(frozen=True, slots=True)
class Sent:
    """By a room."""

    seconds: float
    """From the first recording that the archive had signed for to the last one."""
    start_seconds: float
    """From the start of the process to the first."""
    payload_bytes: int
    """Between the first and the last."""
    items: int
    cpu_seconds: float
    """Of the room, from its start to its end; all of it."""
    all_items: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.backlog", description="How fast a room sends a day's backlog.")
    parser.add_argument("--hours", type=float, default=6.0, help="of speech (default %(default)s)")
    parser.add_argument("--window", type=int, default=config.load(None).uplink.window, help="(default %(default)s)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    links = [
        ("as fast as this machine is", 0.0),
        ("over a link of 10 Mbit/s, 20 ms there and back", LINK_BITS_A_SECOND),
    ]
    lines: list[Line] = []
    raw = {}
    for number, (told, bits) in enumerate(links):
        with Site() as site:
            name = ROOM.format(number)
            site.enrol([name])
            with link(site.broker.port, bits, LINK_DELAY_SECONDS) if bits else _none(site.broker.port) as port:
                file = site.room(name, port, window=arguments.window)
                settings = config.load(file)
                blocks = round(arguments.hours * 3_600 / settings.seal.block_seconds / MEETINGS)
                console.print(f"{told}: keeping {MEETINGS} meetings of {blocks} blocks")
                recordings = fill(settings, MEETINGS, blocks, round(BITRATE / 8 * settings.seal.block_seconds))
                payloads = _payloads(settings, recordings[0])
                bare = [_bare(site, name, port, payloads)]
                with site.intakes():
                    sent = _send(file, recordings)
                bare.append(_bare(site, name, port, payloads))
        found = _lines(told, bare, sent, arguments.window)
        results.tell(found, console)
        lines += found
        raw[told] = {"bare": bare, "sent": asdict(sent)}
    return results.finish(lines, {"runs": raw}, "backlog", console)


@contextlib.contextmanager
def _none(port: int) -> Iterator[int]:
    yield port


def _send(file: Path, recordings: list[str]) -> Sent:
    """Let the room's process send everything."""
    spool = Path(config.load(file).room.folder) / "spool"
    sizes = {each: [found.stat().st_size for found in _records(spool / each)] for each in recordings}
    room = [sys.executable, "-m", "recorder", "room", "--config", str(file)]
    with (file.parent / "room.log").open("ab") as log:
        began = time.monotonic()
        process = children.start(room, input_=subprocess.PIPE, output=subprocess.DEVNULL, errors=log)
    first = 0.0
    try:
        left = gone = set(recordings)
        before: set[str] = set()
        while left:
            time.sleep(LOOK_SECONDS)
            left = {each.name for each in spool.iterdir() if RECORDING_PATTERN.fullmatch(each.name)}
            if not first and left != gone:
                first, before = time.monotonic(), gone - left
            if process.poll() is not None or time.monotonic() - began > RUN_SECONDS_MAX:
                raise TrialError(f"the room did not send everything; its log is {file.parent / 'room.log'}")
        seconds, cpu = time.monotonic() - first, processes.cpu(process.pid).own
    finally:
        process.terminate()
        process.communicate()
    counted = [size + ENVELOPE_BYTES for each in recordings if each not in before for size in sizes[each]]
    everything = sum(len(each) for each in sizes.values())
    return Sent(seconds, first - began, sum(counted), len(counted), cpu, everything)


def _records(folder: Path) -> list[Path]:
    return [
        each for each in folder.iterdir() if re.fullmatch("preamble|block-[0-9]+|manifest|keybox|receipt", each.name)
    ]


def _payloads(settings: config.Config, recording: str) -> list[bytes]:
    """Of the blocks of a recording on the card, as the room sends them; again and again, if they are few."""
    spool = Spool(Path(settings.room.folder) / "spool", settings.spool.bytes_max)
    names = [name for name in spool.names(recording) if name.type is layout.RecordType.BLOCK]
    payloads = [bytes(Upload(recording, bytes(32), *parse_record(spool.read(name)))) for name in names]
    return (payloads * (BARE_MESSAGES // len(payloads) + 1))[:BARE_MESSAGES]


def _bare(site: Site, room: str, port: int, payloads: list[bytes]) -> float:
    """Payload bytes a second from a publisher that does nothing else to a subscriber that does nothing."""
    ours, theirs = SPAWN.Pipe()
    listening = site.archive / "keys", site.broker.port, len(payloads), theirs
    publishing = site.folder / room / "keys", port, str(UploadTopic(room, "0" * 32)), payloads
    with running(_subscribe, *listening):
        ours.recv()
        with running(_publish, *publishing):
            if not ours.poll(RUN_SECONDS_MAX):
                raise TrialError("what was published did not arrive")
            seconds: float = ours.recv()
    return sum(map(len, payloads[1:])) / seconds


def _subscribe(keys: Path, port: int, count: int, pipe: Connection) -> None:
    """Tell when it listens, and then the seconds from the first to the last of so many messages."""
    times: list[float] = []

    def hear(*_: object) -> None:
        times.append(time.monotonic())
        if len(times) == count:
            pipe.send(times[-1] - times[0])

    client = _client("bare-subscriber", keys)
    client.on_connect = lambda *_: client.subscribe(shared_uploads(GROUP), qos=1)
    client.on_subscribe = lambda *_: pipe.send("listens")
    client.on_message = hear
    client.connect("localhost", port)
    client.loop_forever()


def _publish(keys: Path, port: int, topic: str, payloads: list[bytes]) -> None:
    client = _client("bare-publisher", keys)
    client.max_inflight_messages_set(BARE_IN_FLIGHT)

    def publish(*_: object) -> None:
        for payload in payloads:
            client.publish(topic, payload, qos=1)

    client.on_connect = publish
    client.connect("localhost", port)
    client.loop_forever()


def _client(name: str, keys: Path) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(tls.Identity(keys).context)
    return client


def _lines(told: str, bare: list[float], sent: Sent, window: int) -> list[Line]:
    limit, rate = statistics.mean(bare), sent.payload_bytes / sent.seconds
    measured = " and ".join(f"{each / 1e6:.2f}" for each in bare)
    return [
        Line(f"{told}: a publisher that does nothing else", f"{limit / 1e6:.2f} MB/s (before and after: {measured})"),
        Line(
            f"  a room, {window} items on the road",
            f"{rate / 1e6:.2f} MB/s, {sent.items / sent.seconds:,.0f} items a second",
        ),
        Line("  to that publisher", f"{rate / limit:.2f} x", f"at least {RATIO_MIN} x", rate / limit >= RATIO_MIN),
        Line(
            "  everything",
            f"{sent.all_items:,} items; the first recording gone {sent.start_seconds:.1f} s after the start, the last "
            f"{sent.seconds:.1f} s later; {1e6 * sent.cpu_seconds / sent.all_items:.0f} µs of processor an item",
        ),
    ]


if __name__ == "__main__":
    command.run(main)
