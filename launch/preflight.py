"""What must hold before anything is started, so that a failure is one line, not a half-started platform."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from launch.archive import Archive, read_archive, require_known
from launch.errors import LaunchError
from launch.java import Java, find_java
from launch.memory import require_memory
from launch.ports import require_free, require_own_address
from launch.settings import Settings
from launch.variables import refuse_torchserve_variables
from launch.weights import require_weights, weights_path
from system.files import private_folder

CONNECT_S = 5


@dataclass(frozen=True)
class Found:
    """What the checks found.

    Attributes:
        java: the one to run.
        archive: what the served model's says of it.
        memory: in words, what the workers take.
    """

    java: Java
    archive: Archive
    memory: str = ""


def preflight(settings: Settings) -> Found:
    """Check variables, folders, ports, archive, Java and database, the quickest first.

    Raises:
        LaunchError: for the first that fails.
    """
    refuse_torchserve_variables(os.environ)
    require_own_address("UI_HOST", settings.ui_host)
    require_own_address("METRICS_HOST", settings.metrics_host)
    require_writable(settings.var)
    ui = {"UI_PORT": settings.ports()["UI_PORT"]}
    require_free({key: port for key, port in settings.ports().items() if key not in ui})
    require_free(ui, settings.ui_host)
    archive = read_served_archive(settings)
    memory = require_memory(settings)
    java = find_java()
    if settings.database_url:
        require_database(settings.database_url)
    return Found(java, archive, memory)


def require_writable(folder: Path) -> None:
    """Check that the run-time folder, and what an earlier run left in it, can be written.

    Raises:
        LaunchError: when it cannot, most often because an earlier run was root's.
    """
    try:
        private_folder(folder / "log")
    except OSError as error:
        raise LaunchError(
            f"the folder {folder} cannot be written ({error.strerror})",
            "set VAR_DIR to one that you can write",
        ) from error
    for path in [folder, *folder.glob("*"), *folder.glob("log/*")]:
        if not os.access(path, os.W_OK):
            raise LaunchError(
                f"{path} cannot be written by this user; it belongs to {_owner(path)}",
                f"sudo chown -R $(id -u) {folder}, or set VAR_DIR to another folder",
            )


def read_served_archive(settings: Settings) -> Archive:
    """Return what the archive of the served model says of itself.

    Raises:
        LaunchError: when it is missing or damaged, or holds a model of another name.
    """
    require_weights(settings)
    archive = read_archive(settings.archive)
    if archive.name != settings.model:
        rename = f"rename it to {archive.name}.mar and set MODEL={archive.name}"
        if weights_path(settings).is_file():
            rename += f", or replace it with {settings.model}: `make -B archive MODEL={settings.model}`"
        raise LaunchError(
            f"{settings.archive} holds a model named {archive.name!r}, expected {settings.model!r}", rename
        )
    for file in (settings.archive, *settings.archives):
        if not file.exists():
            raise LaunchError(
                f"MODELS is {settings.models!r}, expected archives in {settings.model_store}, but "
                f"{file.name!r} is not there",
                f"set it to digits.mar,fashion.mar, or unset it for {settings.model}.mar alone",
            )
        # A folder is not an archive that arrived by itself.
        if not file.is_dir():
            require_known(file, settings.known_archives)
    if settings.model not in settings.loaded and not _is_held(settings):
        raise LaunchError(
            f"MODELS is {settings.models!r}, expected it to include {settings.model}.mar, the archive that "
            "MODEL names",
            "add it, or unset MODELS",
        )
    return archive


def _is_held(settings: Settings) -> bool:
    """Say whether an archive holds the model that is not called so: TorchServe takes the manifest's name."""
    unnamed = [file for file in settings.archives if f"={file.name}" not in settings.models]
    return any(read_archive(file).name == settings.model for file in unnamed if file.is_file())


def require_database(url: str) -> None:
    """Check that the URL names a database and that PostgreSQL answers there.

    Raises:
        LaunchError: when not; nothing of the URL is repeated that may be part of a password.
    """
    import psycopg2

    from db import engine

    form = "set it to postgresql://USER:PASSWORD@HOST:PORT/NAME, or unset it for the embedded PostgreSQL"
    try:
        parsed = engine.parse(url)
    except ValueError as error:
        raise LaunchError(str(error), form) from None
    if "@" in (parsed.host or "") or (parsed.username is None and "@" in url):
        raise LaunchError(
            "DATABASE_URL has a user or password with @, : or / in it, expected those percent-encoded",
            "write %40 for @, %3A for : and %2F for /",
        )
    arguments, options = parsed.get_dialect()().create_connect_args(parsed)
    try:
        psycopg2.connect(*arguments, **{"connect_timeout": CONNECT_S, **options}).close()
    except (psycopg2.Error, UnicodeError) as error:
        raise LaunchError(
            f"PostgreSQL at DATABASE_URL cannot be reached ({str(error).splitlines()[0]})",
            "start it, or fix the URL; without DATABASE_URL an embedded PostgreSQL is used",
        ) from error


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"
