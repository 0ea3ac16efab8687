"""The folder of backups: how they are named, who may work in it, and which ones are kept."""

import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from db import embedded
from system import environment
from system.files import UNFINISHED, HeldError, lock

KEEP_WEEKS = 5
LOCK = "lock"
_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"sketchserve-([0-9]{8}T[0-9]{6}Z)-([0-9A-Za-z_]+)\.dump")
# What a killed backup leaves, with its process's id.
_DRAFT = re.compile(rf"{_NAME.pattern}(\.[0-9]+)?{re.escape(UNFINISHED)}")


class BusyError(Exception):
    """Another backup works in the folder now."""


@dataclass(frozen=True)
class Backup:
    """A finished backup.

    Attributes:
        path: The file.
        time: The moment whose rows it holds, in UTC.
        revision: Its schema's revision.
    """

    path: Path
    time: datetime
    revision: str


def place(env: Mapping[str, str]) -> Path:
    """Return the folder that BACKUP_DIR names, by default `backups` in VAR_DIR, which need not exist."""
    return environment.path(env, "BACKUP_DIR", str(embedded.data_dir(env).with_name("backups")))


def make(folder: Path) -> None:
    """Make the folder where it is absent, for its owner alone; one that others' files are in stays as is.

    One with backups is closed to everybody but its owner and its group, to which somebody may have given it.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [path.name for path in folder.iterdir()]
    mode = stat.S_IMODE(folder.stat().st_mode)
    with suppress(PermissionError):  # somebody else's is theirs to close
        if not names:  # a volume that was just mounted is open
            folder.chmod(0o700)
        elif mode & 0o007 and all(map(_is_ours, names)):
            folder.chmod(mode & ~0o007)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which also ends with this process, whatever ends it.

    Raises:
        BusyError: Another process holds it.
    """
    try:
        held = lock(folder / LOCK)
    except HeldError as error:
        raise BusyError(
            f"process {error.owner} is making a backup in {folder}: wait for it to end"
        ) from error
    with held:
        yield


def name(time: datetime, revision: str) -> str:
    """Return a backup's file name."""
    return f"sketchserve-{time.astimezone(UTC).strftime(_TIME)}-{revision}.dump"


def remove_unfinished(folder: Path) -> None:
    """Remove what killed backups left; whoever holds the lock knows that no other one works on them."""
    for path in folder.glob(f"sketchserve-*{UNFINISHED}"):
        if _DRAFT.fullmatch(path.name):
            path.unlink()


def backups(folder: Path) -> list[Backup]:
    """Return the finished backups, the newest first."""
    found = []
    for path in folder.glob("sketchserve-*.dump"):
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            with suppress(ValueError):  # digits that are no time: not one of ours
                time = datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
                found.append(Backup(path, time, match[2]))
    return sorted(found, key=lambda backup: backup.time, reverse=True)


def _is_ours(name: str) -> bool:
    return name == LOCK or bool(_NAME.fullmatch(name) or _DRAFT.fullmatch(name))


def newest(folder: Path, now: datetime) -> Backup | None:
    """Return the newest finished backup, or None; a clock that was wrong made those that are after `now`."""
    return next((backup for backup in backups(folder) if backup.time <= now), None)


def outdated(newest_first: Sequence[Backup], keep: int, now: datetime) -> list[Backup]:
    """Return the backups to remove: all but the newest `keep`, and but the last one of each of five weeks.

    A mistake that is noticed late is thus reached, too, whatever the period, while the folder is bounded.
    Those that are after `now` count as the oldest: a clock that was ahead made them, and in the places of the
    newest they would have each new backup push out the one before it.
    """
    in_order = sorted(newest_first, key=lambda backup: backup.time > now)
    last_of_week: dict[tuple[int, int], Backup] = {}
    for backup in in_order:
        year, week, _ = backup.time.isocalendar()
        last_of_week.setdefault((year, week), backup)
    kept = [*in_order[:keep], *list(last_of_week.values())[:KEEP_WEEKS]]
    return [backup for backup in newest_first if backup not in kept]
