"""A meeting as a user holds it, from the command line; and what the command says when it cannot."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import correlate

from recorder.audio import TICKS_PER_SECOND
from tests.end_to_end.house import ROOT, recorder, until

RATE = 48_000
Samples = NDArray[np.float64]

HEARS_SIGNALS = ["env", "--default-signal=HUP,INT,TERM"]
"""The tests may have been started in the background, where some are ignored, and a program rightly goes on ignoring them."""
QUICK = """\
[meeting]
notice_seconds = 0.2
grace_seconds = 0.5
"""


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    file = tmp_path / "quick.toml"
    file.write_text(QUICK)
    return file


def tool(*arguments: object) -> None:
    subprocess.run([*map(str, arguments)], check=True, capture_output=True, timeout=60)


def samples(wav: Path) -> Samples:
    with wave.open(str(wav), "rb") as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").astype(np.float64)


def decoded(opus: Path) -> Samples:
    wav = opus.with_suffix(".decoded.wav")
    tool("opusdec", "--quiet", "--rate", RATE, "--no-dither", opus, wav)
    return samples(wav)


def best_correlation(piece: Samples, whole: Samples) -> float:
    """The correlation coefficient of `piece` with the stretch of `whole` that is most like it."""
    products = correlate(whole, piece, mode="valid", method="fft")
    lag = int(np.argmax(products))
    return float(np.corrcoef(piece, whole[lag : lag + len(piece)])[0, 1])


def loud(sound: Samples) -> slice:
    """From the first to the last sample that is clearly speech."""
    found = np.flatnonzero(np.abs(sound) > 300)
    return slice(int(found[0]), int(found[-1]))


def between_gaps(meeting: dict[str, Any], sound: Samples) -> list[Samples]:
    """The stretches of at least a second: after a gap, what was played may have been held up as well."""
    edges = [0]
    for gap in meeting["gaps"]:
        edges += [gap["position_ticks"], gap["position_ticks"] + gap["length_ticks"]]
    edges.append(meeting["counts"]["ticks"])
    pieces = [sound[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return [piece for piece in pieces if len(piece) > RATE]


def test_a_meeting_from_the_command_line(tmp_path: Path, speech: Path, quick: Path) -> None:
    """Promise 5: what a user gets is whole, verifiable, and the sound that was in the room, at its true length."""
    out = tmp_path / "out"
    script = "start,wait:5,mark,stop"
    done = recorder("run", "--source", speech, "--script", script, "--out", out, "--config", quick)
    assert done.returncode == 0, done.stderr
    meeting = json.loads((out / "meeting.json").read_text())
    assert {file.name for file in out.iterdir()} == {
        *(
            "parts",
            "meeting.json",
            "room-1.device.pub",
            "room-1-000001.sealed",
            "room-1-000001.receipt",
            "room-1-000001.opus",
        )
    }
    assert (meeting["outcome"], meeting["verified"], meeting["ended"]) == ("kept", "whole", "stop")
    kinds = {"sealed": "sealed", "receipt": "receipt", "audio": "opus"}
    assert meeting["files"] == {kind: f"room-1-000001.{suffix}" for kind, suffix in kinds.items()}
    assert [event["name"] for event in meeting["events"]] == [
        "notice_given", "recording", "mark", "stop", "grace_over",
    ]  # fmt: skip
    assert meeting["counts"]["marks"] == 1 and meeting["counts"]["blocks"] >= 5
    assert meeting["counts"]["seconds"] == pytest.approx(meeting["counts"]["ticks"] / TICKS_PER_SECOND, abs=1e-3)
    assert meeting["counts"]["ticks"] >= 5 * TICKS_PER_SECOND
    times = meeting["times_unix_ms"]
    order = ("begun", "opened", "shut", "grace_over", "released", "signed")
    assert [times[each] for each in order] == sorted(times[each] for each in order)
    assert times["refused"] is times["purged"] is None
    assert meeting["earlier"] == []
    for name in ("start_to_first_sample", "stop_to_shut", "stop_to_signed", "sealed_to_signed_median"):
        assert meeting["latencies_ms"][name] > 0
    assert str(out / "room-1-000001.opus") in done.stderr

    verified = recorder("verify", out / "room-1-000001.sealed")
    assert verified.returncode == 0
    assert verified.stdout.startswith("WHOLE")
    reader = out / "parts" / "reader"
    again = tmp_path / "again.opus"
    key = ("--key", reader / "reader.key", "--passphrase-file", reader / "passphrase")
    assert recorder("open", out / "room-1-000001.sealed", *key, "-o", again).returncode == 0
    assert again.read_bytes() == (out / "room-1-000001.opus").read_bytes()
    assert recorder("open", out / "room-1-000001.sealed", *key[:3], quick, "-o", tmp_path / "no.opus").returncode == 2
    assert not (tmp_path / "no.opus").exists()

    sound = decoded(again)
    assert len(sound) == meeting["counts"]["ticks"], "every tick of the manifest is a sample, a gap's included"
    reference = tmp_path / "reference.opus"
    tool("opusenc", "--quiet", "--bitrate", "32", "--vbr", "--comp", "10", "--framesize", "20", speech, reference)
    expected = decoded(reference)
    heard = [best_correlation(piece[loud(piece)], expected) for piece in between_gaps(meeting, sound)]
    assert heard, meeting["gaps"]
    assert min(heard) >= 0.95
    # And so does the source itself: not two codecs that agree on noise.
    assert best_correlation(sound[loud(sound)], samples(speech)) > 0.9 or meeting["gaps"]


def running_for(folder: Path) -> list[str]:
    """The command lines of every process that knows this folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = each.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and int(each.parent.name) != os.getpid():
            found.append(line)
    return found


