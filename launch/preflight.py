"""What must hold before anything is started, so that a failure is one line, not a half-started platform."""

import os
from dataclasses import dataclass
from pathlib import Path

from launch.archive import Archive, read_archive
from launch.errors import LaunchError
from launch.java import Java, find_java
from launch.ports import require_free
from launch.settings import Settings

CONNECT_S = 5


@dataclass(frozen=True)
class Found:
    """What the checks found: the Java to run and the model in the archive."""

    java: Java
    archive: Archive


def preflight(settings: Settings) -> Found:
    """Check folders, ports, Java, archive and database, the quickest first.

    Raises:
        LaunchError: for the first that fails.
    """
    require_writable(settings.var)
    ui = {"UI_PORT": settings.ports()["UI_PORT"]}
    require_free({key: port for key, port in settings.ports().items() if key not in ui})
    require_free(ui, settings.ui_host)
    archive = read_served_archive(settings)
    java = find_java()
    if settings.database_url:
        require_database(settings.database_url)
    return Found(java, archive)


def require_writable(folder: Path) -> None:
    """Check that the run-time folder, and what an earlier run left in it, can be written.

    Raises:
        LaunchError: when it cannot, most often because an earlier run was root's.
    """
    try:
        (folder / "log").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LaunchError(
            f"the folder {folder} cannot be written ({error.strerror})", "set VAR_DIR to one that can"
        ) from error
    for path in [folder, *folder.glob("*"), *folder.glob("log/*")]:
        if not os.access(path, os.W_OK):
            raise LaunchError(
                f"{path} cannot be written by this user; it belongs to {_owner(path)}",
                f"sudo chown -R $(id -u) {folder}, or set VAR_DIR to another folder",
            )


def read_served_archive(settings: Settings) -> Archive:
    """Give what the archive of the served model says of itself.

    Raises:
        LaunchError: when it is missing or damaged, or holds a model of another name.
    """
    weights = settings.archive.with_suffix(".safetensors")
    if not settings.archive.is_file() and not weights.is_file():
        raise LaunchError(
            f"there is neither an archive {settings.archive} nor the weights {weights.name} to build it from",
            f"git checkout -- {weights.name} in {weights.parent}, or `make train`",
        )
    archive = read_archive(settings.archive)
    if archive.name != settings.model:
        raise LaunchError(
            f"{settings.archive} holds a model named {archive.name!r}, expected {settings.model!r}",
            f"build the archive with --model-name {settings.model}, or set MODEL",
        )
    return archive


def require_database(url: str) -> None:
    """Check that PostgreSQL answers at the URL.

    Raises:
        LaunchError: when it does not; the URL is not repeated, as it may hold a password.
    """
    import psycopg2

    try:
        psycopg2.connect(url.replace("+psycopg2", "", 1), connect_timeout=CONNECT_S).close()
    except (psycopg2.Error, UnicodeDecodeError) as error:
        raise LaunchError(
            f"PostgreSQL at DATABASE_URL cannot be reached ({str(error).splitlines()[0]})",
            "start it or mend the URL; without DATABASE_URL an embedded PostgreSQL is used",
        ) from error


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"
