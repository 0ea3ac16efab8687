"""Back up again and again until stopped, and tell Prometheus how that goes."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from sqlalchemy import URL

from db import backup_folder, dump
from db.backup_folder import BusyError
from db.backup_metrics import Metrics
from db.dump import BackupError
from db.unprivileged import EmbeddedError
from system import schedule


def run(
    database: Callable[[], URL], folder: Path, keep: int, every_s: float, host: str, port: int
) -> NoReturn:
    """Make a backup whenever the newest is `every_s` old, which is looked up in the folder; serve metrics.

    `database` is asked for each: an embedded server that was started again has another port.

    A failure is tried again as `schedule.repeat` says.

    Raises:
        BackupError: The folder cannot be made.
        ValueError: The metrics' address cannot be used.
    """
    try:
        backup_folder.make(folder)
    except OSError as error:
        raise BackupError(
            f"{folder} cannot be created ({error.strerror}): set BACKUP_DIR to a folder that you can write"
        ) from error
    metrics = Metrics(folder, every_s)
    schedule.serve_metrics(metrics.registry, host, port, "BACKUP_METRICS_PORT")

    def attempt(retry_s: float) -> bool:
        try:
            back_up(database(), folder, keep)
        except BusyError as busy:
            print(f"db.backup: {busy}", file=sys.stderr, flush=True)
            return False
        except (BackupError, EmbeddedError) as error:
            metrics.failures.inc()
            print(f"db.backup: {error} (retrying in {retry_s:.0f} s)", file=sys.stderr, flush=True)
            return False
        return True

    schedule.repeat(lambda: _until_due(folder, every_s), attempt, every_s)


def back_up(url: URL, folder: Path, keep: int) -> None:
    """Make one backup and print its line: file, size, rows, seconds.

    Raises:
        BackupError: As `dump.make`.
        BusyError: As `dump.make`.
    """
    began = time.monotonic()
    made = dump.make(url, folder, keep)
    seconds = time.monotonic() - began
    megabytes = made.size_bytes / 1e6
    rows = f"{made.contents.total:,} rows in {len(made.contents.rows)} tables"
    print(f"{made.backup.path}: {megabytes:.2f} MB, {rows}, {seconds:.1f} s", flush=True)


def _until_due(folder: Path, every_s: float) -> float:
    now = datetime.now(UTC)
    newest = backup_folder.newest(folder, now)
    return 0 if newest is None else every_s - (now - newest.time).total_seconds()
