"""`recorder run`: meetings on this machine, by hand or by script, and what is left of them in a folder.

room-1-000001.sealed  .receipt  .opus  meeting.json  room-1.device.pub        what its user came for
parts/                                                                       the machines' own files
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import track

from recorder import config, keyfiles
from recorder.archive.export import export, receipt
from recorder.archive.reading_room import listen
from recorder.archive.stores import open_store
from recorder.cli import EXIT_BAD_INPUT
from recorder.device.cards import capture_cards
from recorder.device.hold import swap_in_use
from recorder.errors import ScriptError, TrialError
from recorder.sealed.verify import KeyboxState, verify
from recorder.trial import account, terminal
from recorder.trial.machines import ROOM, Machines
from recorder.trial.performance import Performance
from recorder.trial.room import RoomProcess
from recorder.trial.script import Press, Step, Wait, parse
from recorder.trial.soundstage import MICROPHONE, ONE_CHANNEL, SoundStage, speech, wav_seconds

CONNECTED_SECONDS_MAX = 30.0
LEAVE = (signal.SIGTERM, signal.SIGHUP)
"""They do as Control-C does, once: a closed terminal may say it twice. What is begun is ended and kept, in a bounded time."""
SHORT = {"meeting": {"notice_seconds": 3.0, "grace_seconds": 5.0}}
"""Shorter than a municipality's, so that trying it does not take minutes."""
TEXT = (
    "Goedemiddag, fijn dat u er bent. Dit gesprek wordt opgenomen, zodat we allebei later kunnen horen wat er is gezegd. "
    "U mag nee zeggen, ook nog even na afloop; dan wordt alles gewist, en dat heeft geen gevolgen. "
    "Vertelt u eens: hoe gaat het met u, en wat heeft u de afgelopen maanden gedaan? "
)
"""What the synthesised speaker says where there is no microphone."""
REPEATS = 40


def run(*, source: Path | None, script: str | None, out: Path | None, config_file: Path | None) -> int:
    """Hold the meeting; 0 when the archive has signed for everything that was begun."""
    steps = None if script is None else parse(script)
    if steps is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise TrialError('there is no terminal to press keys in; give the presses: SCRIPT="start,wait:20,stop"')
    if source is not None:
        wav_seconds(source)  # refuse what is no WAV before anything starts
    _must_fit(steps or (), config.load(config_file))
    settings = config.overlay(SHORT, _given(config_file))
    console = Console(file=_Screen(sys.stdout if steps is None else sys.stderr), highlight=False)  # type: ignore[arg-type]
    folder = _folder(out)
    room: RoomProcess | None = None
    misfit: ScriptError | None = None
    with contextlib.ExitStack() as stack:
        stack.callback(_leave_nothing_of_nothing, folder, lambda: room)
        for number in LEAVE:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, _leave)
        stage, source, settings = _sound(source, settings, stack, console)
        environment = {} if stage is None else stage.environment
        if swap_in_use():
            console.print(
                "This computer swaps, so the key of a meeting could come to its disk. A real room would not start."
            )
        console.print(f"Starting broker, archive and room on this machine, in {folder} …", soft_wrap=True)
        machines = stack.enter_context(Machines(folder / "parts", settings, environment))
        stack.callback(_ignore, signal.SIGINT, *LEAVE)  # the machines are stopped whatever comes
        room = machines.start_room()
        room.wait_for(
            "connection to the broker", lambda it: it.report is not None and it.report.connected, CONNECTED_SECONDS_MAX
        )
        performance = Performance(room, machines.settings, stage, source)
        try:
            try:
                if steps is None:
                    terminal.show(performance, console)
                for step in steps or ():
                    _act(performance, step, console)
            except ScriptError as error:
                misfit = error
            except KeyboardInterrupt:
                console.print("\nInterrupted: what was begun is ended and kept. Control-C once more leaves at once.")
            _ignore(*LEAVE)
            console.print("Waiting until the archive has signed for everything …")
            performance.finish(console.print)
        except KeyboardInterrupt:
            console.print(f"\nInterrupted. {room.safe()}", soft_wrap=True)
            if room.happened("begun"):
                console.print(f"What there is lies in {folder / 'parts'}", soft_wrap=True)
            raise
        machines.stop_room()
        meetings = _collect(machines, room, folder)
    if meetings:
        _tell(meetings, folder, console)
    if misfit is not None:
        raise misfit
    if not meetings:
        fault = room.report.status.fault if room.report is not None else ""
        raise TrialError(f"no meeting was recorded: {fault or 'start was not pressed'}")
    return 0


