"""`recorder status`: rooms and archive at one look, for who runs them."""

import argparse
import re
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.meeting.fault import Fault, Language

if TYPE_CHECKING:
    from rich.console import Console

    from recorder.archive.overview import Overview, Room, Trouble
    from recorder.config import Config

EXIT_NEEDS_A_PERSON = 1
WIDTH_COLUMNS = 160
"""Of what is no terminal."""
MIB = 1_048_576
_WORDS: dict[Language, dict[str, str]] = {
    "nl": {
        "columns": "kamer|gezien|gebruik|wat er mis is|wacht op de kaart|stukken|laatst gehoord|certificaat tot",
        "archive": "archief",
        "broker ok": "de broker {host}:{port} is bereikbaar",
        "certificate": "certificaat tot {day}",
        "intake unknown": "de inname vertelt niets over zichzelf (metrics.intake_port is 0)",
        "intake ok": "de inname luistert; de schijf is voor {disk} vol",
        "intake bad": "de inname: zie hieronder",
        "well": "Alles is in orde.",
        "todo": "Hier is iemand nodig:",
        "of archive": "het archief",
        "online": "verbonden",
        "silent": "zwijgt",
        "gone": "weg",
        "never": "nooit",
        "unknown": "niet bekend",
        "free": "vrij",
        "in_use": "in gebruik",
        "fault": "storing",
        "mib": "{here} van {all} MiB",
        "to go": "nog {left} van {all} te gaan",
        "ago": "{count} {unit} geleden",
        "seconds": "s",
        "minutes": "min",
        "hours": "uur",
        "days": "dagen",
        "trouble catalogue": "De catalogus is niet te lezen; hierboven staan de kamers die de broker kent: {told}",
        "trouble broker": "De broker is niet bereikbaar: {told}",
        "trouble certificate": "Het certificaat loopt af. Laat de autoriteit een nieuw maken.",
        "trouble broker_certificate": "Het certificaat van de broker loopt af. Daarna komt geen kamer er nog in. Vernieuw het.",
        "trouble intake_down": "De inname antwoordt niet. Draait zij?",
        "trouble intake_not_subscribed": "De inname heeft geen verbinding met de broker.",
        "trouble intake_stalled": "De inname komt niet verder: opslag of catalogus houdt haar op.",
        "trouble rejecting": "Er is iets geweigerd ({told}). Het logboek zegt wat.",
        "trouble disk": "De schijf is voor {told} vol.",
        "trouble no_room": "Er is geen kamer aangemeld. Was dat wel zo, dan is de catalogus verloren: bouw hem opnieuw "
        "(docs/operating.md).",
        "trouble never": "Deze kamer heeft nog nooit iets gezegd, of de broker is het vergeten.",
        "trouble gone": "Deze kamer is niet verbonden. Heeft zij stroom en netwerk?",
        "trouble silent": "Deze kamer is verbonden en zegt niets meer.",
        "trouble rejected": "Het archief neemt niet alles van deze kamer aan: {told}",
        "trouble spool": "De kaart is bijna vol. Herstel de verbinding met het archief.",
        "trouble other": "Een storing die deze versie niet kent: {told}",
    },
    "en": {
        "columns": "room|seen|use|what is wrong|waits on the card|items|last heard|certificate until",
        "archive": "archive",
        "broker ok": "the broker {host}:{port} can be reached",
        "certificate": "certificate until {day}",
        "intake unknown": "the intake tells nothing of itself (metrics.intake_port is 0)",
        "intake ok": "the intake listens; its disk is {disk} full",
        "intake bad": "the intake: see below",
        "well": "All is well.",
        "todo": "Somebody is needed here:",
        "of archive": "the archive",
        "online": "connected",
        "silent": "silent",
        "gone": "gone",
        "never": "never",
        "unknown": "not known",
        "free": "free",
        "in_use": "in use",
        "fault": "fault",
        "mib": "{here} of {all} MiB",
        "to go": "{left} of {all} to go",
        "ago": "{count} {unit} ago",
        "seconds": "s",
        "minutes": "min",
        "hours": "h",
        "days": "days",
        "trouble catalogue": "The catalogue cannot be read; above are the rooms that the broker knows: {told}",
        "trouble broker": "The broker cannot be reached: {told}",
        "trouble certificate": "The certificate ends. Have the authority make a new one.",
        "trouble broker_certificate": "The broker's certificate ends. After that no room believes it: renew it.",
        "trouble intake_down": "The intake does not answer. Is it running?",
        "trouble intake_not_subscribed": "The intake has no connection to the broker.",
        "trouble intake_stalled": "The intake gets no further: store or catalogue holds it up.",
        "trouble rejecting": "Something was rejected ({told}). The log says what.",
        "trouble disk": "The disk is {told} full.",
        "trouble no_room": "No room is enrolled. If one was, the catalogue was lost: rebuild it (docs/operating.md).",
        "trouble never": "This room never said anything, or the broker has forgotten it.",
        "trouble gone": "This room is not connected. Has it power and network?",
        "trouble silent": "This room is connected and says nothing any more.",
        "trouble rejected": "The archive does not take all of this room: {told}",
        "trouble spool": "The card is nearly full. Restore the connection to the archive.",
        "trouble other": "A fault that this version does not know: {told}",
    },
}
_CAUSES: dict[str, dict[Language, str]] = {
    "Connection refused": {
        "nl": "de verbinding is geweigerd. Draait hij, en kloppen naam en poort?",
        "en": "the connection was refused. Is it running, and are name and port right?",
    },
    "No such file or directory|unable to open database file": {
        "nl": "het bestand of de socket is er niet. Draait hij, en klopt het pad?",
        "en": "its file or socket is not there. Is it running, and is the path right?",
    },
    "timed out|timeout expired|No route to host|Network is unreachable": {
        "nl": "er komt geen antwoord. Staat de machine aan, en laat het netwerk ons door?",
        "en": "no answer comes. Is the machine on, and does the network let us through?",
    },
    "mismatch, certificate is not valid for|does not match host name": {
        "nl": "het certificaat is voor een andere naam dan die in de instellingen.",
        "en": "the certificate is for another name than the one in the settings.",
    },
    "certificate has expired": {
        "nl": "het certificaat is verlopen. Laat de autoriteit een nieuw maken.",
        "en": "the certificate has ended. Have the authority make a new one.",
    },
    "not of our authority|certificate verify failed": {
        "nl": "het certificaat is van een andere autoriteit, of verlopen.",
        "en": "the certificate is of another authority, or has ended.",
    },
    "Name or service not known|could not translate host name|Temporary failure in name resolution": {
        "nl": "de naam is niet te vinden. Klopt hij, en werkt DNS?",
        "en": "the name is not found. Is it right, and does DNS work?",
    },
}
"""The commonest causes, by what they are told with: a database's library gives no more than a text. The first that fits."""
_FAULTS = {fault.name.lower(): fault for fault in Fault}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "status",
        help="rooms and archive at one look, and what needs a person",
        description="Show the archive and every enrolled room: whether it is seen and in use, its faults, what "
        "waits on its card, its certificate. It runs where the archive's folder is. The exit code is 0 if all is well, "
        "1 if something needs a person, 2 for wrong use.",
        epilog="example: recorder status --config archive.toml --language en",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the archive's settings that differ (TOML)")
    parser.add_argument("--language", choices=("nl", "en"), default="nl", help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the times are Unix milliseconds")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look, print, and say by the exit code whether somebody is needed."""
    import msgspec
    from rich.console import Console

    from recorder import config
    from recorder.archive.overview import gather
    from recorder.cli.archive import open_catalogue
    from recorder.errors import CatalogueError
    from recorder.tls import Identity

    settings = config.load(args.config)
    enrolled, unread = None, ""
    try:
        with closing(open_catalogue(settings.archive)) as catalogue:
            enrolled = catalogue.enrolled()
    except CatalogueError as error:  # when it is away somebody looks, and the rest is to be seen
        unread = str(error)
    identity = Identity(Path(settings.archive.folder) / "keys")
    overview = gather(settings, identity, enrolled, unread)
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(overview)).decode())
    else:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_COLUMNS)
        show(overview, settings, args.language, console)
    return EXIT_NEEDS_A_PERSON if overview.troubles else 0


