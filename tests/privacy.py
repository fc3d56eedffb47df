"""Writes docs/privacy.md from docs/privacy.toml: `python -m tests.privacy`, which `make docs` does."""

import tomllib
from pathlib import Path

import msgspec

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "docs" / "privacy.toml"
PAGE = ROOT / "docs" / "privacy.md"
GROUPS = {
    "R": "Refusal and consent",
    "L": "An honest light",
    "M": "No more than is needed",
    "K": "Encryption and keys",
    "P": "Access and purposes",
    "D": "Terms, deletion, holds",
    "S": "The client's rights",
    "A": "Accounting for it",
    "N": "Notices",
    "B": "Security",
    "T": "For everybody to use",
}
HEAD = """# What is asked, and where it is met

Points of law and good practice, each with what keeps it and the test that fails if it is not kept.
*Partly* and *not yet* mean what they say. Made by `make docs` from [privacy.toml](privacy.toml), which a test holds to the
repository. What the organisation itself must decide is on its page *What is decided*; what could still go wrong is in
[threats.md](threats.md).
"""
COLUMNS = "| id | what | state | kept by | tried by | what remains |\n|---|---|---|---|---|---|\n"


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of them: see the head of the file."""

    says: str
    state: str
    where: list[str]
    tests: list[str]
    remains: str = ""


def points() -> dict[str, Point]:
    """By their ids."""
    return msgspec.convert(tomllib.loads(SOURCE.read_text(encoding="utf-8")), dict[str, Point])


def page() -> str:
    """All of docs/privacy.md."""
    found = points()
    counts = [
        f"{sum(each.state == state for each in found.values())} {state}" for state in ("met", "partly", "not yet")
    ]
    parts = [HEAD, f"Of {len(found)}: {', '.join(counts)}.\n"]
    for letter, title in GROUPS.items():
        rows = [_row(name, point) for name, point in found.items() if name.startswith(letter)]
        parts.append(f"## {title}\n\n{COLUMNS}{''.join(rows)}")
    return "\n".join(parts)


def _row(name: str, point: Point) -> str:
    where = "<br>".join(f"[{each}](../{each})" for each in point.where)
    tests = "<br>".join(_test(each) for each in point.tests)
    return f"| {name} | {point.says} | {point.state} | {where} | {tests} | {point.remains} |\n"


def _test(named: str) -> str:
    file, _, test = named.partition("::")
    return f"[{test.removeprefix('test_').replace('_', ' ')}](../{file})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
