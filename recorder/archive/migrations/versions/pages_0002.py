"""The contents of items lie in pages; what is told of an item besides is told nowhere, and was never asked for."""

from itertools import groupby

import sqlalchemy as sa
from alembic import op

from recorder.archive.migrations.partitions import partition

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PAGE_ITEMS, CONTENT_BYTES = 32, 32  # as pages.py had them then
PARTITIONS = 16
IN_PARTS = {"yield_per": 10_000}  # never all rows in memory


def upgrade() -> None:
    with op.batch_alter_table("conflicts") as batch:
        batch.drop_column("bytes")
        batch.drop_column("stored_ms")
    _set_aside("items", "old_items")
    items = op.create_table(
        "items",
        sa.Column("recording", sa.String(32), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("page", sa.BigInteger(), nullable=False),
        sa.Column("contents", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], name="fk_items_recording"),
        sa.PrimaryKeyConstraint("recording", "type", "page", name="pk_items"),
        sqlite_with_rowid=False,
        postgresql_partition_by="HASH (recording)",
    )
    partition("items", PARTITIONS)
    old = _old_items("old_items")
    connection = op.get_bind()
    by_page = sa.select(old).order_by(old.c.recording, old.c.type, old.c.index)
    found = connection.execute(by_page, execution_options=IN_PARTS)
    items_of_pages = groupby(found.mappings(), lambda row: (row["recording"], row["type"], row["index"] // PAGE_ITEMS))
    for (recording, type_, page), rows in items_of_pages:
        contents = bytearray()
        for row in rows:
            contents += bytes(row["index"] % PAGE_ITEMS * CONTENT_BYTES - len(contents)) + row["content"]
        values = {"recording": recording, "type": type_, "page": page, "contents": bytes(contents)}
        connection.execute(sa.insert(items), values)
    op.drop_table("old_items")
    with op.batch_alter_table("recordings") as batch:
        batch.add_column(sa.Column("settled", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("recordings") as batch:
        batch.alter_column("settled", server_default=None)
    op.execute("UPDATE recordings SET settled = (purged_ms IS NOT NULL)")
    unsettled = sa.text("NOT settled")
    op.create_index(
        "ix_recordings_unsettled", "recordings", ["state"], sqlite_where=unsettled, postgresql_where=unsettled
    )


def downgrade() -> None:
    op.drop_index("ix_recordings_unsettled", "recordings")
    with op.batch_alter_table("recordings") as batch:
        batch.drop_column("settled")
    _set_aside("items", "pages")
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
    pages = sa.table("pages", sa.column("recording"), sa.column("type"), sa.column("page"), sa.column("contents"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(pages), execution_options=IN_PARTS):
        contents = [row.contents[at : at + CONTENT_BYTES] for at in range(0, len(row.contents), CONTENT_BYTES)]
        values = [
            {
                "recording": row.recording,
                "type": row.type,
                "index": row.page * PAGE_ITEMS + place,
                "content": content,
                "bytes": 0,
                "stored_ms": 0,
            }
            for place, content in enumerate(contents)
            if any(content)
        ]
        connection.execute(sa.insert(_old_items("items")), values)
    op.drop_table("pages")
    with op.batch_alter_table("conflicts") as batch:
        batch.add_column(sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("stored_ms", sa.BigInteger(), nullable=False, server_default="0"))


def _set_aside(table: str, name: str) -> None:
    """Keep the rows of `table`, which goes, under another name until the end. Its constraints' names are free then."""
    op.execute(f"CREATE TEMPORARY TABLE {name} AS SELECT * FROM {table}")  # noqa: S608 - names of ours
    op.drop_table(table)


def _old_items(name: str) -> sa.TableClause:
    columns = ("recording", "type", "index", "content", "bytes", "stored_ms")
    return sa.table(name, *(sa.column(column) for column in columns))
