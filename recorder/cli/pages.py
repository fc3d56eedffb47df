"""`recorder archive web`, `read` and `account`: the pages for people, the reading room behind them, and who may sign in."""

import argparse
import sys
from pathlib import Path

from recorder.config import Config

PATIENCE = "until SIGTERM"


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


def run(args: argparse.Namespace, config: Config) -> None:
    """Carry out one of these actions."""
    from recorder.archive.web import serving

    match args.action:
        case "web":
            serving.make_secret(config)
            serving.set_up(args.config)
            serving.serve_pages(config, lambda: print("ready", flush=True))
        case "read":
            serving.set_up(args.config, "reading_settings")
            _read(args)
        case "account":
            serving.make_secret(config)
            serving.set_up(args.config)
            _account(args, config)


def _read(args: argparse.Namespace) -> None:
    from recorder.archive.web import serving
    from recorder.archive.web.archive import reading_room
    from recorder.archive.web.listening.room import Room
    from recorder.archive.web.listening.serving import furnish
    from recorder.cli.passphrase import ask
    from recorder.confine import forbid_dumps, lock_memory
    from recorder.keyfiles import load_recipient

    forbid_dumps()  # its workers inherit this, and the key
    lock_memory()
    key = load_recipient(args.key, ask(args.passphrase_file))
    serving.serve_readings(reading_room(), lambda: furnish(Room(key)), lambda: print("ready", flush=True))


def _account(args: argparse.Namespace, config: Config) -> None:
    from recorder.archive.access import Role
    from recorder.archive.web.people.keeping import invite, make
    from recorder.errors import WebError

    unknown = sorted(set(args.role) - {each.value for each in Role})
    if unknown:
        raise WebError(f"{unknown[0]!r} is no role; those are {', '.join(Role)}")
    person = make(args.email, args.name, [Role(each) for each in args.role], args.room)
    print(f"{person.email} may sign in once a password is set, within three days, at\n{config.web.url}{invite(person)}")
    sys.stdout.flush()
