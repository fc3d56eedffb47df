"""Pictures of results, for README.md: what is easier to see than to read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

INCHES = (8.0, 3.2)
STYLE = {
    "svg.fonttype": "none",  # text stays text, for those who search or have it read to them
    "svg.hashsalt": "wederhoor",  # the same result gives the same file
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
}
COLOURS = ("#0b5a8a", "#b5500b", "#4f6f1f", "#6b4a8a")
"""Dark enough on white, and not told apart by red and green alone."""
LINES = ("-", "--", ":", "-.")

Result = Mapping[str, Any]


def draw(kind: str, result: Result, file: Path) -> bool:
    """Draw a result of this kind into `file`, an SVG; whether there is a picture of that kind."""
    if kind not in PICTURES:
        return False
    with mpl.rc_context(STYLE):
        figure = Figure(INCHES, layout="constrained")
        PICTURES[kind](figure.subplots(), result)
        file.parent.mkdir(exist_ok=True)
        figure.savefig(file, metadata={"Date": None, "Creator": None})
    return True


def _refusal(axes: Axes, result: Result) -> None:
    for name, key, target_ms, colour, line in (
        ("tap shut", "shut_ms", 20.0, COLOURS[0], LINES[0]),
        ("key destroyed", "erased_ms", 50.0, COLOURS[1], LINES[1]),
    ):
        times = np.sort(result[key])
        above = 1 - np.arange(len(times)) / len(times)  # of so many it takes at least this long
        axes.step(times, above, where="pre", color=colour, linestyle=line, label=name)
        axes.axvline(target_ms, color=colour, linestyle=line, alpha=0.4)
        axes.annotate(f"{name}: {target_ms:.0f} ms", (target_ms, 1.0), rotation=90, va="top", ha="right", color=colour)
    axes.axhline(0.001, color="grey", linewidth=0.8)
    axes.annotate("1 in 1,000", (0.01, 0.001), xycoords=("axes fraction", "data"), va="bottom", color="grey")
    axes.set(xscale="log", yscale="log", xlabel="milliseconds after the press", ylabel="share of noes that take longer")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(frameon=False, loc="center left")


def _intake(axes: Axes, result: Result) -> None:
    receivers: dict[str, dict[int, float]] = {}
    for key, found in result["rates"].items():
        name, _, size = key.rpartition(", ")
        receivers.setdefault(name, {})[int(size)] = float(np.median(found))
    sizes = sorted({size for found in receivers.values() for size in found})
    height = 0.8 / len(sizes)
    for at, size in enumerate(sizes):
        rates = [found[size] for found in receivers.values()]
        places = np.arange(len(receivers)) + at * height
        bars = axes.barh(places, rates, height * 0.9, color=COLOURS[at], label=f"{size // 1024} KiB")
        axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=3)
    axes.set_yticks(np.arange(len(receivers)) + (len(sizes) - 1) * height / 2, list(receivers))
    axes.invert_yaxis()
    axes.set(xlabel="messages a second")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, loc="lower right")


def _catalogue(axes: Axes, result: Result) -> None:
    times = result["query_ms"]
    axes.boxplot(list(times.values()), orientation="horizontal", whis=(0, 95), showfliers=False)
    axes.set_yticks(range(1, len(times) + 1), list(times))
    axes.axvline(50.0, color=COLOURS[1], linestyle=LINES[1])
    axes.annotate("50 ms", (50.0, 0.5), ha="right", va="top", color=COLOURS[1])
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="milliseconds; the whiskers end at the fastest and at 95 of 100")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _fleet(axes: Axes, result: Result) -> None:
    lengths = sorted({run["block_seconds"] for run in result["runs"]})
    for length, colour, line in zip(lengths, COLOURS, LINES, strict=False):
        runs = [run for run in result["runs"] if run["block_seconds"] == length and run["seconds"]]
        points = sorted((run["rooms"], run["seconds"]["0.99"]) for run in runs)
        told = f"blocks of {length:g} s"
        axes.plot(*zip(*points, strict=True), color=colour, linestyle=line, marker="o", label=told)
    axes.axhline(2.0, color="grey", linewidth=0.8)
    axes.annotate("2 s", (0.01, 2.0), xycoords=("axes fraction", "data"), va="bottom", color="grey")
    axes.set(xscale="log", yscale="log", xlabel="rooms that record", ylabel="99 of 100 receipts: s")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,g}")
    axes.legend(frameon=False, loc="upper left")


PICTURES: dict[str, Callable[[Axes, Result], None]] = {
    "refusal": _refusal,
    "intake": _intake,
    "catalogue": _catalogue,
    "fleet": _fleet,
}
