"""The pages do not promise what is not there: commands, targets, tests, settings and decisions that they name exist."""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder import config
from recorder.cli import parser
from recorder.trial.picture import FILE, picture
from recorder.trial.script import parse
from recorder.trial.soundstage import wav_seconds

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "bench" / "README.md",
    ROOT / "hardware" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
ARCHITECTURE = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
COMMAND = re.compile(
    r"(?:^|[\s/])recorder ((?:(?:run|room|panel|announcement|archive|authority|verify|open|status)\b)[^`#\n]*)"
)


def code_blocks(page: Path) -> list[str]:
    """Blocks of a shell, without their fences."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [body for language, body in found if language in ("", "sh", "bash", "console")]


def commands() -> list[str]:
    """Every `recorder …` in the README's blocks, and those that the make targets stand for."""
    text = "\n".join(code_blocks(ROOT / "README.md"))
    return sorted({match.strip() for match in COMMAND.findall(text)})


def help_of(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "recorder", *words, "--help"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_of_the_readme_exists_with_its_options() -> None:
    for command in commands():
        words = shlex.split(command)
        told = help_of(words[0])
        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        acts = words[3:] if words[1:2] == ["--config"] else words[1:]
        if words[0] in ("archive", "authority") and acts and not acts[0].startswith("-"):
            told += help_of(words[0], acts[0])
        assert not [option for option in options if option not in told], command


def every_command(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser of each command, and of each of a command's own."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield below
                yield from every_command(below)


@pytest.mark.parametrize("command", list(every_command(parser())), ids=lambda command: command.prog)
def test_every_command_has_an_example_in_its_help_that_it_understands(command: argparse.ArgumentParser) -> None:
    told = " ".join(command.format_help().partition("\nexample: ")[2].split())
    examples = re.findall(r"recorder .+?(?= recorder | exit code:|$)", told)
    assert examples
    for example in examples:
        words = shlex.split(example)
        assert set(command.prog.split()) <= set(words)
        parser().parse_args(words[1:])


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        text = "\n".join([*code_blocks(page), *re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))])
        named = set(re.findall(r"^make (\w+)", text, re.MULTILINE))
        assert named <= targets, page


def test_every_path_named_exists() -> None:
    """Of the tests, the decisions, the hardware and the code."""
    path = re.compile(r"`((?:tests|docs|recorder|provisioning|bench|hardware)/[\w./-]+\w)`")
    named = {(page.name, each) for page in PAGES for each in path.findall(page.read_text(encoding="utf-8"))}
    assert named
    assert not {(page, each) for page, each in named if not (ROOT / each).exists()}


def test_every_module_named_by_the_corridor_exists() -> None:
    named = re.findall(r"`((?:device|sealed|archive|wire|meeting)/\w+\.py)`", ARCHITECTURE)
    assert named
    assert not [each for each in named if not (ROOT / "recorder" / each).exists()]


def test_every_decision_named_exists() -> None:
    decisions = {file.name.split("-")[0] for file in (ROOT / "docs" / "adr").glob("*.md")}
    sources = [*PAGES, *(ROOT / "recorder").rglob("*.py"), ROOT / "recorder" / "default.toml"]
    named = {
        number
        for file in sources
        for number in re.findall(r"(?:ADR[ -]?|docs/adr/|\badr/)(\d{4})", file.read_text(encoding="utf-8"))
    }
    assert named <= decisions


def test_every_link_leads_somewhere() -> None:
    link = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)[^)]*\)")
    named = {(page, each) for page in PAGES for each in link.findall(page.read_text(encoding="utf-8"))}
    assert not {(page.name, each) for page, each in named if not (page.parent / each).exists()}


def test_every_setting_is_explained() -> None:
    """A comment stands above each key."""
    lines = config.DEFAULT_FILE.read_text(encoding="utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r"\w+ = ", line)]
    assert keys
    assert not [lines[number] for number in keys if not lines[number - 1].startswith("# ")]


def readme_lines() -> list[str]:
    """Every line of the README's shell blocks."""
    return [line for block in code_blocks(ROOT / "README.md") for line in block.splitlines()]


def test_the_readme_has_commands_and_make_comes_first():
    assert readme_lines()[:2] == ["make run", "make test"]


@pytest.mark.parametrize("command", [line for line in readme_lines() if line.startswith("make")])
def test_every_make_command_of_the_readme_is_a_target(command):
    words = shlex.split(command)
    done = subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in words[2:]:
        name, _, value = word.partition("=")
        assert name in ("SOURCE", "SCRIPT", "OUT", "CONFIG", "SECONDS")
        assert value in done.stdout, "the Makefile does not hand it on"
        if name == "SCRIPT":
            assert parse(value)


def test_the_speech_of_the_readme_can_be_spoken_and_played(tmp_path: Path) -> None:
    for line in readme_lines():
        if line.startswith("espeak-ng "):
            subprocess.run(shlex.split(line), cwd=tmp_path, check=True)
    sources = {source for line in readme_lines() for source in re.findall(r" SOURCE=(\S+)", line)}
    assert sources
    assert all(wav_seconds(tmp_path / source) > 2 for source in sources)


def test_what_the_readme_installs_from_is_there() -> None:
    files = {file for line in readme_lines() for file in re.findall(r" -r (\S+)", line)}
    assert files
    assert all((ROOT / file).is_file() for file in files)


def test_the_bare_makefile_lists_what_it_explains():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(targets) > 5
    assert all(f"make {target}" in listed for target in targets)


def test_every_promise_names_tests():
    rows = re.findall(r"^\| ([1-7])\. .*$", ARCHITECTURE, re.MULTILINE)
    assert rows == list("1234567")
    assert all("`tests/" in line for line in ARCHITECTURE.splitlines() if re.match(r"\| [1-7]\. ", line))


def test_the_picture_of_the_panel_is_what_the_panel_draws():
    assert FILE.read_text(encoding="utf-8") == picture(), "run `make docs`"


@pytest.mark.parametrize(
    ("command", "absent", "lock"),
    [
        ("archive", "sqlalchemy", "archive"),
        ("archive", "obstore", "archive"),
        ("status", "sqlalchemy", "archive"),
        ("room", "gpiozero", "device"),
        ("run", "rich", "dev"),
    ],
)
def test_a_missing_library_is_told_with_the_lock_file_that_has_it(command: str, absent: str, lock: str) -> None:
    code = f"import sys; sys.modules[{absent!r}] = None; from recorder.cli import main; sys.exit(main([{command!r}]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    told = f"recorder {command}: the library {absent} is missing; in a clone: pip install --require-hashes -r "
    file = f"provisioning/lock/{lock}.txt"
    assert done.stderr == f"{told}{file}\n"
    assert re.search(rf"^{absent}==", (ROOT / file).read_text(), re.MULTILINE)


def test_a_pi_needs_no_database_and_an_archive_no_microphone():
    """The commands of one are imported without the libraries of the other."""
    code = "import sys; sys.modules[{0!r}] = None; import recorder.cli"
    for absent in ("sqlalchemy", "obstore", "sounddevice", "gpiozero", "rich"):
        done = subprocess.run([sys.executable, "-c", code.format(absent)], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
