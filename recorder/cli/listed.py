"""`recorder archive list`: the recordings, and when each goes as things are.

When a recording goes depends on what people did: of which case it is, when that was decided, what is held and asked. That is in
the database of the pages, which is asked here as `recorder archive forget` asks it. An archive without pages has none; then the
date from birth is all that is known, and is called so.
"""

import argparse
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from recorder.config import Config

if TYPE_CHECKING:  # a Pi has no database: what this needs is imported when it runs
    from recorder.archive.catalogue import Catalogue
    from recorder.archive.listing import Listed
    from recorder.archive.retention import Fate

WIDTH_COLUMNS = 120
"""Of a table that goes to a file or another program."""


def show(catalogue: "Catalogue", config: Config, args: argparse.Namespace) -> None:
    """The table, or a line of JSON each. Raises CatalogueError."""
    from recorder.archive.listing import newest

    _check_device(catalogue.enrolled(), args.device)
    found = list(islice(newest(catalogue, args.device), args.limit))
    fates = _fates(catalogue, config, args, [each.recording for each in found])
    if args.json:
        _lines(found, fates)
    else:
        _table(catalogue, found, fates)


def _fates(
    catalogue: "Catalogue", config: Config, args: argparse.Namespace, recordings: Sequence[str]
) -> "Mapping[str, Fate] | None":
    """What is to become of those of these that are kept or open, by what people did.

    None where the database of the pages is not there, or nobody has used it, or it cannot be asked; the last is told.
    """
    from recorder.archive.web import serving

    if not serving.is_there(config):
        return None
    serving.set_up_to_look(args.config)
    from django.db import Error

    from recorder.archive.due import PORTION_ROWS, fates
    from recorder.archive.web.archive import terms
    from recorder.archive.web.known import known
    from recorder.archive.web.people.models import Person

    now_ms = time.time_ns() // 1_000_000
    judged: dict[str, Fate] = {}
    try:
        if not Person.objects.exists():
            return None  # `forget` deletes nothing then
        for at in range(0, len(recordings), PORTION_ROWS):
            judged |= fates(catalogue, recordings[at : at + PORTION_ROWS], known, terms(), now_ms)
    except Error as error:
        message = "recorder archive: the database of the pages cannot be asked; check web.database"
        print(f"{message}: {error}".rstrip(), file=sys.stderr)
        return None
    return judged


def _lines(found: "Sequence[Listed]", fates: "Mapping[str, Fate] | None") -> None:
    import msgspec

    for each in found:
        told: dict[str, Any] = each._asdict()
        if fates is not None:
            fate = fates.get(each.recording)
            told["fate"] = fate and {name: getattr(fate, name) for name in ("goes_ms", "cause", "kept", "locked")}
        print(msgspec.json.encode(told).decode())


def _table(catalogue: "Catalogue", found: "Sequence[Listed]", fates: "Mapping[str, Fate] | None") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    ends = ["date from birth"] if fates is None else ["goes", "why"]
    for column in ("came", "device", "number", "recording", "state", "ended", *ends):
        table.add_column(column, no_wrap=True)
    for each in found:
        number = "" if each.sequence is None else str(each.sequence)
        when = _day(each.first_ms, "%Y-%m-%d %H:%M")
        told = ["", ""]
        if fates is None:
            told = [_day(each.delete_after_ms) if each.state in ("kept", "open") else ""]
        elif (fate := fates.get(each.recording)) is not None:
            told = _told(fate)
        table.add_row(when, each.device, number, each.recording, each.state, each.ended, *told)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_COLUMNS)
    console.print(table)
    if fates is None:
        console.print(
            "the date from birth is not what people decided since: the database of the pages does not tell that here"
        )
    counts = catalogue.counts()
    console.print(f"of {counts.kept} kept, {counts.open} open, {counts.refused} refused, {counts.deleted} deleted")


def _told(fate: "Fate") -> list[str]:
    """When it goes, and by what."""
    if fate.goes_ms is None:
        return ["not yet", "a request"]
    if fate.goes_ms > fate.due_ms:
        return [_day(fate.goes_ms), "held"]
    return [_day(fate.goes_ms), f"{fate.cause}, held now" if fate.kept else fate.cause]


def _check_device(enrolled: Collection[str], device: str | None) -> None:
    """An empty list would say that there are no recordings."""
    from recorder.errors import CatalogueError

    if not enrolled:
        raise CatalogueError(
            "no device is enrolled; if one was, the catalogue was lost. Rebuild it: recorder archive --config FILE rebuild"
        )
    if device is not None and device not in enrolled:
        raise CatalogueError(f"{device!r} is not enrolled; those that are: {', '.join(enrolled)}")


def _day(unix_ms: int, form: str = "%Y-%m-%d") -> str:
    return time.strftime(form, time.localtime(unix_ms // 1_000))
