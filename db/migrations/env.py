"""Alembic's entry: runs the migrations on the connection that `db.migrate` hands over."""

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("these migrations are run by `python -m db.migrate`, which connects and takes a lock")
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
