"""`recorder archive`: run the archive's intake, enrol a device, take a recording out."""

import argparse
import contextlib
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from recorder import structs
from recorder.cli import audit, listed, pages, rewrap
from recorder.config import Archive, Config, load
from recorder.keyfiles import keybox_beside

if TYPE_CHECKING:  # a Pi has no database: what the commands need is imported when they run
    from recorder.archive.catalogue import Catalogue
    from recorder.archive.store import Store


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command and its own commands."""
    archive = subparsers.add_parser(
        "archive",
        help="the archive: take in what the rooms send; or enrol a device, export a recording or its receipt, watch, rebuild",
        description="Take in what the rooms send until SIGTERM; or, with an action, do that.",
        epilog="example: recorder archive --config archive.toml",
    )
    archive.add_argument("--config", type=Path, metavar="FILE", help="settings that differ from the defaults (TOML)")
    archive.set_defaults(run=run, action="serve")
    actions = archive.add_subparsers(metavar="ACTION", help="without one: take in what the rooms send")
    enrol = actions.add_parser(
        "enrol",
        help="let a device upload",
        description="Let a device upload: its name and its public key, as the authority issued them.",
        epilog="example: recorder archive --config archive.toml enrol room-1 authority/issued/room-1.pub",
    )
    enrol.add_argument("name", help="the device's name, as in its certificate")
    enrol.add_argument("public_key", type=Path, help="the device's public key file")
    enrol.set_defaults(action="enrol")
    out = actions.add_parser(
        "export",
        help="write a recording to one sealed file",
        description="Write a recording, as it is stored, to one sealed file for `recorder verify` and `recorder open`. "
        "If its keys were changed (`rewrap`), those go to a second file beside it, FILE.keybox.",
        epilog="example: recorder archive --config archive.toml export 5f0c… -o 5f0c.sealed",
    )
    out.add_argument("recording", help="its id: 32 hexadecimal digits, as in meeting.json and in the objects' names")
    out.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    out.set_defaults(action="export")
    told = actions.add_parser(
        "receipt",
        help="write a recording's consent receipt to a file",
        description="Write the consent receipt of a recording, as it is stored, to a file for `recorder verify`: "
        "it is there for a refused one too.",
        epilog="example: recorder archive --config archive.toml receipt 5f0c… -o 5f0c.receipt",
    )
    told.add_argument("recording", help="its id: 32 hexadecimal digits, as in the objects' names")
    told.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    told.set_defaults(action="receipt")
    gone = actions.add_parser(
        "certificate",
        help="write the certificate that a recording was deleted to a file",
        description="Write the certificate that a recording was deleted to a file for `recorder verify`: "
        "when and why, and nothing of what was said or for how long.",
        epilog="example: recorder archive --config archive.toml certificate 5f0c… -o 5f0c.deleted",
    )
    gone.add_argument("recording", help="its id: 32 hexadecimal digits, as in the objects' names")
    gone.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    gone.set_defaults(action="certificate")
    newest = actions.add_parser(
        "list",
        help="list the recordings, the newest first",
        description="List the recordings, the newest first: when the first of each came, whose it is, how it ended, and when "
        "it goes and why, as `forget` judges it by what people did (term, decision, ceiling, unlinked, no_receipt, client; "
        "held, where something keeps it beyond that, or for now; or a request that is open). Without the database of the "
        "pages: its date from birth.",
        epilog="example: recorder archive --config archive.toml list --device room-1",
    )
    newest.add_argument("--device", metavar="NAME", help="of this device alone")
    newest.add_argument("--limit", type=_limit, default=50, metavar="N", help="at most so many (default: %(default)s)")
    newest.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    newest.set_defaults(action="list")
    watch = actions.add_parser(
        "watch",
        help="serve to Prometheus how the rooms are",
        description="Listen to what the rooms say of themselves, and serve it to Prometheus at metrics.host and "
        "metrics.watch_port, until SIGTERM. docs/operating.md says what they mean; `recorder status` shows the rooms now.",
        epilog="example: recorder archive --config archive.toml watch",
    )
    watch.set_defaults(action="watch")
    again = actions.add_parser(
        "rebuild",
        help="make an empty catalogue anew from the stored objects",
        description="Make an empty catalogue anew from the stored objects, and say what there is. "
        "One that is not empty is left as it is: move it away first.",
        epilog="example: recorder archive --config archive.toml rebuild",
    )
    again.set_defaults(action="rebuild")
    pages.add(actions)
    audit.add(actions)
    rewrap.add(actions)


def run(args: argparse.Namespace) -> int:
    """Carry out one command; returns the exit code."""
    from recorder.archive import catalogue  # noqa: F401 (a missing library is told before a missing folder)
    from recorder.archive.stores import open_store

    os.umask(0o077)
    settings = load(args.config)
    config = settings.archive
    match args.action:
        case "enrol":
            _enrol(config, args.name, args.public_key)
        case "export":
            _export(open_store(config), args.recording, args.output)
        case "receipt":
            _receipt(open_store(config), args.recording, args.output)
        case "certificate":
            _certificate(open_store(config), args.recording, args.output)
        case "list":
            with contextlib.closing(open_catalogue(config)) as opened:
                listed.show(opened, settings, args)
        case "rebuild":
            _rebuild(config, open_store(config))
        case "watch":
            _watch(settings)
        case "rewrap":
            return rewrap.run(args, config)
        case "web" | "read" | "account" | "forget":
            return pages.run(args, settings)
        case "audit":
            audit.run(args, settings)
        case _:
            _serve(settings, open_store(config, "write"))
    return 0


def _serve(settings: Config, store: "Store") -> None:
    from recorder.archive.clerk import Clerk
    from recorder.archive.deletion import Deleter
    from recorder.archive.deletions import Deletions, place
    from recorder.archive.enrolled import check
    from recorder.archive.figures import Figures
    from recorder.archive.intake import INBOX_BYTES_MAX, Intake
    from recorder.archive.metrics import serve
    from recorder.keyfiles import load_device
    from recorder.tls import Identity
    from recorder.wire.judge import Verdict

    _log()
    structs.read_all()
    config = settings.archive
    catalogue = open_catalogue(config)
    check(store, catalogue)
    key = load_device(Path(config.folder) / "keys" / "receipt.key")
    clerk = Clerk(config.name, key, store, catalogue, config.retention_days)
    folder = Path(config.folder)
    deleter = Deleter(config.name, key, store, catalogue, Deletions(place(config)), _now_ms)
    deleter.finish()
    deleter.reapply()
    clerk.resume(_now_ms())
    ends = Identity(folder / "keys").ends.timestamp()
    figures = Figures(clerk.verdicts, folder, ends, config.queue_items, INBOX_BYTES_MAX)
    intake = Intake(config, clerk, lambda: print("ready", flush=True), figures)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: intake.stop())
    with contextlib.ExitStack() as stack:
        stack.callback(catalogue.close)
        if settings.metrics.intake_port:
            stack.enter_context(serve(settings.metrics.host, settings.metrics.intake_port, figures))
        intake.run()
    # Not what was taken in: with one refused meeting in it that would tell how long the meeting was.
    logging.getLogger(__name__).info(
        "ended: %d in conflict, %d refused", clerk.verdicts[Verdict.CONFLICT], clerk.verdicts[Verdict.REFUSED]
    )


def _watch(settings: Config) -> None:
    from recorder.archive.metrics import serve
    from recorder.archive.watch import Watch
    from recorder.tls import Identity

    _log()
    identity = Identity(Path(settings.archive.folder) / "keys")
    with contextlib.closing(open_catalogue(settings.archive)) as catalogue:
        watch = Watch(settings.archive, identity, catalogue, ready=lambda: print("ready", flush=True))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: watch.stop())
        with serve(settings.metrics.host, settings.metrics.watch_port, watch):
            watch.run()


def _log() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _enrol(config: Archive, name: str, file: Path) -> None:
    from recorder.archive.enrolled import enrol
    from recorder.archive.naming import Enrolment
    from recorder.archive.stores import open_store
    from recorder.errors import CatalogueError
    from recorder.keyfiles import load_device_public
    from recorder.wire.topics import DEVICE_PATTERN

    if not DEVICE_PATTERN.fullmatch(name):
        raise CatalogueError(f"{name!r} is no device's name: 1 to 64 of a-z, 0-9 and '-', as in its certificate")
    key = load_device_public(file).public_bytes_raw().hex()
    enrolment = Enrolment(name, key, _now_ms())
    with contextlib.closing(open_catalogue(config, make=True)) as catalogue:
        # Only an archive that knows no device is new: the store of another one is away.
        store = open_store(config, "write" if catalogue.enrolled() else "make")
        enrol(store, catalogue, [enrolment])
    print(f"{name} may upload")


def _export(store: "Store", recording: str, file: Path) -> None:
    from recorder.archive.export import export, other_keybox

    _write(file, export(store, recording))
    if (keybox := other_keybox(store, recording)) is not None:
        beside = keybox_beside(file)
        try:
            _write(beside, [keybox])
        except BaseException:
            file.unlink()  # or it would read as one that nobody can open
            raise
        print(f"{beside}: its keys were changed at the archive, and these count; keep it beside the other")
    check = f"recorder verify {shlex.quote(str(file))} --device-key ROOM.pub"
    print(f"{file}: as it is stored; `{check}` says whether it is whole, with the public key of the room that made it")


def _receipt(store: "Store", recording: str, file: Path) -> None:
    from recorder.archive.code import code
    from recorder.archive.export import receipt
    from recorder.wire.records import parse_record

    record = receipt(store, recording)
    _write(file, [record])
    print(f"{file}: as it is stored; `recorder verify {shlex.quote(str(file))}` says what it tells")
    print(f"the client's code: {code(parse_record(record)[1])}")


def _certificate(store: "Store", recording: str, file: Path) -> None:
    from recorder.archive.export import certificate

    _write(file, [certificate(store, recording)])
    told = f"recorder verify {shlex.quote(str(file))} --archive-key archive.pub"
    print(f"{file}: `{told}` says what it tells; that key is in the authority's folder, and in each room's")


def _write(file: Path, records: Iterable[bytes]) -> None:
    """A new file with these; of one that cannot be read or written nothing is left."""
    from recorder.errors import StoreError

    try:
        with file.open("xb") as out:
            try:
                out.writelines(records)
            except BaseException:
                file.unlink()
                raise
    except StoreError:  # which is an OSError too, and not the file's
        raise
    except FileExistsError as error:
        raise StoreError(f"{file}: is there already; give another name") from error
    except OSError as error:
        raise StoreError(f"{file}: cannot be written: {error.strerror}") from error


def _limit(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("should be a number, 1 or more")
    return int(text)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _rebuild(config: Archive, store: "Store") -> None:
    from recorder.archive.rebuild import rebuild

    catalogue = open_catalogue(config, make=True)
    counts, lacking = rebuild(store, catalogue, _now_ms())
    catalogue.close()
    print(f"devices: {counts.devices}; records in conflict: {counts.beside}")
    print(f"recordings: {counts.kept} kept, {counts.open} open, {counts.refused} refused, {counts.deleted} deleted")
    for each in lacking:
        print(f"{each.recording}: {each.here} of {each.told} blocks are here")


def open_catalogue(config: Archive, *, make: bool = False) -> "Catalogue":
    """The catalogue that the settings name, which must be there, unless it is to be made. Raises CatalogueError."""
    from recorder.archive.catalogue import Catalogue, url

    return Catalogue(url(config), make=make)
