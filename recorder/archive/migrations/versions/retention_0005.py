"""What retention needs of a recording, what a list of meetings shows of its receipt, and that it was deleted.

Of what is here already nobody knows any more when its manifest came: it counts as come now, which is never too early. What its
receipt tells stays null; a rebuild from the objects fills it.
"""

import time

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SLOTS = 16
STATES_BEFORE = "state IN ('open', 'kept', 'refused')"
STATES = "state IN ('open', 'kept', 'refused', 'deleted')"
LIVE = sa.text("state IN ('open', 'kept')")


def upgrade() -> None:
    _have_states(STATES_BEFORE, STATES)
    for column in (
        sa.Column("came_ms", sa.BigInteger()),
        sa.Column("code", sa.String(24)),
        sa.Column("consent", sa.String(12)),
        sa.Column("yes", sa.BigInteger()),
        sa.Column("present", sa.BigInteger()),
        sa.Column("training", sa.String(12)),
        sa.Column("cause", sa.String(16)),
        sa.Column("was_kept", sa.Boolean()),
    ):
        op.add_column("recordings", column)
    op.create_index("ix_recordings_code", "recordings", ["code"])
    op.create_index("ix_recordings_live", "recordings", ["id"], sqlite_where=LIVE, postgresql_where=LIVE)
    recordings = sa.table("recordings", *(sa.column(name) for name in ("ended", "came_ms")))
    here = recordings.c.ended.is_not(None) & (recordings.c.ended != "refused")
    op.execute(recordings.update().where(here).values(came_ms=time.time_ns() // 1_000_000))
    tallies = sa.table("tallies", *(sa.column(name) for name in ("slot", "state", "number")))
    op.bulk_insert(tallies, [{"slot": slot, "state": "deleted", "number": 0} for slot in range(SLOTS)])


def downgrade() -> None:
    recordings = sa.table("recordings", sa.column("state"))
    deleted = sa.select(sa.func.count()).select_from(recordings).where(recordings.c.state == "deleted")
    if op.get_bind().scalar(deleted):
        raise CommandError(
            "recordings were deleted, of which an older version would not know: it would take them again"
        )
    op.execute("DELETE FROM tallies WHERE state = 'deleted'")
    op.drop_index("ix_recordings_live", "recordings")
    op.drop_index("ix_recordings_code", "recordings")
    for name in ("was_kept", "cause", "training", "present", "yes", "consent", "code", "came_ms"):
        op.drop_column("recordings", name)
    _have_states(STATES, STATES_BEFORE)


def _have_states(before: str, after: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        (check,) = sa.inspect(connection).get_check_constraints("recordings")
        op.drop_constraint(op.f(check["name"] or ""), "recordings", type_="check")
        op.create_check_constraint(op.f("ck_recordings_state"), "recordings", after)
        return
    # SQLite changes no constraint: the table is made anew in its own words. Its items refer to it, and do again in the end.
    made = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = 'recordings' AND sql IS NOT NULL ORDER BY type DESC")
    table, *indexes = connection.scalars(made).all()
    if before not in table:
        raise CommandError("the table of recordings is not as the versions before made it")
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TEMPORARY TABLE old_recordings AS SELECT * FROM recordings")
    op.drop_table("recordings")
    for statement in (table.replace(before, after), "INSERT INTO recordings SELECT * FROM old_recordings", *indexes):
        connection.exec_driver_sql(statement)
    op.drop_table("old_recordings")
