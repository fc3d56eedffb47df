"""When an item was stored is told nowhere and was never asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("items", "conflicts"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("stored_ms")


def downgrade() -> None:
    for table in ("items", "conflicts"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("stored_ms", sa.BigInteger(), nullable=False, server_default="0"))
