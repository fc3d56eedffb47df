"""`recorder archive web`, `read`, `account`, `forget`: the pages, the reading room behind them, who may sign in, what goes."""

import argparse
import contextlib
import sys
from pathlib import Path

from recorder import structs
from recorder.config import Config
from recorder.errors import WebError

PATIENCE = "until SIGTERM"
OPERATOR = "operator"
"""In the audit trail: whoever may use this command has no account yet, or need not have one."""


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add these actions."""
    web = actions.add_parser(
        "web",
        help="serve the pages for people",
        description=f"Serve the pages for people at web.bind, {PATIENCE}. They hold no key: what is heard comes from "
        "`recorder archive read`, which must run beside.",
        epilog="example: recorder archive --config archive.toml web",
    )
    web.set_defaults(action="web")
    read = actions.add_parser(
        "read",
        help="the reading room: play recordings to the pages",
        description=f"Play recordings to the pages, for those who may hear them, {PATIENCE}. It holds the key: let it be a "
        "user of its own.",
        epilog="example: recorder archive --config archive.toml read --key reader.key --passphrase-file passphrase",
    )
    read.add_argument("--key", type=Path, required=True, metavar="FILE", help="the recipient's private key")
    read.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="the file with its passphrase (default: it is asked for)"
    )
    read.set_defaults(action="read")
    account = actions.add_parser(
        "account",
        help="make an account for the pages",
        description="Make an account for the pages, and show the link by which its person sets a password. The first one "
        "is an administrator's, who makes the others in the pages.",
        epilog='example: recorder archive --config a.toml account a.jansen@gemeente.example "A. Jansen" --role administrator',
    )
    account.add_argument("email", help="the person's e-mail address, with which they sign in")
    account.add_argument("name", help="the person's name")
    account.add_argument("--role", action="append", required=True, metavar="ROLE", help="once for each role")
    account.add_argument("--room", action="append", default=[], metavar="NAME", help="once for each room of theirs")
    account.set_defaults(action="account")
    forget = actions.add_parser(
        "forget",
        help="delete what is due: once a night",
        description="Delete what is due, forget what people said of it, and leave what is to come for the pages. Let it run "
        "every night; two at once are safe. Returns 1 if something that is due is still there.",
        epilog="example: recorder archive --config archive.toml forget --preview --days 7",
    )
    forget.add_argument("--preview", action="store_true", help="delete nothing; say how much goes, and why")
    forget.add_argument(
        "--days", type=_days, metavar="N", help="with --preview: what goes within so many days (default: 7)"
    )
    forget.set_defaults(action="forget")


def run(args: argparse.Namespace, config: Config) -> int:
    """Carry out one of these actions; returns the exit code."""
    from recorder.archive.web import serving
    from recorder.archive.web.people.provider import secret

    match args.action:
        case "web":
            secret(config.web)
            serving.set_up_with_secret(config, args.config)
            serving.serve_pages(config, lambda: print("ready", flush=True))
        case "read":
            serving.set_up_without_secret(config, args.config, "reading_settings")
            _read(args)
        case "account":
            serving.set_up_with_secret(config, args.config)
            _account(args, config)
        case "forget":
            if args.days is not None and not args.preview:
                raise WebError("--days goes with --preview: a run deletes what is due now, and nothing else")
            serving.set_up_without_secret(config, args.config)
            return _preview(config, 7 if args.days is None else args.days) if args.preview else _forget(config)
    return 0


def _read(args: argparse.Namespace) -> None:
    from recorder.archive.web import serving
    from recorder.archive.web.archive import reading_room
    from recorder.archive.web.listening.room import Room
    from recorder.archive.web.listening.serving import furnish
    from recorder.cli.passphrase import load
    from recorder.confine import forbid_dumps, lock_memory

    forbid_dumps()  # its workers inherit this, and the key
    lock_memory()
    key = load(args.key, args.passphrase_file)
    serving.serve_readings(reading_room(), lambda: furnish(Room(key)), lambda: print("ready", flush=True))


def _account(args: argparse.Namespace, config: Config) -> None:
    from django.db import transaction

    from recorder.archive.access import Action, Role
    from recorder.archive.web.archive import archive
    from recorder.archive.web.people.keeping import confirm, invite, make
    from recorder.archive.web.trail.writing import write

    roles = [each.value for each in Role if each is not Role.CASE_SYSTEM]
    if Role.CASE_SYSTEM in args.role:
        raise WebError(
            "case_system is no person's role: a program gets a token, at Programs in the pages (docs/api.md)"
        )
    if unknown := sorted(set(args.role) - set(roles)):
        raise WebError(f"{unknown[0]!r} is no role; those are {', '.join(roles)}")
    missing = sorted(set(args.room) - set(archive().catalogue.enrolled())) if args.room else []
    if missing:
        raise WebError(f"{missing[0]!r} is not enrolled: see `recorder status`")
    with transaction.atomic():
        person = make(args.email, args.name, [Role(each) for each in args.role], args.room)
        confirm(person)  # who may use this command has the database itself: a second person would not keep them from it
        said = {"account": str(person.pk), "act": "make", "roles": " ".join(sorted(args.role))}
        said |= {"rooms": " ".join(sorted(args.room))} if args.room else {}
        write(person=OPERATOR, role=OPERATOR, action=Action.KEEP_ACCOUNTS, details=said)
    print(f"{person.email} may sign in once a password is set, within three days, at\n{config.web.url}{invite(person)}")
    sys.stdout.flush()


def _days(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError("should be a number of days")
    return int(text)


def _forget(config: Config) -> int:
    from rich.console import Console
    from rich.progress import Progress

    from recorder.archive.catalogue import Catalogue, url
    from recorder.archive.deletion import Deleter
    from recorder.archive.deletions import Deletions, place
    from recorder.archive.enrolled import check
    from recorder.archive.stores import open_store
    from recorder.archive.web.clock import now_ms
    from recorder.archive.web.holds.deletions import public_key_file
    from recorder.archive.web.holds.nightly import Nightly
    from recorder.keyfiles import load_device, save_device_public

    structs.read_all()
    archive = config.archive
    key = load_device(Path(archive.folder) / "keys" / "receipt.key")
    public = public_key_file(config)
    if not public.exists():  # by which the pages verify the certificates
        save_device_public(public, key.public_key())
    store, deletions = open_store(archive, "write"), Deletions(place(archive))
    with contextlib.closing(Catalogue(url(archive), make=False)) as catalogue:
        check(store, catalogue)  # with another store's disk in its place it would certify what it never deleted
        deleter = Deleter(archive.name, key, store, catalogue, deletions, now_ms)
        nightly = Nightly(archive.name, key, catalogue, deleter, deletions)
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
            task = bar.add_task("deleting", total=None)
            tally = nightly.run(lambda done, of: bar.update(task, completed=done, total=of))
    causes = ", ".join(f"{number} {cause}" for cause, number in sorted(tally.deleted.items()))
    print(f"deleted: {tally.deleted.total()}" + (f" ({causes})" if causes else ""))
    print(f"deleted again, for a backup brought it back: {tally.again}")
    print(f"holds that nobody confirmed in time: {tally.lapsed}")
    print(f"fragments for training that were destroyed: {tally.fragments}")
    print(f"lines of the audit trail that were three years old: {tally.lines}")
    for recording in sorted(tally.failed):
        print(f"recorder archive: not deleted, and tried again the next night: {recording}", file=sys.stderr)
    if tally.waits:
        print(
            "recorder archive: nothing new was deleted. The database of the pages is older than the list of deletions: it is "
            "from a backup, and lacks what people linked and held since. Look at the preview; the next run deletes",
            file=sys.stderr,
        )
    if tally.fragments_failed:
        print(
            "recorder archive: fragments for training are still there that should be gone; see the log", file=sys.stderr
        )
    if tally.unpublished:
        print(
            "recorder archive: the checkpoint of the audit trail is in the database, and not in published/; see the log",
            file=sys.stderr,
        )
    return 1 if tally.failed or tally.waits or tally.fragments_failed or tally.unpublished else 0


def _preview(config: Config, days: int) -> int:
    from collections import Counter

    from recorder.archive.catalogue import Catalogue, url
    from recorder.archive.due import walk
    from recorder.archive.web.archive import terms
    from recorder.archive.web.clock import now_ms
    from recorder.archive.web.known import known
    from recorder.wire.consent import DAY_MS

    now, found = now_ms(), Counter[tuple[str, bool]]()
    kept = 0
    with contextlib.closing(Catalogue(url(config.archive), make=False)) as catalogue:
        for _, fate in walk(catalogue, known, terms(), now):
            if fate.goes_ms is not None and fate.goes_ms < now + days * DAY_MS:
                found[fate.cause, fate.is_due(now)] += 1
            kept += fate.due_ms <= now and fate.kept
    span = "1 day" if days == 1 else f"{days} days"
    print(f"{'now':>10}{f'in {span}':>16}" if found else f"nothing goes now, nor within {span}")
    for cause in sorted({cause for cause, _ in found}):
        due = found[cause, True]
        print(f"{due:>10}{due + found[cause, False]:>16}  {cause}")
    print(f"past its date, and kept: {kept}")
    return 0
