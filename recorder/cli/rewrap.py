"""`recorder archive rewrap`: other keys for the recordings that are here already."""

import argparse
from pathlib import Path

from recorder.config import Archive


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this action."""
    rewrap = actions.add_parser(
        "rewrap",
        help="have another key open the recordings that are here",
        description="Have a new private key, and whoever's public keys are named, open every recording that is here, and the "
        "old key none of them. The blocks stay as they are. If it is ended nothing is lost: started again it goes on. Rooms "
        "seal to the keys in their folders: change those first, and run it again when all rooms have the new ones.",
        epilog="example: recorder archive --config archive.toml rewrap --old reader.key --new reader-2.key --escrow vault.pub",
    )
    for name, whose in (("old", "that opens them now"), ("new", "that shall open them")):
        rewrap.add_argument(f"--{name}", type=Path, required=True, metavar="FILE", help=f"the private key {whose}")
        rewrap.add_argument(
            f"--{name}-passphrase-file", type=Path, metavar="FILE", help="its passphrase (default: it is asked for)"
        )
    rewrap.add_argument(
        "--escrow",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a public key whose owner shall open them, too; once for each. Those who are not named again open nothing",
    )
    rewrap.set_defaults(action="rewrap")


def run(args: argparse.Namespace, config: Archive) -> int:
    """Carry it out; 2 if a recording could not be done."""
    from contextlib import closing

    from rich.console import Console
    from rich.progress import track

    from recorder.archive.listing import kept
    from recorder.archive.rewrap import Rotation, rewrap
    from recorder.archive.stores import open_store
    from recorder.cli.archive import open_catalogue
    from recorder.cli.passphrase import load
    from recorder.errors import SealedError, StoreError
    from recorder.keyfiles import load_recipient_public

    rotation = Rotation(
        load(args.old, args.old_passphrase_file, "--old-passphrase-file"),
        load(args.new, args.new_passphrase_file, "--new-passphrase-file"),
        [load_recipient_public(each) for each in args.escrow],
    )
    store, console = open_store(config, "write"), Console(stderr=True)
    done = there = failed = 0
    with closing(open_catalogue(config)) as catalogue:
        total = catalogue.counts().kept
        for recording in track(
            kept(catalogue), "rewrapping", total=total, console=console, disable=not console.is_terminal
        ):
            try:
                changed = rewrap(store, catalogue, recording, rotation)
            except (SealedError, StoreError) as error:
                console.print(f"{recording}: {error}", markup=False, highlight=False)
                failed += 1
            else:
                done, there = done + changed, there + (not changed)
    have = "recording has" if done == 1 else "recordings have"
    print(f"{done} {have} other keys now, {there} had them already, {failed} could not be done")
    if failed:
        print("keep the old key: it still opens those")
    if done:
        print("restart the reading room with the new key: with the old one it opens none of the others any more")
    return 2 if failed else 0
