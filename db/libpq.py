"""PostgreSQL's own programs on a database: which one they get, and its password out of sight."""

import os
import signal
import subprocess
from typing import IO

from sqlalchemy import URL

from db import cluster, embedded, engine
from system.environment import passed


class ProgramError(Exception):
    """One of PostgreSQL's programs failed; the message is its own, in one line."""


def database_url() -> URL:
    """Return the URL of the database: that of DATABASE_URL, or else the embedded one that runs.

    The embedded one is asked without libpq's variables, which are taken from this process then.

    Raises:
        EmbeddedError: DATABASE_URL is empty and no embedded server runs.
        ValueError: DATABASE_URL cannot be used.
    """
    try:
        given = os.environ.get("DATABASE_URL")
        if not given:
            embedded.forget_libpq()
            given = embedded.running_url(embedded.data_dir(os.environ))
    except PermissionError as error:
        raise embedded.EmbeddedError(
            f"{error.filename} cannot be read: run this command as its owner"
        ) from error
    if not given:
        raise embedded.EmbeddedError(
            "DATABASE_URL is not set, and no embedded PostgreSQL is running: start `make run` first"
        )
    return engine.parse(given)


def argument(url: URL) -> str:
    """Return `url` without its password, as an argument: every user of the machine can read those."""
    return (
        url.difference_update_query(["password"])
        ._replace(drivername="postgresql", password=None)
        .render_as_string()
    )


def shown(url: URL) -> str:
    """Return `url` for people and logs, without what is secret in it."""
    return argument(url.difference_update_query(["sslpassword"]))


def environment(url: URL) -> dict[str, str]:
    """Return this process's environment without DATABASE_URL, and with the password of `url`, for a program.

    Where it has none, libpq's own PGPASSWORD and PGPASSFILE stay what they are.
    """
    password = url.password or url.query.get("password")
    kept = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    return {**kept, "LC_ALL": "C", **({"PGPASSWORD": str(password)} if password else {})}


def run(program: str, *arguments: str, url: URL | None = None, output: IO[bytes] | None = None) -> str:
    """Run `program`, on the database at `url` where one is given, to its end; return what it printed.

    Args:
        program: One of the programs beside `postgres`, such as "pg_dump".
        arguments: Its arguments, the database excepted.
        url: The database.
        output: Where it prints to instead.

    Raises:
        EmbeddedError: The program is not installed.
        ProgramError: It failed.
    """
    database = () if url is None else ("--no-password", "--dbname", argument(url))
    done = subprocess.run(
        [str(cluster.programs() / program), *database, *arguments],
        env=passed(os.environ) if url is None else environment(url),
        stdin=subprocess.DEVNULL,
        stdout=output or subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode != 0:
        raise ProgramError(_cause(program, done.returncode, done.stderr.decode(errors="replace")))
    return (done.stdout or b"").decode(errors="replace")


def _cause(program: str, status: int, errors: str) -> str:
    if status < 0:
        return f"{program} was killed by {signal.Signals(-status).name}"
    lines = errors.splitlines()
    # What does not begin with the program's name continues a line: SQL, for the most part, with its values.
    own = [line.removeprefix(f"{program}: ").strip() for line in lines if line.startswith(f"{program}: ")]
    return f"{program}: {'; '.join(own) or f'exit status {status}'}"
