"""A key is one device's: two programs that enrol it at once for two devices cannot both succeed."""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    devices = sa.table("devices", sa.column("name"), sa.column("public_key"))
    names = (sa.func.min(devices.c.name), sa.func.max(devices.c.name))
    shared = sa.select(*names).group_by(devices.c.public_key).having(sa.func.count() > 1).order_by(names[0])
    for first, second in op.get_bind().execute(shared):
        raise CommandError(
            f"{first} and {second} are enrolled with one key; delete one of them from the table devices, and its object "
            f"devices/NAME from the store, or a rebuild would find it again"
        )
    op.create_index("ix_devices_public_key", "devices", ["public_key"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_devices_public_key", "devices")
