"""Devices, recordings, their items, and what was kept beside."""

import sqlalchemy as sa
from alembic import op

from recorder.archive.migrations.partitions import partition

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PARTITIONS = 16


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("public_key", sa.LargeBinary(32), nullable=False),
        sa.Column("enrolled_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_devices"),
    )
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("preamble_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("delete_after_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("sequence", sa.BigInteger()),
        sa.Column("made_ms", sa.BigInteger()),
        sa.Column("made_synced", sa.Boolean()),
        sa.Column("ended", sa.String(16)),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.Column("blocks", sa.BigInteger()),
        sa.Column("keybox", sa.String(64)),
        sa.Column("receipt_previous", sa.LargeBinary(32)),
        sa.Column("purged_ms", sa.BigInteger()),
        sa.CheckConstraint("state IN ('open', 'kept', 'refused')", name="ck_recordings_state"),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        postgresql_partition_by="HASH (id)",
    )
    partition("recordings", PARTITIONS)
    op.create_index("ix_recordings_device", "recordings", ["device", "sequence"])
    op.create_index("ix_recordings_delete_after_ms", "recordings", ["delete_after_ms"])
    op.create_table(
        "items",
        sa.Column("recording", sa.String(32), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], name="fk_items_recording"),
        sa.PrimaryKeyConstraint("recording", "type", "index", name="pk_items"),
        sqlite_with_rowid=False,
        postgresql_partition_by="HASH (recording)",
    )
    partition("items", PARTITIONS)
    op.create_table(
        "conflicts",
        sa.Column("recording", sa.String(32), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], name="fk_conflicts_recording"),
        sa.PrimaryKeyConstraint("recording", "type", "index", "content", name="pk_conflicts"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("conflicts")
    op.drop_table("items")
    op.drop_table("recordings")
    op.drop_table("devices")
