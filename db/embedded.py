"""A real PostgreSQL inside the project, for local runs: `python -m db.embedded`."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn, Self

from db import cluster
from db.credentials import password, public_url, running_url, url
from db.server import Server, start
from db.unprivileged import EmbeddedError

__all__ = [
    "EmbeddedError",
    "Server",
    "Settings",
    "data_dir",
    "password",
    "public_url",
    "running_url",
    "start",
    "url",
]

PROJECT = Path(__file__).resolve().parent.parent


def data_dir(environment: Mapping[str, str]) -> Path:
    """Return the folder of the local run's server: `postgres` in VAR_DIR, which is `var` by default."""
    return (PROJECT / Path(environment.get("VAR_DIR") or "var").expanduser() / "postgres").resolve()


@dataclass(frozen=True)
class Settings:
    """What the environment decides: the port, 0 for any free one."""

    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Return the settings in `environment`.

        Raises:
            ValueError: It names key, value and what was expected.
        """
        value = environment.get("POSTGRES_PORT", "").strip() or "0"
        if not (value.isascii() and value.isdigit() and int(value) <= 65535):
            raise ValueError(f"POSTGRES_PORT is {value!r}: expected 1 to 65535, or 0 for a free port")
        return cls(port=int(value))


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
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        if arguments.url:
            print(_running_url(folder))
            return 0
        return _run(folder, Settings.from_environment(os.environ))
    except (EmbeddedError, ValueError) as error:
        print(f"db.embedded: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _run(data_dir: Path, settings: Settings) -> int:
    began = time.monotonic()
    with start(data_dir, settings.port) as server:
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


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    # Stopping takes bounded time; a second signal must not interrupt it and leave the server behind.
    for other in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