def test_a_refused_and_a_kept_meeting_from_the_command_line(tmp_path: Path, speech: Path, quick: Path) -> None:
    """Promise 2: a refusal by script leaves its receipt, no audio file, and nothing running."""
    out = tmp_path / "out"
    done = recorder("run", "--source", speech, "--script", "start,wait:1,refuse", "--out", out, "--config", quick)
    assert done.returncode == 0, done.stderr
    meeting = json.loads((out / "meeting.json").read_text())
    assert (meeting["outcome"], meeting["verified"], meeting["ended"]) == ("refused", "refused", "refused")
    assert meeting["counts"] == {"blocks": 0, "ticks": 0, "seconds": 0.0, "marks": 0}
    assert meeting["gaps"] == []
    assert not list(out.glob("*.opus"))
    # R7: nor does anything that is left tell how long the recording was.
    assert {name for name, at in meeting["times_unix_ms"].items() if at} == {"begun", "refused", "purged"}
    measured = {name for name, milliseconds in meeting["latencies_ms"].items() if milliseconds is not None}
    assert measured == {"refuse_to_tap_shut", "refuse_to_key_erased", "refuse_to_purge_signed"}
    assert (out / "parts" / "archive.log").read_text().endswith("ended: 0 in conflict, 0 refused\n")
    assert 0 < meeting["latencies_ms"]["refuse_to_tap_shut"] < meeting["latencies_ms"]["refuse_to_key_erased"]
    assert recorder("verify", out / "room-1-000001.sealed").stdout.startswith("REFUSED")
    assert running_for(tmp_path) == []


def test_a_no_is_lifted_by_script_and_the_next_meeting_recorded(tmp_path: Path, speech: Path, quick: Path) -> None:
    out = tmp_path / "out"
    script = "start,wait:1,refuse,lift,start,wait:2,stop"
    done = recorder("run", "--source", speech, "--script", script, "--out", out, "--config", quick)
    assert done.returncode == 0, done.stderr
    meeting = json.loads((out / "meeting.json").read_text())
    assert meeting["outcome"] == "kept"
    assert "lifted" in [event["name"] for event in meeting["events"]]
    assert [each["outcome"] for each in meeting["earlier"]] == ["refused"]


