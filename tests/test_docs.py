"""The pages do not promise what is not there: commands, targets, tests, settings and decisions that they name exist."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from recorder import config
from recorder.cli import main
from recorder.trial.picture import FILE, picture
from recorder.trial.script import parse

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "bench" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ARCHITECTURE = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"(?:^|[\s/])recorder ((?:(?:run|room|panel|announcement|archive|authority|verify|open)\b)[^`#\n]*)")


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
        if words[0] in ("archive", "authority") and len(words) > 1 and not words[1].startswith("-"):
            told += help_of(words[0], words[1])
        assert not [option for option in options if option not in told], command


@pytest.mark.parametrize("command", ["run", "room", "archive", "authority", "verify", "open"])
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"example: recorder {command}" in " ".join(capsys.readouterr().out.split())


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


def test_the_default_file_has_every_setting_and_no_other() -> None:
    text = config.DEFAULT_FILE.read_text(encoding="utf-8")
    written = {section: set(values) for section, values in tomllib.loads(text).items()}
    types = {field.name: field.type for field in msgspec.structs.fields(config.Config)}
    known = {section: {field.name for field in msgspec.structs.fields(kind)} for section, kind in types.items()}
    assert written == known


def test_every_setting_is_explained() -> None:
    """A comment stands above each key or above the first of its group."""
    lines = config.DEFAULT_FILE.read_text(encoding="utf-8").splitlines()
    sections: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("["):
            section = sections.setdefault(line, [])
        elif sections:
            section.append(line)
    for name, body in sections.items():
        assert any(line.startswith("#") for line in body), name


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


def test_a_pi_needs_no_database_and_an_archive_no_microphone():
    """The commands of one are imported without the libraries of the other."""
    code = "import sys; sys.modules[{0!r}] = None; import recorder.cli"
    for absent in ("sqlalchemy", "sounddevice", "gpiozero", "rich"):
        done = subprocess.run([sys.executable, "-c", code.format(absent)], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
