"""`recorder authority`: make the keys and certificates of rooms, archive and broker, and renew what ends."""

import argparse
import shlex
from pathlib import Path

from recorder.cli import passphrase
from recorder.errors import KeyFileError
from recorder.keyfiles import make_folder, save_recipient, save_recipient_public
from recorder.sealed.keys import RecipientPrivateKey


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command and its own commands."""
    authority = subparsers.add_parser(
        "authority",
        help="keys and certificates: create, archive, broker, room, recipient, renew",
        description="Keep an authority: whom the broker lets in, and whose signatures count.",
        epilog="example: recorder authority create authority\n"
        "         recorder authority archive authority archive\n"
        "         recorder authority broker authority broker/keys --host broker.example.nl\n"
        "         recorder authority recipient reading-room/reader\n"
        "         recorder authority room authority room-1 room-1 --recipient reading-room/reader.pub\n"
        "         recorder authority renew authority room-1/keys",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = authority.add_subparsers(metavar="ACTION", required=True)
    create = _action(actions, "create", "a new authority", "create authority")
    archive = _action(actions, "archive", "the archive's keys", "archive authority archive")
    broker = _action(
        actions,
        "broker",
        "the broker's certificate",
        "broker authority broker/keys --host broker.example.nl --host 192.0.2.7",
    )
    room = _action(actions, "room", "a room's keys", "room authority room-1 room-1 --recipient reading-room/reader.pub")
    recipient = _action(
        actions, "recipient", "a key pair of one who may open recordings", "recipient reading-room/reader"
    )
    renew = _action(
        actions,
        "renew",
        "a new certificate in the place of one that ends, for the same name and key",
        "renew authority room-1/keys",
    )
    for parser in (create, archive, broker, room, renew):
        parser.add_argument("authority", type=Path, help="the authority's folder")
        parser.set_defaults(run=run)
    for parser in (archive, broker, room):
        parser.add_argument("folder", type=Path, help="where to write")
    renew.add_argument("folder", type=Path, help="of a room, the archive or the broker; of it, tls.pem alone is needed")
    broker.add_argument(
        "--host",
        action="append",
        required=True,
        help="a name or address by which rooms and archive find the broker, without a port; may be given again",
    )
    room.add_argument("name", help="1 to 64 of a-z, 0-9 and '-'; also the common name of its certificate")
    room.add_argument(
        "--recipient", type=Path, action="append", required=True, help="public key file of one who may open"
    )
    recipient.add_argument("path", type=Path, help="where to write: PATH.key and PATH.pub")
    recipient.add_argument(
        "--kem", choices=("mlkem768-x25519", "x25519"), default="mlkem768-x25519", help="kind of key"
    )
    recipient.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="its first line guards the key; else asked"
    )
    recipient.set_defaults(run=run_recipient)


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help_: str, example: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        name,
        help=help_,
        description=f"Make {help_}.",
        epilog=f"example: recorder authority {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(action=name)
    return parser


def run_recipient(args: argparse.Namespace) -> int:
    """Make a recipient's key pair."""
    if not args.path.name.strip("."):
        raise KeyFileError(f"{args.path}: is a folder; give a name for the key in it, as {args.path / 'reader'}")
    secret = passphrase.ask(args.passphrase_file, twice=True)
    key = RecipientPrivateKey.generate(args.kem)
    make_folder(args.path.parent)
    save_recipient(args.path.with_name(f"{args.path.name}.key"), key, secret)
    public = args.path.with_name(f"{args.path.name}.pub")
    save_recipient_public(public, key.public)
    print(
        f"{public} is for the rooms; {args.path}.key opens what they record: keep it and its passphrase, each with a copy"
    )
    return 0


def run(args: argparse.Namespace) -> int:
    """Carry out one command; returns the exit code."""
    from recorder.fleet.authority import Authority

    if args.action == "create":
        authority = Authority.create(args.authority)
        print(
            f"{args.authority} is the authority, until {authority.ends:%Y-%m-%d}; keep it off every machine on a network"
        )
        return 0
    authority = Authority.open(args.authority)
    match args.action:
        case "archive":
            authority.enrol_archive(args.folder)
            print(f"{args.folder / 'keys'} is for the archive, where its user alone may read it")
        case "renew":
            ends = authority.renew(args.folder)
            print(f"{args.folder / 'tls.pem'} ends on {ends:%Y-%m-%d}; carry it to where its key is")
        case "broker":
            authority.enrol_broker(args.folder, args.host)
            print(
                f"{args.folder} is for the broker, where its user alone may read it; rooms find it as {', '.join(args.host)}"
            )
        case "room":
            public = authority.enrol_room(args.name, args.folder, args.recipient)
            enrol = shlex.join(["enrol", args.name, str(public)])
            print(f"now enrol it, with the archive's own settings: recorder archive --config archive.toml {enrol}")
    return 0
