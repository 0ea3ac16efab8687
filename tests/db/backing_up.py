"""A database to back up and to lose, and the commands that do so as their own processes."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import make_url, select, text

from db import beside, cluster, dump, migrate
from db import engine as database
from db.log import PredictionLog
from db.records import Feedback, Prediction
from db.schema import feedback, predictions
from system.files import PROJECT

MIGRATIONS = ScriptDirectory(str(PROJECT / "db" / "migrations"))
LATEST = MIGRATIONS.get_current_head()
# The machine may be busy with other tests.
PATIENCE_S = 180.0

# Some 10 kB a drawing that no compression makes smaller.
_FILL = """
    INSERT INTO predictions
    SELECT gen_random_uuid(), now(), 'many', 'sketchpad', 'digits', '1.0.0', 'a1b2c3d4', '7', 0.9, '{}',
           (SELECT string_agg(decode(md5(concat(random(), row, part)), 'hex'), '')
            FROM generate_series(1, 600) AS part),
           NULL, NULL, 3.5, 'many'
    FROM generate_series(1, :rows) AS row
"""


def execute(url: str, statement: str, **values: object) -> list:
    """Return the rows of one statement, a transaction of its own."""
    with database.opened(url) as engine, engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        result = connection.execute(text(statement), values)
        return list(result) if result.returns_rows else []


def drop_database(url: str, name: str) -> None:
    """Drop a database of the server, whoever uses it."""
    with database.opened(server_url(url)) as engine, engine.connect() as connection:
        beside.drop(connection.execution_options(isolation_level="AUTOCOMMIT"), name)


def server_url(url: str) -> str:
    return make_url(url).set(database="postgres").render_as_string(hide_password=False)


def databases(url: str) -> list[str]:
    """Return the databases that were made out of that of `url`, itself included."""
    name = f"{make_url(url).database}%"
    rows = execute(
        server_url(url), "SELECT datname FROM pg_database WHERE datname LIKE :name ORDER BY 1", name=name
    )
    return [row[0] for row in rows]


def is_being_filled(url: str) -> bool:
    """Return whether pg_restore works in a database that was made out of that of `url`."""
    query = "SELECT FROM pg_stat_activity WHERE datname LIKE :name AND application_name = 'pg_restore'"
    return bool(execute(server_url(url), query, name=f"{make_url(url).database}_%"))


def drop(url: str) -> None:
    """Drop the database of `url` with whatever was made out of it."""
    with beside.server(make_url(url)) as server, server.connect() as connection:
        for name in databases(url):
            beside.drop(connection, name)


@contextmanager
def migrated_database(any_url: str, copied: str | None = None) -> Iterator[str]:
    """Yield the URL of a new, migrated database; remove it afterwards with whatever was made out of it.

    It is empty, or a copy of the one at `copied`.
    """
    name = f"backed_{uuid.uuid4().hex[:12]}"
    template = f" TEMPLATE {make_url(copied).database}" if copied else ""
    execute(server_url(any_url), f"CREATE DATABASE {name}{template}")
    url = make_url(any_url).set(database=name).render_as_string(hide_password=False)
    try:
        migrate.upgrade(url)
        yield url
    finally:
        drop(url)


def fill(url: str, rows: int) -> None:
    """Write predictions with large drawings."""
    execute(url, _FILL, rows=rows)


def hold_up(url: str) -> None:
    """Let restoring the database's backup take seconds longer, at its end; nothing else is slower."""
    execute(
        url,
        """
        CREATE FUNCTION held_up(one integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
        BEGIN
            IF current_database() ~ '_(backup_check|restored)$' THEN PERFORM pg_sleep(3); END IF;
            RETURN one;
        END $$""",
    )
    execute(url, "CREATE TABLE held AS SELECT 1 AS one")
    execute(url, "CREATE INDEX held_idx ON held (held_up(one))")


def everything(url: str) -> tuple[list, list]:
    """Return every row of both tables, drawings as bytes."""
    with database.opened(url) as engine, engine.connect() as connection:
        drawn = connection.execute(select(predictions).order_by(predictions.c.id)).all()
        judged = connection.execute(select(feedback).order_by(feedback.c.id)).all()
    bytes_of = [{**row._mapping, "drawing": bytes(row.drawing)} for row in drawn]
    return bytes_of, [dict(row._mapping) for row in judged]


def environment(url: str, folder: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BACKUP_", "PG"))}
    return {**kept, "DATABASE_URL": url, "BACKUP_DIR": str(folder), **more}


def run(
    program: str, url: str, folder: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m db.backup` or `db.restore` to its end."""
    return finished([sys.executable, "-m", program, *arguments], environment(url, folder, **more))


def finished(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command,
        cwd=PROJECT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@contextmanager
def started(
    program: str, url: str, folder: Path, *arguments: str, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """Yield a running `python -m db.backup` or `db.restore`; kill it afterwards if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", program, *arguments],
        cwd=PROJECT,
        env=environment(url, folder, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def dumps(folder: Path) -> list[Path]:
    """Return the finished backups."""
    return sorted(folder.glob("*.dump"))


def unfinished(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.unfinished"))


def replace_program(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, script: str) -> None:
    """Let this process find a shell script in the place of one of PostgreSQL's programs, which is `$REAL`."""
    real = cluster.programs()
    folder.mkdir()
    for program in ("pg_dump", "pg_restore", "postgres"):
        (folder / program).symlink_to(real / program)
    (folder / name).unlink()
    (folder / name).write_text(f"#!/bin/sh\nREAL={real / name}\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setattr(cluster, "programs", lambda: folder)


def make(url: str, folder: Path, keep: int = 7) -> dump.Made:
    """Make a backup in this process."""
    return dump.make(database.parse(url), folder, keep)


def back_up(url: str, folder: Path) -> Path:
    return make(url, folder).backup.path


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that it failed with."""
    assert done.returncode != 0, done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("db.restore: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


@pytest.fixture
def filled(url: str, prediction: Callable[..., Prediction], correction: Callable[..., Feedback]) -> str:
    """A database with drawings of all bytes, doubts, and two opinions on one drawing."""
    made = [
        prediction(
            drawing=os.urandom(5000) + bytes(range(256)), is_digit=number % 2 == 0, label_set=("7", "1")
        )
        for number in range(20)
    ]
    judged = [correction(made[0], "1"), correction(made[0], "7"), correction(made[1], "Ω 'quoted' \\.")]
    PredictionLog(database.create(url)).write([*made, *judged])
    return url


def make_restore(url: str, folder: Path, *variables: str) -> subprocess.CompletedProcess[str]:
    return finished(["make", "--no-print-directory", "restore", *variables], environment(url, folder))
