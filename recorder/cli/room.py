"""`recorder room`: the daemon of one room."""

import argparse
from pathlib import Path


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "room",
        help="run one room: buttons, light, microphone, uplink",
        description="Run one room until SIGTERM. With panel.pins = 'mock' its buttons are pressed by lines on the "
        "standard input, a line each: start, stop, mark, refuse, lift, and end if panel.end_button names a pin; "
        "'lamp open', 'lamp shorted' and 'lamp whole' break the light and mend it. With real pins a room that cannot start "
        "says why, and blinks for a minute before it ends.",
        epilog="example: recorder room --config /etc/wederhoor/room.toml",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings that differ from the defaults (TOML)")
    parser.add_argument("--report", action="store_true", help="write what happens to standard output, a JSON line each")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the room."""
    from recorder import config
    from recorder.device.daemon import serve

    return serve(config.load(args.config), report=args.report)
