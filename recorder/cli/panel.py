"""`recorder panel`: the panel of a room that runs on this machine, to look at."""

import argparse
from pathlib import Path


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "panel",
        help="look at the panel of the room on this machine",
        description="Show light, state, level, faults and what the archive has signed for, until the room ends or Ctrl-C. "
        "It only looks: nothing can be pressed here.",
        epilog="example: recorder panel --language en",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the room's settings, which name its window (TOML)")
    parser.add_argument("--language", choices=("nl", "en"), default="nl", help="(default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look."""
    from rich.console import Console

    from recorder import config
    from recorder.errors import PanelError
    from recorder.trial.terminal import watch

    window = config.load(args.config).room.window
    if not window:
        raise PanelError("this room has no window: set room.window")
    watch(Path(window), args.language, Console(highlight=False))
    return 0
