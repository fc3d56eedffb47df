"""How Alembic runs a step: on the connection that the catalogue hands over, in its transaction."""

from alembic import context

from recorder.archive.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,  # SQLite has it, once the driver is kept from beginning transactions by itself
)
with context.begin_transaction():
    context.run_migrations()