class _Screen:
    """A stream that may lose its reader, as when a terminal is closed: then nobody reads on, and the meeting is kept."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError:
            lost, nowhere = self._stream.fileno(), os.open(os.devnull, os.O_WRONLY)
            for stream in (1, 2):
                if os.path.sameopenfile(stream, lost):  # standard error too, where it was the same terminal
                    os.dup2(nowhere, stream)
            os.close(nowhere)


def _leave(*_: object) -> None:
    _ignore(*LEAVE)
    raise KeyboardInterrupt


def _ignore(*numbers: signal.Signals) -> None:
    for number in numbers:
        signal.signal(number, lambda *_: None)


def _act(performance: Performance, step: Step, console: Console) -> None:
    match step:
        case Wait(seconds):
            looks = max(1, round(seconds))
            for _ in track(range(looks), f"  wait {seconds:g} s", console=console):
                performance.act(Wait(seconds / looks))
        case Press():
            console.print(f"  {step}")
            performance.act(step)


def _must_fit(steps: Sequence[Step], settings: config.Config) -> None:
    """Refuse what the room of these settings could not follow, before anything starts."""
    if steps and not {Press.START, Press.REFUSE} & set(steps):
        raise TrialError("script: there is neither start nor refuse in it, so there would be no meeting")
    if Press.YES in steps and not settings.meeting.ask_everyone:
        raise TrialError("script: 'yes' is for a room that asks: set meeting.ask_everyone to true, with --config")
    if Press.END in steps and not settings.panel.end_button:
        raise TrialError(
            "script: 'end' is for a room with that button: set panel.end_button, which is 0, with --config"
        )


def _given(file: Path | None) -> dict[str, Any]:
    return {} if file is None else tomllib.loads(file.read_text(encoding="utf-8"))


def _folder(out: Path | None) -> Path:
    folder = out or Path("recordings") / datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    try:
        if (folder / "meeting.json").exists() or (folder / "parts").exists():
            raise TrialError(f"{folder} holds an earlier meeting; choose another folder")
        (folder / "parts").mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise TrialError(f"{folder}: cannot be made: {error.strerror}") from error
    return folder


def _leave_nothing_of_nothing(folder: Path, room: Callable[[], RoomProcess | None]) -> None:
    """Where nothing was recorded and no machine crashed nothing is kept: the folder is free for the next attempt."""
    ran = room()
    begun, missed = (
        {each.recording for each in ran.happened(name)} if ran is not None else set() for name in ("begun", "missed")
    )
    if ran is None or (begun <= missed and ran.process.returncode in (0, EXIT_BAD_INPUT)):
        shutil.rmtree(folder / "parts")
        with contextlib.suppress(OSError):  # it was there before, with something in it
            folder.rmdir()


def _sound(
    source: Path | None, settings: Mapping[str, Any], stack: contextlib.ExitStack, console: Console
) -> tuple[SoundStage | None, Path | None, dict[str, Any]]:
    """What the room hears: a microphone, the one that the settings name or the first, or a WAV file in a virtual one."""
    named = settings.get("microphone", {}).get("identity")
    if source is None and named is not None:
        console.print(f"Recording with the microphone {named}, as the settings say.")
        return None, None, dict(settings)
    cards = capture_cards()
    if source is None and cards:
        console.print(f"Recording with the microphone {cards[0].name} ({cards[0].identity}).")
        return (
            None,
            None,
            config.overlay({"microphone": {"identity": cards[0].identity, **ONE_CHANNEL}}, dict(settings)),
        )
    stage = stack.enter_context(SoundStage())
    if source is None:
        console.print("There is no microphone on this machine: synthesised speech is played into a virtual one.")
        # Outside the folder: the only sound that is left there shall be the recording.
        source = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="speech-"))) / "speech.wav"
        speech(TEXT * REPEATS, source)
    return (
        stage,
        source,
        config.overlay(dict(settings), {"microphone": MICROPHONE}),
    )


def _collect(machines: Machines, room: RoomProcess, folder: Path) -> list[dict[str, Any]]:
    """Fetch every meeting from the archive, verify it, and open what was kept."""
    if not room.happened("begun"):
        return []
    public = folder / f"{ROOM}.device.pub"
    shutil.copyfile(machines.device_key, public)
    device_key = keyfiles.load_device_public(public)
    recipient = keyfiles.load_recipient(machines.reader_key, machines.passphrase_file.read_bytes())
    store = open_store(machines.settings.archive)
    meetings = []
    for begun in room.happened("begun"):
        fetched = folder / f"{begun.recording}.sealed"
        with fetched.open("wb") as out:
            out.writelines(export(store, begun.recording))
        with fetched.open("rb") as stream:
            report = verify(stream, [device_key])
        sealed = fetched.rename(folder / f"{ROOM}-{report.preamble.sequence:06d}.sealed")
        told = sealed.with_suffix(".receipt")
        told.write_bytes(receipt(store, begun.recording))
        files = {"sealed": sealed.name, "receipt": told.name}
        if report.keybox is KeyboxState.PRESENT:
            audio = sealed.with_suffix(".opus")
            listen(sealed, [device_key], recipient, audio)
            files["audio"] = audio.name
        meetings.append({**account.account(room, begun.recording, report), "files": files})
    # The last meeting at the top, where most who look have only one; those before it beneath.
    text = json.dumps({**meetings[-1], "earlier": meetings[:-1]}, indent=2)
    (folder / "meeting.json").write_text(text + "\n", encoding="utf-8")
    return meetings


def _tell(meetings: list[dict[str, Any]], folder: Path, console: Console) -> None:
    for meeting in meetings:
        sealed = folder / meeting["files"]["sealed"]
        match meeting["outcome"]:
            case "refused":
                told = "refused. Of what was said nothing is left: the files tell that it was refused, and when"
            case "empty":
                told = "empty: it ended before anything was recorded"
            case outcome:
                told = f"{outcome}, {meeting['verified']}, {meeting['counts']['seconds']:.1f} s recorded"
                if meeting["gaps"] or meeting["ended"] in ("fault", "power_loss"):
                    told += "; not all of the meeting, as `recorder verify` tells"
        console.print(f"\n{sealed.stem}: {told}")
        console.print(f"  verify it   .venv/bin/recorder verify {sealed}", soft_wrap=True)
        receipt_file = folder / meeting["files"]["receipt"]
        console.print(f"  its receipt .venv/bin/recorder verify {receipt_file}", soft_wrap=True)
        if "audio" in meeting["files"]:
            console.print(f"  hear it     {folder / meeting['files']['audio']}", soft_wrap=True)
    console.print(f"\nEverything lies in {folder}", soft_wrap=True)
