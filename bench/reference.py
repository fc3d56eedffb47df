"""`opusenc` and `opusdec` of opus-tools: the measure of what encoding costs, and a decoder that is not ours.

opusenc has no option for the application, [opus]'s `application`: its `--speech` sets the signal type, which is another
thing. So it is given the encoder control 4000, OPUS_SET_APPLICATION, with the same value (opus_defines.h).
"""

import os
import shutil
import subprocess
from pathlib import Path

from recorder.config import Opus
from recorder.errors import TrialError

_APPLICATION = {"voip": 2048, "audio": 2049}


def command(opus: Opus) -> list[str]:
    """opusenc with the settings in [opus], without its files."""
    return [
        "opusenc",
        "--quiet",
        f"--bitrate={opus.bitrate / 1000:g}",
        "--vbr" if opus.vbr else "--hard-cbr",
        f"--comp={opus.complexity}",
        "--framesize=20",
        f"--set-ctl-int=4000={_APPLICATION[opus.application]}",
    ]


def encode_cpu_seconds(opus: Opus, source: Path, out: Path) -> float:
    """The CPU time, user and system, that opusenc takes for `source`."""
    _require("opusenc")
    process = subprocess.Popen([*command(opus), str(source), str(out)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise TrialError(f"opusenc ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def decode(opus_file: Path, wav: Path) -> None:
    """opusdec to 48 kHz, 16 bits, without dither."""
    _require("opusdec")
    done = subprocess.run(
        ["opusdec", "--quiet", "--rate", "48000", "--no-dither", str(opus_file), str(wav)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise TrialError(f"opusdec could not decode {opus_file.name}: {done.stderr.strip()}")


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise TrialError(f"{program} is missing; on Debian: apt install opus-tools")