def no_wav(folder: Path, speech: Path) -> list[object]:
    file = folder / "speech.txt"
    file.write_text("not a sound")
    return ["--source", file, "--script", "start,stop"]


def no_source(folder: Path, speech: Path) -> list[object]:
    return ["--source", folder / "nowhere.wav", "--script", "start,stop"]


def unknown_step(folder: Path, speech: Path) -> list[object]:
    return ["--source", speech, "--script", "start,dance,stop"]


def wait_for_ever(folder: Path, speech: Path) -> list[object]:
    return ["--source", speech, "--script", "start,wait:inf,stop"]


def unknown_key(folder: Path, speech: Path) -> list[object]:
    file = folder / "wrong.toml"
    file.write_text("[meeting]\nnotice_seconds = 1.0\ngrace_second = 3.0\n")
    return ["--source", speech, "--script", "start,stop", "--config", file]


def earlier_meeting(folder: Path, speech: Path) -> list[object]:
    out = folder / "out"
    out.mkdir()
    (out / "meeting.json").write_text("{}")
    return ["--source", speech, "--script", "start,stop"]


def yes_to_nobody(folder: Path, speech: Path) -> list[object]:
    return ["--source", speech, "--script", "start,yes,stop"]


def end_without_a_button(folder: Path, speech: Path) -> list[object]:
    return ["--source", speech, "--script", "start,end"]


def no_start(folder: Path, speech: Path) -> list[object]:
    return ["--source", speech, "--script", "wait:1,stop"]


