"""Tables in parts, where the database has them (PostgreSQL): a vacuum, and an index made anew, is about one of them."""

from alembic import op


def partition(table: str, number: int) -> None:
    """Give a table that is partitioned by a hash so many partitions; elsewhere it does nothing."""
    if op.get_context().dialect.name == "postgresql":
        for each in range(number):
            op.execute(
                f"CREATE TABLE {table}_{each:02} PARTITION OF {table} "
                f"FOR VALUES WITH (MODULUS {number}, REMAINDER {each})"
            )
