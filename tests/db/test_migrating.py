"""Migrating beside others: locks, whose time is bounded, and what cannot be migrated."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, make_url, text

from db import engine as database
from db import migrate
from tests.db.backing_up import LATEST
from tests.db.describing import described
from tests.services.postgres import empty_database

pytestmark = pytest.mark.integration


@pytest.fixture
def empty_url(postgres_server):
    with empty_database(postgres_server.url) as url:
        yield url


def run_migrate(url, folder, *arguments):
    environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(Path.cwd())}
    return subprocess.Popen(
        [sys.executable, "-m", "db.migrate", *arguments],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_that_start_together_migrate_once(empty_url, postgres_url, tmp_path):
    together = [run_migrate(empty_url, tmp_path) for _ in range(3)]
    for process in together:
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        assert f"has schema {LATEST}" in output
        assert make_url(empty_url).password not in output
    assert described(empty_url) == described(postgres_url)


@pytest.mark.parametrize("port", ["", "1"])
def test_a_password_in_the_query_is_not_shown(empty_url, tmp_path, port):
    url = make_url(empty_url)
    url = url._replace(password=None, port=int(port or url.port)).update_query_dict(
        {"password": url.password, "sslpassword": "of-the-key"}
    )
    output, errors = run_migrate(url.render_as_string(), tmp_path).communicate(timeout=30)
    assert f"{url.host}:{url.port}/{url.database}" in output + errors
    for secret in url.query.values():
        assert secret not in output + errors


def test_one_waits_while_another_holds_the_lock(empty_url, tmp_path):
    engine = database.create(empty_url)
    with engine.connect() as holder:
        holder.execute(text("SELECT pg_advisory_lock(:key)"), {"key": migrate.LOCK_KEY})
        waiting = run_migrate(empty_url, tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1.0)
        assert not inspect(engine).has_table("predictions")
        holder.execute(text("SELECT pg_advisory_unlock_all()"))
    assert waiting.wait(20) == 0
    assert inspect(engine).has_table("predictions")
    waiting.communicate()
    engine.dispose()


def test_a_table_that_a_backup_reads_is_said_with_what_to_do(empty_url, monkeypatch):
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_S", 0.1)
    migrate.upgrade(empty_url, "0008")
    engine = database.create(empty_url)
    with engine.connect() as backup:
        backup.execute(text("SELECT FROM predictions"))
        with pytest.raises(migrate.MigrationError, match=r"a backup, .* try again when it has ended"):
            migrate.upgrade(empty_url)
    assert migrate.upgrade(empty_url) == LATEST
    engine.dispose()


def test_no_lock_is_waited_for_where_the_schema_is_current(empty_url):
    migrate.upgrade(empty_url)
    engine = database.create(empty_url)
    with engine.connect() as holder:
        holder.execute(text("SELECT pg_advisory_lock(:key)"), {"key": migrate.LOCK_KEY})
        assert migrate.upgrade(empty_url) == LATEST
    engine.dispose()


def test_the_lock_ends_with_its_transaction_though_the_connection_goes_on(empty_url):
    engine = database.create(empty_url)
    free = text("SELECT pg_try_advisory_xact_lock(:key)")
    with migrate._connected(empty_url) as (connection, _), engine.connect() as other:
        migrate._lock(connection)
        assert not other.scalar(free, {"key": migrate.LOCK_KEY})
        # As PgBouncer does with the server's connection when its client was killed.
        connection.rollback()
        assert other.scalar(free, {"key": migrate.LOCK_KEY})
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:secret@h/db", "begins with mysql://: expected postgresql://"),
        ("nonsense", "is not a valid URL"),
        ("postgresql://u:secret@127.0.0.1:1/db", "Connection refused"),
        ("postgresql://u:secret@127.0.0.1", "names no database"),
    ],
)
def test_a_database_that_cannot_be_migrated_is_one_line_without_the_password(monkeypatch, capsys, url, says):
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setattr(sys, "argv", ["db.migrate"])
    assert migrate.main() == 1
    output, errors = capsys.readouterr()
    assert says in errors
    assert "secret" not in errors + output
    assert len(errors.splitlines()) == 1


def test_a_schema_from_the_future_is_refused_with_what_to_do(empty_url):
    migrate.upgrade(empty_url)
    engine = database.create(empty_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(migrate.MigrationError, match=r"9999.*newer code"):
        migrate.upgrade(empty_url)