def show(overview: "Overview", settings: "Config", language: Language, console: "Console") -> None:
    """The look, on a screen."""
    from rich.table import Table
    from rich.text import Text

    words = _WORDS[language]
    for line in _of_archive(overview, settings, words):
        console.print(Text(f"{words['archive']}: {line}"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in words["columns"].split("|"):
        table.add_column(column)
    for room in overview.rooms:
        table.add_row(*(Text(cell) for cell in _cells(room, overview.made_ms, words)))
    console.print(table)
    if not overview.troubles:
        console.print(Text(words["well"], style="green"))
        return
    console.print(Text(words["todo"], style="bold red"))
    for trouble in overview.troubles:
        console.print(Text(f"  {trouble.room or words['of archive']}: {_told(trouble, language)}"))


def _of_archive(overview: "Overview", settings: "Config", words: dict[str, str]) -> list[str]:
    lines = [words["certificate"].format(day=_day(overview.archive_certificate_ends_ms))]
    if not overview.broker:
        lines.insert(0, words["broker ok"].format(host=settings.archive.host, port=settings.archive.port))
    intake = overview.intake
    if intake is None:
        return [*lines, words["intake unknown"]]
    well = intake.answers and intake.subscribed
    return [*lines, words["intake ok"].format(disk=f"{intake.disk_used_ratio:.0%}") if well else words["intake bad"]]


def _cells(room: "Room", now_ms: int, words: dict[str, str]) -> list[str]:
    spool = ""
    if room.spool_bytes is not None and room.spool_capacity_bytes:
        spool = words["mib"].format(here=-(-room.spool_bytes // MIB), all=room.spool_capacity_bytes // MIB)
    return [
        room.name,
        words[room.seen],
        words[room.use] if room.use else "",
        ", ".join(_plain(fault) for fault in room.faults),
        spool,
        _items(room, words),
        _ago(now_ms - room.said_ms, words) if room.said_ms else "",
        _day(room.certificate_ends_ms) if room.certificate_ends_ms else "",
    ]


def _items(room: "Room", words: dict[str, str]) -> str:
    """How far the room has come with what is of meetings that are over."""
    if room.backlog is None or room.caught_up is None:
        return ""
    return words["to go"].format(left=room.backlog, all=room.backlog + room.caught_up) if room.backlog else "0"


def _told(trouble: "Trouble", language: Language) -> str:
    # What a room sent stays as it is: that it fits a cause means nothing.
    told = trouble.told if trouble.room else _cause(trouble.told, language)
    words, told = _WORDS[language], _plain(told)
    if f"trouble {trouble.what}" in words:
        return words[f"trouble {trouble.what}"].format(told=told)
    return _FAULTS[trouble.what].words(language)


def _cause(told: str, language: Language) -> str:
    for pattern, cause in _CAUSES.items():
        if re.search(pattern, told):
            return cause[language]
    return told


def _plain(text: str) -> str:
    """Text that a room sent, with nothing in it that a terminal obeys."""
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


def _ago(ms: int, words: dict[str, str]) -> str:
    seconds = max(0, ms // 1_000)
    for unit, size, most in (("seconds", 1, 120), ("minutes", 60, 7_200), ("hours", 3_600, 172_800)):
        if seconds < most:
            return words["ago"].format(count=seconds // size, unit=words[unit])
    return words["ago"].format(count=seconds // 86_400, unit=words["days"])


def _day(ms: int) -> str:
    """Of Unix milliseconds; what is no day of this calendar is shown as it is."""
    try:
        return f"{datetime.fromtimestamp(ms / 1_000, UTC):%Y-%m-%d}"
    except (OverflowError, ValueError, OSError):
        return str(ms)
