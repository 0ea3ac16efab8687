"""Back up the database: `python -m db.backup`; with BACKUP_EVERY_HOURS again and again, as a service."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from db import backup_folder, backup_schedule, libpq
from db.backup_folder import BusyError
from db.dump import BackupError
from db.unprivileged import EmbeddedError
from system import environment, stopping
from system.files import keep_private


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
    def from_environment(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in `env`.

        Raises:
            ValueError: It names key, value and what was expected.
        """
        hours = environment.span(env, "BACKUP_EVERY_HOURS", 24, "hours", 24 * 366)
        return cls(
            folder=backup_folder.place(env),
            keep=environment.whole(env, "KEEP_BACKUPS", 7, 1, 10_000),
            every_hours=hours if environment.text(env, "BACKUP_EVERY_HOURS") else None,
            metrics_host=environment.text(env, "METRICS_HOST", "127.0.0.1"),
            metrics_port=environment.port(env, "BACKUP_METRICS_PORT", 9188),
        )


def main() -> int:
    """Back up the database of DATABASE_URL, or the embedded one that runs; return the exit status."""
    is_service = False
    stopping.raise_on_signals()
    keep_private()
    try:
        settings = Settings.from_environment(os.environ)
        url = libpq.database_url()
        if settings.every_hours is None:
            backup_schedule.back_up(url, settings.folder, settings.keep)
        else:
            is_service = True
            backup_schedule.run(
                libpq.database_url,
                settings.folder,
                settings.keep,
                3600 * settings.every_hours,
                settings.metrics_host,
                settings.metrics_port,
            )
    except (BackupError, BusyError, EmbeddedError, ValueError) as error:
        print(f"db.backup: {error}", file=sys.stderr)
        return 1
    except stopping.Stopped:
        if is_service:
            return 0
        print("db.backup: stopped before the backup was complete; no backup was made", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
