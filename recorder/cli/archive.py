"""`recorder archive`: run the archive's intake, enrol a device, take a recording out."""

import argparse
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.config import Archive, load

if TYPE_CHECKING:  # a Pi has no database: what the commands need is imported when they run
    from recorder.archive.catalogue import Catalogue
    from recorder.archive.store import FolderStore


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command and its own commands."""
    archive = subparsers.add_parser(
        "archive",
        help="the archive: serve, enrol a device, export a recording, rebuild",
        description="Take in what the rooms send until SIGTERM; or, with an action, do that.",
        epilog="example: recorder archive --config archive.toml",
    )
    archive.add_argument("--config", type=Path, metavar="FILE", help="settings that differ from the defaults (TOML)")
    archive.set_defaults(run=run, action="serve")
    actions = archive.add_subparsers(metavar="ACTION", help="without one: take in what the rooms send")
    enrol = actions.add_parser("enrol", help="let a device upload")
    enrol.add_argument("name")
    enrol.add_argument("public_key", type=Path, help="the device's public key file")
    enrol.set_defaults(action="enrol")
    out = actions.add_parser("export", help="write a recording to one sealed file")
    out.add_argument("recording")
    out.add_argument("-o", "--output", type=Path, required=True)
    out.set_defaults(action="export")
    again = actions.add_parser("rebuild", help="make an empty catalogue anew from the stored objects")
    again.set_defaults(action="rebuild")


def run(args: argparse.Namespace) -> int:
    """Carry out one command; returns the exit code."""
    from recorder.archive.catalogue import rebuild
    from recorder.archive.store import FolderStore

    os.umask(0o077)
    config = load(args.config).archive
    store = FolderStore(Path(config.folder) / "objects")
    match args.action:
        case "enrol":
            _enrol(config, store, args.name, args.public_key)
        case "export":
            _export(store, args.recording, args.output)
        case "rebuild":
            rebuild(store, _catalogue(config))
        case _:
            _serve(config, store)
    return 0


def _serve(config: Archive, store: "FolderStore") -> None:
    from recorder.archive.clerk import Clerk
    from recorder.archive.intake import Intake
    from recorder.keyfiles import load_device

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    catalogue = _catalogue(config)
    clerk = Clerk(config.name, load_device(Path(config.folder) / "keys" / "receipt.key"), store, catalogue)
    clerk.resume(time.time_ns() // 1_000_000)
    intake = Intake(config, clerk, ready=lambda: print("ready", flush=True))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: intake.stop())
    try:
        intake.run()
    finally:
        catalogue.close()
    counts = " ".join(f"{verdict}={count}" for verdict, count in sorted(clerk.verdicts.items()))
    logging.getLogger(__name__).info("ended: %s", counts or "nothing came")


def _enrol(config: Archive, store: "FolderStore", name: str, file: Path) -> None:
    from recorder.archive import naming
    from recorder.archive.naming import Enrolment
    from recorder.canonical import encode
    from recorder.errors import CatalogueError, SignedTextError
    from recorder.keyfiles import load_device_public

    key = load_device_public(file).public_bytes_raw().hex()
    enrolment = Enrolment(name, key, time.time_ns() // 1_000_000)
    try:
        object_ = encode(enrolment)
    except SignedTextError as error:
        raise CatalogueError(f"{name!r} cannot be a device's name: {error}") from error
    catalogue = _catalogue(config)
    with catalogue.write() as writing:
        if writing.enrol(enrolment) and store.put({naming.device(name): object_}, enrolment.enrolled_ms):
            raise CatalogueError(f"{name} was enrolled before; rebuild the catalogue from the objects")
    catalogue.close()
    print(f"{name} may upload")


def _export(store: "FolderStore", recording: str, file: Path) -> None:
    from recorder.archive.export import export
    from recorder.errors import StoreError

    records = export(store, recording)
    try:
        with file.open("xb") as out:
            out.writelines(records)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written: {error.strerror}") from error


def _catalogue(config: Archive) -> "Catalogue":
    from recorder.archive.catalogue import Catalogue

    url = config.catalogue or f"sqlite:///{Path(config.folder).absolute() / 'catalogue.sqlite'}"
    return Catalogue(url, config.retention_days)
