"""Results on disk, and the table of them in README.md: no figure there is typed by hand."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.figures import Line
from recorder.errors import TrialError

FOLDER = Path(__file__).parent / "results"
README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- figures: made by `python -m bench --readme` -->\n", "<!-- end of figures -->\n"


def keep(lines: list[Line], raw: dict[str, Any]) -> Path:
    """Write a run's result; the file."""
    now = datetime.now(UTC)
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{now:%Y%m%d-%H%M%S}.json"
    result = {
        "made": now.isoformat(timespec="seconds"),
        "machine": _machine(),
        "lines": [msgspec.to_builtins(line) for line in lines],
        **raw,
    }
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return file


def renew_readme() -> Path:
    """Put the newest result into README.md; the file it was read from."""
    files = sorted(FOLDER.glob("*.json"))
    if not files:
        raise TrialError(f"{FOLDER} has no result: run `make bench` first")
    result = json.loads(files[-1].read_text(encoding="utf-8"))
    text = README.read_text(encoding="utf-8")
    head, found, rest = text.partition(BEGIN)
    _, found_end, tail = rest.partition(END)
    if not (found and found_end):
        raise TrialError(f"{README} has no place for the figures, between {BEGIN.strip()} and {END.strip()}")
    README.write_text(head + BEGIN + _table(result) + END + tail, encoding="utf-8")
    return files[-1]


def _table(result: dict[str, Any]) -> str:
    rows = ["| | measured | target | |", "|---|---|---|---|"]
    for line in msgspec.convert(result["lines"], list[Line]):
        name = f"&emsp;{line.name.strip()}" if line.name.startswith(" ") else line.name
        rows.append(f"| {name} | {line.value} | {line.target} | {line.verdict} |")
    return f"\nMeasured {result['made']} on {result['machine']}.\n\n" + "\n".join(rows) + "\n\n"


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
            if line.startswith(("model name", "Model"))
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}, Python {platform.python_version()}"
