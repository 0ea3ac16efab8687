"""A database as older code left it: its schema, and what that knows of the rows that are there."""

from collections.abc import Iterator

from sqlalchemy import MetaData, Table, inspect, text

from db import engine as database
from db import migrate


def make_older(url: str, revision: str) -> None:
    """Build the database anew with the schema of a revision, and take over what that has a place for."""
    with database.opened(url) as engine:
        with engine.begin() as connection:
            connection.execute(text("ALTER SCHEMA public RENAME TO newer"))
            connection.execute(text("CREATE SCHEMA public"))
        migrate.upgrade(url, revision)
        with engine.begin() as connection:
            older = MetaData()
            older.reflect(connection)
            for table in older.sorted_tables:
                if table.name != "alembic_version":
                    newer = inspect(connection).get_columns(table.name, schema="newer")
                    for statement in _taking_over(table, {one["name"] for one in newer}):
                        connection.execute(text(statement))
            connection.execute(text("DROP SCHEMA newer CASCADE"))


def _taking_over(table: Table, newer: set[str]) -> Iterator[str]:
    columns = ", ".join(one.name for one in table.c if one.name in newer)
    rows = f"SELECT {columns} FROM newer.{table}"
    # What triggers made is taken over, too.
    yield f"ALTER TABLE {table} DISABLE TRIGGER USER"
    yield f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE {rows}"
    yield f"ALTER TABLE {table} ENABLE TRIGGER USER"
    for one in table.c:
        if one.identity is not None:
            numbers = f"pg_get_serial_sequence('{table}', '{one.name}')"
            yield f"SELECT setval({numbers}, max({one.name})) FROM {table}"
