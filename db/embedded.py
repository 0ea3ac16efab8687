"""A real PostgreSQL inside the project, for local runs: `python -m db.embedded`."""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from db import cluster
from db.credentials import password, public_url, running_url, url
from db.server import Server, start
from db.unprivileged import EmbeddedError
from system import environment, stopping

__all__ = ["EmbeddedError", "Server", "data_dir", "password", "public_url", "running_url", "start", "url"]


def data_dir(env: Mapping[str, str]) -> Path:
    """Return the folder of the local run's server: `postgres` in VAR_DIR, which is `var` by default."""
    return environment.folder(env, "VAR_DIR", "var") / "postgres"


def main() -> int:
    """Run PostgreSQL in the foreground until SIGTERM, SIGINT or SIGHUP; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m db.embedded", description=main.__doc__)
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=data_dir(os.environ),
        help="the server's own folder (%(default)s)",
    )
    parser.add_argument(
        "--url",
        action="store_true",
        help="print the running server's URL, with its password, for pg_dump or psql",
    )
    arguments = parser.parse_args()
    folder: Path = arguments.data_dir.resolve()
    stopping.raise_on_signals()
    try:
        if arguments.url:
            print(_running_url(folder))
            return 0
        return _run(folder, environment.port(os.environ, "POSTGRES_PORT", 0, least=0))
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


def _running_url(data_dir: Path) -> str:
    try:
        running = running_url(data_dir)
    except PermissionError as error:
        raise EmbeddedError(f"{error.filename} cannot be read: run this as its owner") from error
    if running is None:
        raise EmbeddedError(f"no PostgreSQL runs on {data_dir}: start it with `make run`")
    return running


if __name__ == "__main__":
    sys.exit(main())
