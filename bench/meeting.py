"""One meeting through every real part: sound card, capture, daemon, broker, archive, reading room; watched as it runs."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import processes
from bench.processes import Cpu, Memory
from recorder import config, keyfiles
from recorder.archive.export import export
from recorder.archive.reading_room import listen
from recorder.archive.stores import open_store
from recorder.audio import OpusBlock
from recorder.errors import TrialError
from recorder.sealed.layout import RecordType, split
from recorder.sealed.open import open_recording
from recorder.trial.account import account
from recorder.trial.machines import Machines
from recorder.trial.performance import Performance
from recorder.trial.script import Press, Wait
from recorder.trial.session import CONNECTED_SECONDS_MAX, SHORT
from recorder.trial.soundstage import MICROPHONE, SoundStage

LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """Both processes at one moment of the recording."""

    seconds: float
    daemon: Memory
    capture: Memory
    cpu: float
    """Seconds, of these and the guard so far."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the meeting left behind."""

    settings: config.Config
    account: dict[str, Any]
    """As in `meeting.json`."""
    before: Cpu
    """The daemon's, when the recording began: what starting it cost."""
    after: Cpu
    """The daemon's, when the archive had signed for everything; its children's are the capture process's."""
    guard_cpu: float
    """Seconds of the guard, from its start."""
    looks: list[Look]
    written_bytes: int
    """To storage by the daemon, from the start of the recording on."""
    sealed_bytes: int
    packet_bytes: int
    """Of Opus packets, in the sealed recording."""
    block_sizes: dict[int, int]
    """How many blocks are how long."""
    audio: Path


def hold(source: Path, seconds: int, folder: Path, progress: Callable[[float], None]) -> Held:
    """Record `seconds` of `source` with the default settings; notice and grace period are short."""
    settings = config.overlay(SHORT, {"microphone": MICROPHONE})
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(SoundStage())
        machines = stack.enter_context(Machines(folder, settings, stage.environment))
        room = machines.start_room()
        room.wait_for(
            "connection to the broker", lambda it: it.report is not None and it.report.connected, CONNECTED_SECONDS_MAX
        )
        pid = room.process.pid
        performance = Performance(room, machines.settings, stage, source)
        before, written = processes.cpu(pid), processes.written_bytes(pid)
        performance.act(Press.START)
        began = time.monotonic()
        capture, guard = (processes.child(pid, f"recorder.device.{name}") for name in ("capture", "guard"))
        if capture is None or guard is None:
            raise TrialError("the recording has no capture process or no guard that could be watched")
        looks = []
        while (passed := time.monotonic() - began) < seconds:
            mine, its = processes.memory(pid), processes.memory(capture)
            if mine and its:
                cpu = processes.cpu(pid).total + processes.cpu(capture).own + processes.cpu(guard).own
                looks.append(Look(round(passed, 1), mine, its, cpu))
            progress(passed / seconds)
            performance.act(Wait(min(LOOK_SECONDS, seconds - passed)))
        performance.finish(print)
        after, written = processes.cpu(pid), processes.written_bytes(pid) - written
        guard_cpu = processes.cpu(guard).own
        machines.stop_room()
        progress(1.0)
        return _collect(
            machines, room, folder, before=before, after=after, guard_cpu=guard_cpu, looks=looks, written_bytes=written
        )


def _collect(machines: Machines, room: Any, folder: Path, **watched: Any) -> Held:
    recording = room.happened("begun")[-1].recording
    device_keys = [keyfiles.load_device_public(machines.device_key)]
    recipient = keyfiles.load_recipient(machines.reader_key, machines.passphrase_file.read_bytes())
    sealed, audio = folder / "recording.sealed", folder / "recording.opus"
    with sealed.open("wb") as out:
        out.writelines(export(open_store(machines.settings.archive), recording))
    report = listen(sealed, device_keys, recipient, audio)
    with sealed.open("rb") as stream:
        items = open_recording(stream, device_keys, recipient).items
        packet_bytes = sum(len(packet) for item in items if isinstance(item, OpusBlock) for packet in item.packets)
    sizes: dict[int, int] = {}
    with sealed.open("rb") as stream:
        for kind, body in split(stream):
            if kind is RecordType.BLOCK:
                sizes[len(body)] = sizes.get(len(body), 0) + 1
    return Held(
        settings=machines.settings,
        account=account(room, recording, report),
        sealed_bytes=sealed.stat().st_size,
        packet_bytes=packet_bytes,
        block_sizes=dict(sorted(sizes.items())),
        audio=audio,
        **watched,
    )
