"""A real PostgreSQL inside the project, for local runs: `python -m db.embedded`."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from db import cluster
from db.credentials import password, public_url, running_url, url
from db.server import Server, start
from db.unprivileged import EmbeddedError
from system import environment, stopping, variables
from system.files import keep_private

__all__ = [
    "EmbeddedError",
    "Server",
    "data_dir",
    "forget_libpq",
    "password",
    "public_url",
    "running_url",
    "start",
    "url",
]


def data_dir(env: Mapping[str, str]) -> Path:
    """Return the folder of the local run's server: `postgres` in VAR_DIR, which is `var` by default."""
    return variables.var_dir(env) / "postgres"


def forget_libpq() -> None:
    """Take libpq's variables (PGSSLMODE, PGSERVICE, ...) out of this process: they tell of another server.

    Said in the URL, the opposite would not help: libpq has no word for "no service".
    """
    for key in [key for key in os.environ if key.startswith("PG")]:
        del os.environ[key]


def main() -> int:
    """Run PostgreSQL in the foreground until SIGTERM, SIGINT or SIGHUP; return the exit status."""
    stopping.raise_on_signals()
    forget_libpq()
    keep_private()
    try:
        return _run(data_dir(os.environ), environment.port(os.environ, "POSTGRES_PORT", 0, least=0))
    except (EmbeddedError, ValueError) as error:
        print(f"db.embedded: {error}", file=sys.stderr)
        return 1
    except stopping.Stopped:
        return 0


def _run(data_dir: Path, port: int) -> int:
    began = time.monotonic()
    with start(data_dir, port) as server:
        shown = public_url(server.port)
        seconds = time.monotonic() - began
        print(
            f"PostgreSQL {cluster.MAJOR} answers at {shown} after {seconds:.1f} s; data in {data_dir}",
            flush=True,
        )
        status = server.process.wait()
    raise EmbeddedError(f"PostgreSQL ended by itself (status {status}): {data_dir / 'server.log'} says why")


if __name__ == "__main__":
    sys.exit(main())
