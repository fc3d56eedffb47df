"""Lists of recordings, the newest first, and how many are in each state, have an answer at once however many there are."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SLOTS = 16


def upgrade() -> None:
    op.create_index("ix_recordings_first_ms", "recordings", ["first_ms", "id"])
    op.create_index("ix_recordings_device_first_ms", "recordings", ["device", "first_ms", "id"])
    tallies = op.create_table(
        "tallies",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slot", "state", name="pk_tallies"),
    )
    rows = [
        {"slot": slot, "state": state, "number": 0} for slot in range(SLOTS) for state in ("kept", "open", "refused")
    ]
    op.bulk_insert(tallies, rows)
    op.execute(
        "UPDATE tallies SET number = (SELECT count(*) FROM recordings WHERE recordings.state = tallies.state) "
        "WHERE slot = 0"
    )


def downgrade() -> None:
    op.drop_table("tallies")
    op.drop_index("ix_recordings_device_first_ms", "recordings")
    op.drop_index("ix_recordings_first_ms", "recordings")
