"""The archive of the fault matrix: `recorder archive`, with nothing changed but that it may die at a point.

main([POINTS, FLAW, …])     the arguments of `recorder` follow
"""

import sys
from pathlib import Path
from typing import Any

import alembic.command  # noqa: F401 - what a process needs is imported before it is born
import obstore  # noqa: F401
import psycopg  # noqa: F401
from sqlalchemy.dialects.postgresql import psycopg as _postgresql  # noqa: F401
from sqlalchemy.dialects.sqlite import pysqlite as _sqlite  # noqa: F401

from recorder import tls  # noqa: F401
from recorder.archive import clerk, figures, intake, metrics, rebuild, road, stores  # noqa: F401
from recorder.cli import main as command
from tests.faults import flaws, points

SHORTENED: dict[tuple[Any, str], float] = {
    (road, "KEEPALIVE_SECONDS"): 1,
    (road, "CONNECT_SECONDS_MAX"): 2.0,
    (intake, "TICK_SECONDS"): 0.2,
    (intake, "RETRY_FIRST_SECONDS"): 0.05,
    (intake, "RETRY_LAST_SECONDS"): 0.3,
}
"""Waits of which a thousand would take too long. Nothing else differs."""


def main(arguments: list[str]) -> None:
    armed, flaw, *rest = arguments
    for (module, name), seconds in SHORTENED.items():
        setattr(module, name, seconds)
    points.watch(Path(armed), points.ARCHIVE.items())
    flaws.ARCHIVE.get(flaw, lambda: None)()
    sys.exit(command(rest))
