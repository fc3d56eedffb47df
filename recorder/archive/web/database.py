"""Where what people do is kept, for the settings of Django and for who asks before those are read."""

from pathlib import Path

from recorder.config import Config


def people_file(config: Config) -> Path:
    """The SQLite file, where `web.database` names no other database."""
    return Path(config.archive.folder).absolute() / "people.sqlite"
