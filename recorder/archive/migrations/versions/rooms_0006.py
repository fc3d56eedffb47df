"""How the rooms are and were, day by day, and which meetings failed: so that one that is dead is seen, and not only today."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FAILED = sa.text("state = 'kept' AND (ended IN ('fault', 'power_loss') OR keybox IS NULL)")


def upgrade() -> None:
    op.create_table(
        "rooms",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=False),
        sa.Column("heard", sa.Boolean(), nullable=False),
        sa.Column("silent_ms", sa.BigInteger()),
        sa.Column("faults", sa.String(400), nullable=False),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.Column("behind", sa.Boolean(), nullable=False),
        sa.Column("spool", sa.Integer()),
        sa.Column("certificate_ends_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("selftest_ms", sa.BigInteger(), nullable=False),
        sa.Column("selftest_found", sa.String(400), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rooms"),
    )
    op.create_table(
        "room_days",
        sa.Column("room", sa.String(64), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("watched", sa.Integer(), nullable=False),
        sa.Column("silent", sa.Integer(), nullable=False),
        sa.Column("faults", sa.String(400), nullable=False),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("room", "day", name="pk_room_days"),
    )
    op.create_index("ix_recordings_failed", "recordings", ["first_ms"], sqlite_where=FAILED, postgresql_where=FAILED)


def downgrade() -> None:
    op.drop_index("ix_recordings_failed", "recordings")
    op.drop_table("room_days")
    op.drop_table("rooms")
