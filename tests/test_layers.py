"""The layers of docs/ARCHITECTURE.md, held against the imports. The table is read from the page itself."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "recorder"
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
PURE = ("meeting", "sealed", "wire")
PURE_LIBRARIES = {
    *(
        "abc",
        "base64",
        "binascii",
        "bisect",
        "collections",
        "dataclasses",
        "enum",
        "functools",
        "hashlib",
        "heapq",
        "hmac",
    ),
    *("itertools", "math", "re", "struct", "types", "typing", "msgspec", "cryptography", "datetime"),
}
"""What the pure core may import besides itself: nothing with a clock, a socket, a file, a thread or a die in it."""
DRAWING = PACKAGE / "meeting" / "drawing.py"
"""The script that writes docs/meeting.md; nothing imports it."""

Place = tuple[int, str]
"""A layer, and the group in it: those of one group may import each other."""


def places() -> dict[str, Place]:
    """Where each module of the first level stands. Those between commas are one group, those between dots are not."""
    table = PAGE.partition("## Layers")[2].partition("\n## ")[0]
    found: dict[str, Place] = {}
    for layer, modules in re.findall(r"^\| (\d) \| (.+?) \|", table, re.MULTILINE):
        for group in modules.split("·"):
            for module in re.findall(r"`(\w+)`", group):
                assert module not in found, f"{module} stands twice in the table"
                found[module] = int(layer), group.strip()
    return found


def imported(file: Path) -> set[str]:
    """Every module that `file` imports, in full, wherever in the file it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where the arrows go"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part(file: Path) -> str:
    """The module of the first level that `file` belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def part_of_import(name: str) -> str | None:
    """The module of the first level that an import names; None for others' and for the package's own name."""
    words = name.split(".")
    return words[1] if words[0] == "recorder" and len(words) > 1 and not words[1].startswith("__") else None


def test_every_module_has_its_place_in_the_table() -> None:
    there = {part(file) for file in sources()} - {"__init__", "__main__"}
    assert there == set(places())


def test_arrows_run_down_only() -> None:
    where = places()
    wrong = []
    for file in sources():
        own = part(file)
        if own in ("__init__", "__main__"):
            continue
        for name in imported(file):
            other = part_of_import(name)
            if other is None or where[other] == where[own]:
                continue
            if where[other][0] >= where[own][0]:
                wrong.append(f"{file.relative_to(ROOT)} imports {name}")
    assert not wrong


@pytest.mark.parametrize("package", PURE)
def test_the_core_imports_nothing_of_the_outside(package: str) -> None:
    files = [file for file in (PACKAGE / package).rglob("*.py") if file != DRAWING]
    assert files
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imported(file)
        if name.partition(".")[0] not in PURE_LIBRARIES | {"recorder"} or part_of_import(name) in ("config", "keyfiles")
    }
    assert not wrong


@pytest.mark.parametrize("package", PURE)
def test_the_core_never_asks_for_time_or_opens_a_file_itself(package: str) -> None:
    """`datetime` is a value; `datetime.now` is a clock, `open` a file, whatever was imported."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in (PACKAGE / package).rglob("*.py")
        if file != DRAWING
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (
            (
                isinstance(node.func, ast.Name)
                and node.func.id in ("open", "input", "print", "exec", "eval", "__import__")
            )
            or (isinstance(node.func, ast.Attribute) and node.func.attr in ("now", "today", "utcnow"))
        )
    ]
    assert not wrong


def test_only_the_drawing_of_the_table_writes_from_the_core() -> None:
    importers = [file for file in sources() if "recorder.meeting.drawing" in imported(file)]
    assert not importers