def no_terminal(folder: Path, speech: Path) -> list[object]:
    return ["--source", speech]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (no_wav, "not a WAV file that can be played"),
        (no_source, "there is no such file"),
        (unknown_step, "'dance' is no step"),
        (wait_for_ever, "wait:SECONDS"),
        (yes_to_nobody, "set meeting.ask_everyone to true"),
        (end_without_a_button, "set panel.end_button, which is 0"),
        (unknown_key, "wrong.toml: line 3: meeting.grace_second: there is no such key"),
        (earlier_meeting, "holds an earlier meeting"),
        (no_start, "neither start nor refuse"),
        (no_terminal, "no terminal"),
    ],
)
def test_what_its_user_can_mend(tmp_path: Path, speech: Path, given: Any, says: str) -> None:
    """Promise 4: a mistake is told in one line before anything starts; what was there stays as it was."""
    arguments = given(tmp_path, speech)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    done = subprocess.run(
        [sys.executable, "-m", "recorder", "run", *map(str, arguments), "--out", str(tmp_path / "out")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("recorder run: ")
    assert done.stdout == ""
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before
    assert running_for(tmp_path) == []


def test_a_folder_that_cannot_be_looked_at_is_told(tmp_path: Path, speech: Path) -> None:
    done = recorder("run", "--source", speech, "--script", "start,stop", "--out", tmp_path / ("x" * 300))
    assert done.returncode == 2
    assert done.stderr.endswith(": cannot be made: File name too long\n") and done.stderr.count("\n") == 1


def meeting_of(tmp_path: Path, speech: Path, settings: str, script: str) -> dict[str, Any]:
    """What became of one with these settings beside the quick ones."""
    file, out = tmp_path / "room.toml", tmp_path / "out"
    file.write_text(f"{QUICK}{settings}")
    done = recorder("run", "--source", speech, "--script", script, "--out", out, "--config", file)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads((out / "meeting.json").read_text())
    return told


ASK = "ask_everyone = true\nanswer_seconds = 1.5\n"


def test_a_meeting_in_which_everyone_is_asked(tmp_path: Path, speech: Path) -> None:
    """R3: two say yes, one after the other, and none of the presses is taken for another."""
    meeting = meeting_of(tmp_path, speech, ASK, "start,yes,yes,wait:5,stop")
    assert (meeting["outcome"], meeting["ended"]) == ("kept", "stop")
    assert [event["name"] for event in meeting["events"]] == [
        "notice_given", "yes", "yes", "recording", "stop", "grace_over",
    ]  # fmt: skip
    told = recorder("verify", tmp_path / "out" / meeting["files"]["receipt"])
    assert told.returncode == 0 and "2 geteld; 2 keer op ja gedrukt, 0 keer op nee" in told.stdout


@pytest.mark.parametrize(("script", "yeses"), [("start", 0), ("start,stop", 0), ("start,yes", 1)])
def test_leaving_says_yes_for_nobody(tmp_path: Path, speech: Path, script: str, yeses: int) -> None:
    """R1: the one who leaves the trial while the room asks has said nothing, and so nothing is recorded."""
    meeting = meeting_of(tmp_path, speech, ASK, script)
    assert (meeting["outcome"], meeting["times_unix_ms"]["opened"]) == ("empty", None)
    assert [event["name"] for event in meeting["events"]].count("yes") == yeses


@pytest.mark.parametrize(
    ("settings", "script", "misfit", "outcome"),
    [
        (ASK, "start,wait:3,yes", "'yes' in the state 'idle': the room asks nobody", "empty"),
        (ASK, "start,yes,start", "'start' in the state 'agreed': nothing can begin", "empty"),
        ("", "start,wait:2,start", "'start' in the state 'recording': nothing can begin", "kept"),
        ("", "start,wait:2,stop,mark", "'mark' in the state 'grace': only a recording can be marked", "kept"),
        ("", "refuse,start,wait:1,stop", "'start' in the state 'refused': nothing can begin", "refused"),
        ("", "mark,start", "'mark' in the state 'idle': only a recording can be marked", None),
    ],
)
def test_a_step_that_does_not_fit_presses_nothing_and_what_had_begun_is_kept(
    tmp_path: Path, speech: Path, settings: str, script: str, misfit: str, outcome: str | None
) -> None:
    file, out = tmp_path / "room.toml", tmp_path / "out"
    file.write_text(QUICK.replace("grace_seconds = 0.5", "grace_seconds = 1.5") + settings)
    done = recorder("run", "--source", speech, "--script", script, "--out", out, "--config", file)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"recorder run: script: {misfit}")
    told = json.loads((out / "meeting.json").read_text()) if outcome else None
    assert (told and told["outcome"]) == outcome
    assert out.exists() is (outcome is not None)


def test_the_client_ends_a_meeting_by_script(tmp_path: Path, speech: Path) -> None:
    """R5: ended with the client's other button, and kept."""
    meeting = meeting_of(tmp_path, speech, "[panel]\nend_button = 26\n", "start,wait:2,end")
    assert (meeting["outcome"], meeting["events"][-2]["name"]) == ("kept", "client_stop")


def test_control_c_at_the_panel_leaves_in_order(tmp_path: Path, speech: Path, quick: Path) -> None:
    """Promise 4: it acts as q does: the meeting is ended, kept, and told of."""
    out = tmp_path / "out"
    trial, ours, said, reading = at_a_terminal(out, speech, quick)
    os.write(ours, b"s")
    until("blocks in the spool", lambda: len(list((out / "parts" / "room" / "spool").glob("*/block-????????"))) > 2)
    os.write(ours, b"\x03")
    assert trial.wait(60) == 0, said.decode()
    reading.join()
    os.close(ours)
    assert "kept, whole" in said.decode()
    assert json.loads((out / "meeting.json").read_text())["ended"] == "stop"
    assert running_for(tmp_path) == []


def at_a_terminal(
    out: Path, speech: Path, quick: Path
) -> tuple[subprocess.Popen[bytes], int, bytearray, threading.Thread]:
    """A trial that shows its panel on a terminal of its own; our side of that, what is said there, and who reads it."""
    ours, terminal = os.openpty()
    command = [
        "setsid",
        "--ctty",
        *HEARS_SIGNALS,
        sys.executable,
        "-m",
        "recorder",
        "run",
        "--source",
        speech,
        "--out",
        out,
    ]
    trial = subprocess.Popen(
        [*map(str, command), "--config", str(quick)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=ROOT,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(terminal)
    said = bytearray()
    reading = threading.Thread(target=read_to_the_end, args=(ours, said))
    reading.start()
    until("panel", lambda: b"q quit" in said)
    return trial, ours, said, reading


def read_to_the_end(terminal: int, said: bytearray) -> None:
    """Until the last process has closed its side, which a terminal tells by an error."""
    with contextlib.suppress(OSError):
        while read := os.read(terminal, 4_096):
            said += read


def test_no_microphone_from_the_command_line(tmp_path: Path, speech: Path) -> None:
    """Promise 4: a room that cannot record says why in one line, exits with 2, and leaves nothing running."""
    settings = tmp_path / "room.toml"
    settings.write_text(QUICK + '[microphone]\nidentity = "alsa:Nope"\n')
    out = tmp_path / "out"
    done = recorder("run", "--script", "start,wait:1,stop", "--out", out, "--config", settings)
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("recorder run: ") and "Nope" in last
    assert "recorder room" not in last
    assert not out.exists(), "nothing was recorded, so the folder is free for the next attempt"
    assert "Traceback" not in done.stderr
    assert not list(out.glob("*.opus"))
    assert running_for(tmp_path) == []


def a_trial(out: Path, speech: Path, quick: Path, script: str = "start,wait:60,stop") -> subprocess.Popen[str]:
    """A long meeting by script, once two blocks of it are sealed."""
    command = [*HEARS_SIGNALS, sys.executable, "-m", "recorder", "run", "--source", speech, "--script", script]
    trial = subprocess.Popen(
        [*map(str, command), "--out", str(out), "--config", str(quick)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    until("blocks in the spool", lambda: len(list((out / "parts" / "room" / "spool").glob("*/block-????????"))) > 2)
    return trial


def test_a_room_that_is_killed_in_a_trial_is_told_in_one_sentence(tmp_path: Path, speech: Path, quick: Path) -> None:
    """Promise 4: by which signal, where its log is, and what is safe; no log on the screen."""
    out = tmp_path / "out"
    trial = a_trial(out, speech, quick)
    found = subprocess.run(
        ["pgrep", "-P", str(trial.pid), "-f", "recorder room"], capture_output=True, text=True, check=True
    )
    os.kill(int(found.stdout), signal.SIGKILL)
    _, said = trial.communicate(timeout=60)
    last = said.strip().splitlines()[-1]
    assert trial.returncode == 2
    assert f"the room was ended by SIGKILL; its log is {out / 'parts' / 'room.log'}." in last
    assert re.search(
        r"Of \d+ blocks sealed the archive has signed for \d+; what it has not is in the room's spool\. "
        r"The meeting that was in progress can no longer be opened: its key was in memory alone, and is gone\.$",
        last,
    )
    assert "INFO" not in said and "Traceback" not in said
    assert running_for(tmp_path) == []


def hold_of(out: Path) -> Path:
    """The folder in RAM that a trial has its hold in."""
    return Path(tomllib.loads((out / "parts" / "room.toml").read_text())["room"]["hold"]).parent


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_script_that_is_interrupted_ends_and_keeps(tmp_path: Path, speech: Path, quick: Path, number: int) -> None:
    """Promise 4: Control-C, `kill` and a session that is closed lose no meeting, and leave nothing behind."""
    out = tmp_path / "out"
    trial = a_trial(out, speech, quick)
    hold = hold_of(out)
    assert hold.exists()
    os.killpg(trial.pid, number)
    _, said = trial.communicate(timeout=60)
    assert trial.returncode == 0, said
    assert "Interrupted: what was begun is ended and kept" in said and "kept, whole" in said
    assert json.loads((out / "meeting.json").read_text())["ended"] == "stop"
    assert running_for(tmp_path) == []
    assert not hold.exists()


def test_a_second_control_c_leaves_at_once_and_says_where_everything_lies(
    tmp_path: Path, speech: Path, quick: Path
) -> None:
    quick.write_text(QUICK.replace("grace_seconds = 0.5", "grace_seconds = 60.0"))
    out, said = tmp_path / "out", bytearray()
    trial = a_trial(out, speech, quick)
    assert trial.stderr is not None
    reading = threading.Thread(target=read_to_the_end, args=(trial.stderr.fileno(), said))
    reading.start()
    os.killpg(trial.pid, signal.SIGINT)
    until("waiting", lambda: b"Waiting until the archive" in said)
    os.killpg(trial.pid, signal.SIGINT)
    assert trial.wait(30) == 130
    reading.join()
    trial.stderr.close()
    told = said.decode()
    assert f"What there is lies in {out / 'parts'}" in told and "Interrupted. Of " in told
    assert "can no longer be opened" in told
    assert "Traceback" not in told
    assert running_for(tmp_path) == []


def test_a_terminal_that_is_closed_loses_no_meeting(tmp_path: Path, speech: Path, quick: Path) -> None:
    out = tmp_path / "out"
    trial, ours, _, reading = at_a_terminal(out, speech, quick)
    hold = hold_of(out)
    assert hold.exists()
    os.write(ours, b"s")
    until("blocks in the spool", lambda: len(list((out / "parts" / "room" / "spool").glob("*/block-????????"))) > 2)
    trial_reads_no_more = os.open("/dev/null", os.O_RDONLY)
    os.dup2(trial_reads_no_more, ours)  # the last descriptor of our side, though a thread reads from it
    os.close(trial_reads_no_more)
    assert trial.wait(60) == 0
    reading.join()
    os.close(ours)
    assert json.loads((out / "meeting.json").read_text())["outcome"] == "kept"
    assert running_for(tmp_path) == []
    assert not hold.exists()


def test_no_machine_outlives_a_trial_that_is_killed(tmp_path: Path, speech: Path, quick: Path) -> None:
    out = tmp_path / "out"
    trial = a_trial(out, speech, quick)
    os.kill(trial.pid, signal.SIGKILL)
    trial.communicate(timeout=60)
    until("end of all its machines", lambda: running_for(tmp_path) == [], 5.0)
    shutil.rmtree(hold_of(out))  # which nobody is left to do


@pytest.mark.parametrize("script", ["start,wait:60,stop", "start,wait:6,refuse,wait:60"])
def test_a_broker_that_is_gone_is_told_to_whoever_waits(tmp_path: Path, speech: Path, quick: Path, script: str) -> None:
    """Promise 2: and of a refusal it is not said that blocks of it are left."""
    out, said = tmp_path / "out", bytearray()
    trial = a_trial(out, speech, quick, script)
    assert trial.stderr is not None
    reading = threading.Thread(target=read_to_the_end, args=(trial.stderr.fileno(), said))
    reading.start()
    found = subprocess.run(["pgrep", "-P", str(trial.pid), "mosquitto"], capture_output=True, text=True, check=True)
    os.kill(int(found.stdout), signal.SIGKILL)
    if "refuse" in script:
        until("refusal", lambda: b"refuse" in said and (out / "parts" / "room" / "refused").exists())
    os.kill(trial.pid, signal.SIGTERM)
    until("reason", lambda: b"stays in the room's spool" in b" ".join(said.split()), 30.0)
    assert b"No connection to the archive: " in said
    os.kill(trial.pid, signal.SIGINT)
    assert trial.wait(30) == 130
    reading.join()
    trial.stderr.close()
    told = " ".join(said.decode().split())
    assert "can no longer be opened" not in told
    assert ("What was refused is erased here. The archive has not confirmed it yet" in told) is ("refuse" in script)
    assert ("what it has not is in the room's spool" in told) is ("refuse" not in script)
    assert running_for(tmp_path) == []
