"""`python -m bench.intake`: how many messages a second the archive's intake takes, against receivers that do nothing.

Rooms send real signed blocks over mutual TLS through a real Mosquitto, as fast as they are answered; all of it on one
machine, so that a receiver has what broker and senders leave of it. In turns, so that what the machine does besides meets
all of them:

- `mosquitto_sub`, in C, which counts;
- a subscriber of paho's that counts;
- one intake: judged, stored, receipts signed and received;
- two intakes at one archive.

Exits with 1 if a target is missed.
"""

import argparse
import contextlib
import itertools
import os
import statistics
import subprocess
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from rich.console import Console
from rich.progress import track

from bench import command, results
from bench.blaster import Load, blast
from bench.figures import Line
from bench.processes import SPAWN, running
from bench.site import Site
from recorder import tls
from recorder.errors import TrialError
from recorder.wire.topics import shared_uploads, status

SIZES = (4_096, 32_768)
ONE_INTAKE_MIN, TWO_INTAKES_MIN = 0.9, 0.6
ROOMS = 8
WINDOW_BYTES = 1_048_576
"""On the road of each room: 256 blocks of 4 KiB. Of a real one it is 8 to 128, and there are more of them."""
GROUP = "bench"
MOSQUITTO_SUB, PAHO, ONE_INTAKE, TWO_INTAKES = "mosquitto_sub", "a subscriber of paho's", "one intake", "two intakes"
RECEIVERS = (MOSQUITTO_SUB, PAHO, ONE_INTAKE, TWO_INTAKES)
Counter = Any
"""An integer that processes share."""
ONE_RUN_SECONDS_MAX = 120.0
SIGN = status("room-0")
"""Something is kept there, so that mosquitto_sub, which does not say that it has subscribed, shows it: it hears that first."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.intake", description="How many messages a second the intake takes.")
    parser.add_argument("--messages", type=int, default=40_000, help="in each run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of all receivers in turns (default %(default)s)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    rates = measure(arguments.messages, arguments.rounds, console)
    lines = [line for size in SIZES for line in _lines(size, {name: rates[name, size] for name in RECEIVERS})]
    results.tell(lines, console)
    raw = {"rates": {f"{name}, {size}": found for (name, size), found in rates.items()}}
    return results.finish(lines, raw, "intake", console)


def measure(messages: int, rounds: int, console: Console) -> dict[tuple[str, int], list[float]]:
    """Messages a second, by receiver and size."""
    runs = [(name, size) for _ in range(rounds) for size in SIZES for name in RECEIVERS]
    rates: dict[tuple[str, int], list[float]] = {}
    for name, size in track(runs, "receiving", console=console):
        rates.setdefault((name, size), []).append(_run(name, size, messages))
    return rates


def _run(name: str, size: int, messages: int) -> float:
    rooms = [f"room-{at}" for at in range(ROOMS)]
    answered = [SPAWN.Value("q", 0, lock=False) for _ in rooms]
    ready, start = [SPAWN.Event() for _ in rooms], SPAWN.Event()
    intakes = {ONE_INTAKE: 1, TWO_INTAKES: 2}.get(name, 0)
    with Site() as site, contextlib.ExitStack() as stack:
        site.enrol(rooms)
        port = site.broker.port
        if intakes:
            stack.enter_context(site.intakes(intakes))
        else:
            _keep_sign(site.folder / rooms[0] / "keys", port)
            count, listens = COUNTERS[name], SPAWN.Event()
            stack.enter_context(running(count, site.archive / "keys", port, answered, listens))
            if not listens.wait(ONE_RUN_SECONDS_MAX):
                raise TrialError(f"{name} did not subscribe")
        for at, room in enumerate(rooms):
            load = Load(site.folder / room, room, port, messages // ROOMS, size, WINDOW_BYTES // size, intakes > 0)
            stack.enter_context(running(blast, load, answered[at], ready[at], start))
        for event in ready:
            if not event.wait(ONE_RUN_SECONDS_MAX):
                raise TrialError("a sender did not come so far that it could begin")
        began = time.monotonic()
        start.set()
        while (done := sum(each.value for each in answered)) < messages // ROOMS * ROOMS:
            time.sleep(0.002)
            if time.monotonic() - began > ONE_RUN_SECONDS_MAX:
                raise TrialError(f"{name} took {done} of {messages} messages in {ONE_RUN_SECONDS_MAX:.0f} s")
        return done / (time.monotonic() - began)


def _count_by_paho(keys: Path, port: int, answered: list[Counter], listens: Event) -> None:
    client = Client(CallbackAPIVersion.VERSION2, client_id="paho", protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(tls.Identity(keys).context)
    client.on_connect = lambda *_: client.subscribe(shared_uploads(GROUP), qos=1)
    client.on_subscribe = lambda *_: listens.set()
    count = itertools.count(1)
    client.on_message = lambda *_: _tell(answered, next(count))
    client.connect("localhost", port)
    client.loop_forever()


def _count_by_mosquitto_sub(keys: Path, port: int, answered: list[Counter], listens: Event) -> None:
    # By QoS 0, its default, which costs it less: Mosquitto reads a packet of each connection in turn, so that this one's
    # acknowledgements wait behind the messages of all senders, until it drops what it believes to be still on the road.
    topics = ["-t", shared_uploads(GROUP), "-t", SIGN]  # in one packet, so whoever hears the sign has both
    command = ["setpriv", "--pdeathsig", "KILL", "--", "mosquitto_sub", *_road(keys, port), *topics, "-F", "%l"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if not os.read(process.stdout.fileno(), 65_536):  # the sign alone: nobody sends before it is there
            raise TrialError("mosquitto_sub ended")
        listens.set()
        count = 0
        while data := os.read(process.stdout.fileno(), 65_536):
            count += data.count(b"\n")
            _tell(answered, count)


def _keep_sign(keys: Path, port: int) -> None:
    subprocess.run(["mosquitto_pub", *_road(keys, port), "-q", "1", "-r", "-t", SIGN, "-m", "here"], check=True)


def _road(keys: Path, port: int) -> list[str]:
    """To the broker, for Mosquitto's programs."""
    files = ["--cafile", str(keys / "ca.pem"), "--cert", str(keys / "tls.pem"), "--key", str(keys / "tls.key")]
    return ["-V", "mqttv5", "-h", "localhost", "-p", str(port), *files]


