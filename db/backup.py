"""Backs up the database: `python -m db.backup`; with `--every HOURS` again and again, as a service."""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from db import backup_folder, backup_schedule, libpq, stopping
from db.backup_folder import BusyError
from db.dump import BackupError
from db.unprivileged import EmbeddedError


@dataclass(frozen=True)
class Settings:
    """What the environment decides.

    Attributes:
        folder: Where backups are.
        keep: How many of the newest are kept, at least 1.
        every_hours: The service's period; None for a single backup.
        metrics_host: Where the service's metrics are served.
        metrics_port: The same.
    """

    folder: Path
    keep: int
    every_hours: float | None
    metrics_host: str
    metrics_port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Return the settings in `environment`.

        Raises:
            ValueError: It names key, value and what was expected.
        """
        every = environment.get("BACKUP_EVERY_HOURS")
        return cls(
            folder=backup_folder.place(environment),
            keep=_whole(environment, "KEEP_BACKUPS", 7, most=10_000),
            every_hours=hours(every, "BACKUP_EVERY_HOURS") if every else None,
            metrics_host=environment.get("METRICS_HOST") or "127.0.0.1",
            metrics_port=_whole(environment, "BACKUP_METRICS_PORT", 9188, most=65_535),
        )


def hours(value: str, name: str = "--every") -> float:
    """Return a period in hours.

    Raises:
        ValueError: It is none, not above 0, or above a year.
    """
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number <= 24 * 366:
        raise ValueError(f"{name} is {value!r}: expected hours, more than 0 and at most {24 * 366}")
    return number


def main() -> int:
    """Back up the database of DATABASE_URL, or the embedded one that runs; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m db.backup", description=main.__doc__)
    how_often = parser.add_mutually_exclusive_group()
    how_often.add_argument("--every", metavar="HOURS", help="go on as a service (BACKUP_EVERY_HOURS)")
    how_often.add_argument(
        "--once", action="store_true", help="make one backup, whatever BACKUP_EVERY_HOURS is"
    )
    arguments = parser.parse_args()
    every_hours = None
    stopping.raise_on_signals()
    try:
        settings = Settings.from_environment(os.environ)
        if not arguments.once:
            every_hours = hours(arguments.every) if arguments.every else settings.every_hours
        url = libpq.database_url()
        if every_hours is None:
            backup_schedule.once(url, settings.folder, settings.keep)
        else:
            backup_schedule.run(
                url,
                settings.folder,
                settings.keep,
                3600 * every_hours,
                settings.metrics_host,
                settings.metrics_port,
            )
    except (BackupError, BusyError, EmbeddedError, ValueError) as error:
        print(f"db.backup: {error}", file=sys.stderr)
        return 1
    except stopping.Stopped:
        if every_hours is not None:
            return 0
        print("db.backup: stopped before the backup was complete: none was made", file=sys.stderr)
        return 1
    return 0


def _whole(environment: Mapping[str, str], key: str, default: int, most: int) -> int:
    value = environment.get(key, "").strip() or str(default)
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= most):
        raise ValueError(f"{key} is {value!r}: expected a number from 1 to {most}")
    return int(value)


if __name__ == "__main__":
    sys.exit(main())
