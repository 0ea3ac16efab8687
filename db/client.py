"""PostgreSQL's own programs on the project's database.

    python -m db.client psql
    python -m db.client pg_dump > backup.sql

They are those that came with the embedded server; the database is that of DATABASE_URL, or else the embedded
one that runs now.
"""

import os
import sys
from typing import NoReturn

from db import cluster, libpq
from db.unprivileged import EmbeddedError

# Those that take `--dbname URL`; the others beside them make, break or own whole servers.
PROGRAMS = ("psql", "pg_dump", "pg_restore")


def main() -> NoReturn:
    """Become the program; exit by itself, with one line, only when that is not possible."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: python -m db.client {'|'.join(PROGRAMS)} [ARGUMENTS]")
    if sys.argv[1] not in PROGRAMS:
        sys.exit(f"db.client: got {sys.argv[1]!r}, expected one of {', '.join(PROGRAMS)}")
    try:
        program = cluster.programs() / sys.argv[1]
        url = libpq.database_url()
    except (EmbeddedError, ValueError) as error:
        sys.exit(f"db.client: {error}")
    command = [str(program), "--dbname", libpq.argument(url), *sys.argv[2:]]
    os.execve(program, command, libpq.environment(url))  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
