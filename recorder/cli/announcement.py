"""`recorder announcement`: the spoken announcement as a WAV file."""

import argparse
import sys
from pathlib import Path


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "announcement",
        help="speak the announcement of a recording into a WAV file",
        description="Let a synthesised voice speak what a client hears before a recording begins. A voice of your own is "
        "better: read the text aloud and keep it as a WAV file; without -o the text is shown. It says until when a no counts, "
        "so it is spoken anew when meeting.grace_seconds or meeting.ask_everyone changes.",
        epilog="example: recorder announcement --config /etc/wederhoor/room.toml -o /etc/wederhoor/announcement.wav",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the room's settings that differ (TOML)")
    parser.add_argument("--language", choices=("nl", "en"), help="(default: consent.language)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="the WAV file; for speaker.announcement")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Speak it, or show it."""
    from recorder import config
    from recorder.notices import spoken

    settings = config.load(args.config)
    language = args.language or settings.consent.language
    said = spoken.text(language, settings.meeting.grace_seconds, asked=settings.meeting.ask_everyone)
    if args.out is None:
        print(said)
        return 0
    spoken.synthesise(said, language, args.out)
    print(f"{args.out}: spoken; name it as speaker.announcement in the room's settings", file=sys.stderr)
    return 0