COUNTERS = {PAHO: _count_by_paho, MOSQUITTO_SUB: _count_by_mosquitto_sub}


def _tell(answered: list[Counter], count: int) -> None:
    """Of so many messages, each sender's share: who counts does not look whose they are."""
    share = count // len(answered)
    if answered[0].value != share:
        for each in answered:
            each.value = share


def _lines(size: int, rates: dict[str, list[float]]) -> list[Line]:
    median = {name: statistics.median(found) for name, found in rates.items()}
    told = f"messages of {size // 1024} KiB a second"
    ratio_one, ratio_two = median[ONE_INTAKE] / median[PAHO], median[TWO_INTAKES] / median[MOSQUITTO_SUB]
    return [
        Line(f"{told}, {MOSQUITTO_SUB}", f"{median[MOSQUITTO_SUB]:,.0f}"),
        Line(f"  {PAHO}", f"{median[PAHO]:,.0f}"),
        Line(f"  {ONE_INTAKE}", f"{median[ONE_INTAKE]:,.0f}"),
        Line(f"  to {PAHO}", f"{ratio_one:.2f} x", f"at least {ONE_INTAKE_MIN} x", ratio_one >= ONE_INTAKE_MIN),
        Line(f"  {TWO_INTAKES}", f"{median[TWO_INTAKES]:,.0f}"),
        Line(
            f"  to {MOSQUITTO_SUB}", f"{ratio_two:.2f} x", f"at least {TWO_INTAKES_MIN} x", ratio_two >= TWO_INTAKES_MIN
        ),
    ]


if __name__ == "__main__":
    command.run(main)
