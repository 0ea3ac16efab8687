"""`python -m db.embedded` says where it answers, ends without a trace, and gives errors in one line."""

import os
import re
import socket
import sys
import time

import psutil
import pytest

from db import credentials, embedded, migrate, postmaster
from system.processes import until
from tests.db.backing_up import LATEST
from tests.db.embedded_process import ends, foreground, no_server_left, ready_line, run
from tests.db.kept_table import assert_data_is_kept, connected

pytestmark = pytest.mark.integration


def test_a_taken_port_is_one_line_with_cause_and_fix(used_folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(used_folder, POSTGRES_PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"db.embedded: port {port} on 127.0.0.1 cannot be used (Address already in use): "
        "set POSTGRES_PORT to a free one, or to 0\n"
    )


@pytest.mark.parametrize("value", ["high", "-1", "65536", "5432.0"])
def test_a_port_that_is_none_is_refused_by_name_and_value(tmp_path, value):
    done = run(tmp_path / "postgres", POSTGRES_PORT=value)
    assert done.returncode == 1
    assert done.stderr == (
        f"db.embedded: POSTGRES_PORT is '{value}', expected a port number from 0 to 65535\n"
    )


@pytest.mark.parametrize("value", ["", "0"])
def test_no_port_means_a_free_one(used_folder, value):
    with foreground(used_folder, "env", f"POSTGRES_PORT={value}") as process:
        assert re.search(r"@127\.0\.0\.1:[1-9][0-9]+/", ready_line(process))
        ends(process, "SIGTERM", status=0)


# Each by itself keeps a client from the embedded server, which has no TLS and is in no service file.
OF_ANOTHER = {
    "PGSSLMODE": "verify-full",
    "PGSERVICE": "elsewhere",
    "PGHOSTADDR": "192.0.2.1",
    "PGOPTIONS": "-x",
}


def test_what_a_shell_says_of_another_postgresql_keeps_nobody_from_the_embedded_one(used_folder):
    given = [f"{key}={value}" for key, value in OF_ANOTHER.items()]
    began = time.monotonic()
    with foreground(used_folder, "env", *given) as process:
        assert "PostgreSQL 18 answers" in ready_line(process)
        assert time.monotonic() - began < 20
        migrated = run(used_folder, sys.executable, "-m", "db.migrate", **OF_ANOTHER)
        assert (migrated.returncode, migrated.stderr) == (0, "")
        asked = run(used_folder, sys.executable, "-m", "db.client", "psql", "-qAtc", "SELECT 1", **OF_ANOTHER)
        assert (asked.stdout, asked.stderr) == ("1\n", "")
        saved = run(used_folder, sys.executable, "-m", "db.backup", **OF_ANOTHER)
        assert (saved.returncode, saved.stderr) == (0, "")


def test_the_server_gets_nothing_of_the_shell_that_it_does_not_need(used_folder):
    given = ("DATABASE_URL=", "SOME_TOKEN=secret", "PGPASSWORD=secret", "LD_PRELOAD=")
    with foreground(used_folder, "env", *given) as process:
        ready_line(process)
        server = next(one for one in psutil.Process(process.pid).children() if one.name() == "postgres")
        told = server.environ()
    assert told["LC_ALL"] == "C"
    assert not {"DATABASE_URL", "SOME_TOKEN", "PGPASSWORD", "LD_PRELOAD"} & told.keys()


def test_a_second_server_on_the_folder_is_one_line_and_harms_nothing(used_folder):
    with embedded.start(used_folder) as server:
        done = run(used_folder)
        assert done.returncode == 1
        assert f"is in use by the PostgreSQL that process {os.getpid()} started" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert_data_is_kept(server.url)


def test_the_foreground_process_shows_the_url_without_the_password(used_folder):
    with foreground(used_folder) as process:
        line = ready_line(process)
        assert "postgresql://sketchserve@127.0.0.1:" in line
        assert embedded.password(used_folder) not in line


@pytest.mark.parametrize("stop", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_it_cleanly_and_leaves_no_process(used_folder, stop):
    with foreground(used_folder) as process:
        ready_line(process)
        ends(process, stop, status=0)
    no_server_left(used_folder)
    assert "database system is shut down" in (used_folder / "server.log").read_text()
    assert not (used_folder / "data" / "postmaster.pid").exists()


def test_a_second_signal_does_not_interrupt_the_stop(used_folder):
    with foreground(used_folder) as process:
        ready_line(process)
        with connected(embedded.running_url(used_folder)):
            process.terminate()
            is_told_to_stop(used_folder)
            process.terminate()
            assert process.wait(10) == 0
    assert "database system is shut down" in (used_folder / "server.log").read_text()
    no_server_left(used_folder)


def is_told_to_stop(folder):
    """Wait until the server knows; its clients then have two seconds."""
    log = folder / "server.log"
    assert until(lambda: "received smart shutdown request" in log.read_text(), 10, 0.02)


def test_a_client_may_finish_what_it_does_when_the_server_is_told_to_stop(used_folder):
    with foreground(used_folder) as process:
        ready_line(process)
        with connected(embedded.running_url(used_folder)) as sql:
            process.terminate()
            is_told_to_stop(used_folder)
            sql.execute("CREATE TABLE last_words AS SELECT 1")
            sql.connection.commit()
        assert process.wait(10) == 0
    with embedded.start(used_folder) as server, connected(server.url) as sql:
        sql.execute("DROP TABLE last_words")
        sql.connection.commit()


def test_an_interrupted_first_start_leaves_no_process_and_the_next_one_works(tmp_path):
    folder = tmp_path / "postgres"
    with foreground(folder) as process:
        assert until((folder / "data.unfinished" / "PG_VERSION").exists, 10, 0.005)
        ends(process, "SIGTERM", status=0)
    assert not (folder / "data").exists()
    no_server_left(folder)
    with embedded.start(folder) as server, connected(server.url) as sql:
        sql.execute("SELECT 1")


def test_a_server_that_dies_ends_the_foreground_process_with_one_line(used_folder):
    with foreground(used_folder) as process:
        ready_line(process)
        server = postmaster.live(used_folder / "data")
        assert server is not None
        psutil.Process(server.pid).kill()
        _, errors = process.communicate(timeout=10)
        assert process.returncode == 1
        assert "PostgreSQL ended by itself (status -9)" in errors
        assert len(errors.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_killed_foreground_process_takes_the_server_along_and_the_next_start_works(used_folder):
    with foreground(used_folder) as process:
        ready_line(process)
        process.kill()
        process.wait()
    with embedded.start(used_folder) as server:
        assert_data_is_kept(server.url)
    no_server_left(used_folder)


def test_pg_dump_works_on_the_running_server(used_folder):
    with embedded.start(used_folder):
        dump = run(used_folder, sys.executable, "-m", "db.client", "pg_dump").stdout
    assert "CREATE TABLE public.kept" in dump
    assert "\n42\n" in dump


def test_without_a_running_server_there_is_no_url(used_folder):
    done = run(used_folder, sys.executable, "-m", "db.client", "pg_dump")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no embedded PostgreSQL is running" in done.stderr
    assert credentials.running_url(used_folder) is None


def test_migrate_finds_the_embedded_server_by_itself(used_folder, monkeypatch, capsys):
    monkeypatch.setattr(embedded, "data_dir", lambda environment: used_folder)
    monkeypatch.setattr(sys, "argv", ["db.migrate"])
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert migrate.main() == 1
    assert "DATABASE_URL is not set, and no embedded PostgreSQL is running" in capsys.readouterr().err
    with embedded.start(used_folder):
        assert migrate.main() == 0
        assert f"has schema {LATEST}" in capsys.readouterr().out
