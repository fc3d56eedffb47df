"""The table of sizes in docs/operating.md is what its figures give, and they promise no more than what was measured."""

import math
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
BENCH = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
ROOMS = (10, 100, 1_000, 10_000)
MANY_ROOMS = 100
"""From which on an archive has PostgreSQL, and one intake more than it needs."""
CORES_MIN = 2


def cells(mark: str) -> list[list[str]]:
    """The rows of the page's table after this mark."""
    text = PAGE.partition(f"<!-- {mark} -->")[2].partition("\n\n")[0].strip()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def number(text: str) -> float:
    (found,) = re.findall(r"\d[\d,]*\.?\d*", text)
    return float(found.replace(",", ""))


def figures() -> list[float]:
    return [number(row[1]) for row in cells("figures")]


def measured(line: str) -> list[float]:
    """The first number of each line of the bench's tables that begins so."""
    found = re.findall(rf"^\| (?:&emsp;)?{re.escape(line)} \| ([\d,.]+)", BENCH, re.MULTILINE)
    assert found, line
    return [number(each) for each in found]


def rows() -> list[str]:
    """The table, made anew."""
    (
        hour_mb,
        rate,
        intake,
        intake_us,
        broker_us,
        database_us,
        message_bytes,
        hours,
        live,
        reserve,
        core,
        objects,
        disk,
    ) = figures()
    made = []
    for rooms in ROOMS:
        at_once = rooms * live / 100 * rate
        intakes = math.ceil(reserve * at_once / intake) + (rooms >= MANY_ROOMS)
        cores = max(CORES_MIN, math.ceil(reserve * at_once * (intake_us + broker_us + database_us) / 1e6))
        messages_a_year = rooms * hours * 3_600 * rate
        objects_tb, catalogue_tb = rooms * hours * hour_mb / 1e6, messages_a_year * message_bytes / 1e12
        database = "PostgreSQL" if rooms >= MANY_ROOMS else "SQLite"
        euros = cores * core + objects_tb * objects + catalogue_tb * disk
        made.append(
            f"| {rooms:,} | {at_once:,.0f} | {intakes} | {cores} | {database} | {objects_tb:,.2f} TB | "
            f"{catalogue_tb * 1e3:,.1f} GB | {messages_a_year / 1e6:,.0f} million | {euros:,.0f} € |"
        )
    return made


def test_the_table_is_what_the_figures_give() -> None:
    assert ["| " + " | ".join(row) + " |" for row in cells("sizes")] == rows()


def test_no_figure_is_better_than_what_was_measured() -> None:
    hour_mb, _, intake, intake_us, _, database_us, *_ = figures()
    assert hour_mb >= max(measured("sealed, an hour"))
    assert intake <= min(measured("one intake"))
    assert intake_us >= round(1e6 / intake)
    assert database_us >= max(measured("large, a block"))
