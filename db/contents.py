"""What a database holds, in figures: its schema's revision and how many rows each table has."""

from dataclasses import dataclass

from sqlalchemy import URL, Connection, text

from db import engine

# Alembic's own, whose one row is the revision.
_REVISION_TABLE = "alembic_version"

# What triggers count from the other tables (migration 0008): nobody has put it there, nor would miss it.
_COUNTED = ("daily_counts", "daily_changes", "judgements")

# Without other sessions' temporary tables, which nobody else can read.
_TABLES = """
    SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS quoted, tablename
    FROM pg_tables WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' ORDER BY tablename
"""


@dataclass(frozen=True)
class Contents:
    """A database's revision (None: it was never migrated), and the rows of each table by its name."""

    revision: str | None
    rows: dict[str, int]

    @property
    def total(self) -> int:
        """Return the rows of all tables together."""
        return sum(self.rows.values())

    def __str__(self) -> str:
        """Return the figures for people, the largest table first, without those that are empty."""
        largest_first = sorted(self.rows.items(), key=lambda item: -item[1])
        tables = ", ".join(f"{name} {count:,}" for name, count in largest_first if count) or "no rows"
        return f"{tables} (schema {self.revision or 'none'})"


def read(connection: Connection) -> Contents:
    """Return what `connection` sees now; of one moment only where its transaction is REPEATABLE READ.

    Raises:
        SQLAlchemyError: The database cannot be read.
    """
    revision = None
    rows = {}
    for quoted, name in connection.execute(text(_TABLES)).all():
        if name == _REVISION_TABLE:
            revision = connection.scalar(text(f"SELECT version_num FROM {quoted}"))  # noqa: S608 - quoted
        elif name not in _COUNTED:
            rows[name] = connection.scalar(text(f"SELECT count(*) FROM {quoted}"))  # noqa: S608 - quoted
    return Contents(revision, rows)


def of(url: URL) -> Contents:
    """Return what the database at `url` holds at one moment.

    Raises:
        SQLAlchemyError: The database cannot be read.
    """
    with engine.opened(url) as reader, reader.connect() as connection:
        return read(connection.execution_options(isolation_level="REPEATABLE READ"))
