"""PostgreSQL's own programs on the project's database.

    python -m db.client psql
    python -m db.client pg_dump > backup.sql

They are those that came with the embedded server; the database is that of DATABASE_URL, or else the embedded
one that runs now.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

from db import cluster, embedded, engine

# Those that take `--dbname URL`; the others beside them make, break or own whole servers.
PROGRAMS = ("psql", "pg_dump", "pg_restore")


def main() -> NoReturn:
    """Become the program; exit by itself, with one line, only when that is not possible."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: python -m db.client {'|'.join(PROGRAMS)} [ARGUMENTS]")
    if sys.argv[1] not in PROGRAMS:
        sys.exit(f"db.client: got {sys.argv[1]!r}, expected one of {', '.join(PROGRAMS)}")
    program = Path(cluster.programs()) / sys.argv[1]
    try:
        url = _libpq_url()
    except (embedded.EmbeddedError, ValueError) as error:
        sys.exit(f"db.client: {error}")
    # In the environment and not among the arguments, which every user of the machine can read.
    os.environ["PGPASSWORD"] = url.password or ""
    database = engine.URL.create(
        "postgresql", url.username, host=url.host, port=url.port, database=url.database, query=url.query
    )
    command = [str(program), "--dbname", database.render_as_string(), *sys.argv[2:]]
    os.execv(program, command)  # noqa: S606 - no shell is wanted


def _libpq_url() -> engine.URL:
    """Give the database's URL.

    Raises:
        EmbeddedError: DATABASE_URL is empty and no embedded server runs.
        ValueError: DATABASE_URL cannot be used.
    """
    given = os.environ.get("DATABASE_URL")
    if not given:
        given = embedded.running_url(embedded.data_dir(os.environ))
    if not given:
        raise embedded.EmbeddedError(
            "DATABASE_URL is empty and no embedded PostgreSQL runs: start `make run` first"
        )
    return engine.parse(given)


if __name__ == "__main__":
    main()
