"""Results on disk, and their tables and pictures in README.md: no figure there is typed by hand."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from rich.console import Console

from bench import plots
from bench.figures import Line
from recorder.errors import TrialError

Kind = Literal[
    "meeting",
    "refusal",
    "array",
    "intake",
    "catalogue",
    "fleet",
    "backlog",
    "flash",
    "hearing",
    "waveform",
    "first_sound",
    "pages",
]
FOLDER = Path(__file__).parent / "results"
PICTURES = Path(__file__).parent / "pictures"
README = Path(__file__).parent / "README.md"
BEGIN = {kind: f"<!-- {kind}: made by `python -m bench --readme` -->\n" for kind in get_args(Kind)}
END = "<!-- end of figures -->\n"


def keep(lines: list[Line], raw: dict[str, Any], kind: Kind) -> Path:
    """Write a run's result, and its picture beside it; the file."""
    now = datetime.now(UTC)
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{kind}-{now:%Y%m%d-%H%M%S}.json"
    result = {
        "made": now.isoformat(timespec="seconds"),
        "machine": _machine(),
        "lines": [msgspec.to_builtins(line) for line in lines],
        **raw,
    }
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    plots.draw(kind, result, file.with_suffix(".svg"))
    return file


def tell(lines: list[Line], console: Console) -> None:
    """Show them, each beside its target."""
    for line in lines:
        style = {True: "green", False: "bold red", None: ""}[line.kept]
        target = f" (target {line.target})" if line.target else ""
        console.print(f"{line.name}: {line.value}{target} {line.verdict}", style=style)


def finish(lines: list[Line], raw: dict[str, Any], kind: Kind, console: Console) -> int:
    """Keep the result, say where; the exit code: 1 if a target is missed."""
    console.print(f"\nKept in {keep(lines, raw, kind)}", soft_wrap=True)
    return 1 if any(line.kept is False for line in lines) else 0


def renew_readme() -> list[Path]:
    """Put the newest result of each kind into README.md; the files they were read from."""
    newest = {kind: max(FOLDER.glob(f"{kind}-*.json"), default=None) for kind in BEGIN}
    read = [file for file in newest.values() if file is not None]
    if not read:
        raise TrialError(f"{FOLDER} has no result: run `make bench` first")
    text = README.read_text(encoding="utf-8")
    for kind, file in newest.items():
        if file is None:
            continue
        head, found, rest = text.partition(BEGIN[kind])
        _, found_end, tail = rest.partition(END)
        if not (found and found_end):
            raise TrialError(f"{README} has no place for the figures, between {BEGIN[kind].strip()} and {END.strip()}")
        result = json.loads(file.read_text(encoding="utf-8"))
        picture = f"![the same as a picture](pictures/{kind}.svg)\n\n"
        drawn = picture if plots.draw(kind, result, PICTURES / f"{kind}.svg") else ""
        text = head + BEGIN[kind] + _table(result) + drawn + END + tail
    README.write_text(text, encoding="utf-8")
    return read


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
