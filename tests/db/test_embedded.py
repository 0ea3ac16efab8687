"""The embedded PostgreSQL starts, keeps its data, ends without a trace, and says what is wrong."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest
from psycopg2.extensions import cursor

from db import cluster, credentials, embedded, migrate, postmaster
from db.embedded import EmbeddedError, Settings
from tests.db.embedded_process import ends, foreground, no_server_left, ready_line, run

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def used_folder(tmp_path_factory):
    """A folder that had a server before; no test may leave one running on it."""
    folder = tmp_path_factory.mktemp("embedded")
    with embedded.start(folder) as server, connected(server.url) as sql:
        sql.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        sql.connection.commit()
    return folder


@contextmanager
def connected(url: str) -> Iterator[cursor]:
    """Yield a cursor on `url`; psycopg2's own `with` would leave the connection open."""
    with closing(psycopg2.connect(url)) as connection:
        yield connection.cursor()


def assert_data_is_kept(url: str) -> None:
    with connected(url) as sql:
        sql.execute("SELECT answer FROM kept")
        assert sql.fetchone() == (42,)


def test_data_survives_a_restart(used_folder):
    with embedded.start(used_folder) as server:
        assert_data_is_kept(server.url)
    no_server_left(used_folder)


def test_the_url_is_known_before_the_server_runs(tmp_path):
    url = embedded.url(tmp_path / "pg", 5439)
    assert url == f"postgresql://sketchserve:{embedded.password(tmp_path / 'pg')}@127.0.0.1:5439/sketchserve"
    assert embedded.url(tmp_path / "pg", 5439) == url


def test_the_password_is_random_and_only_its_owner_can_read_it(tmp_path):
    first, second = embedded.password(tmp_path / "a"), embedded.password(tmp_path / "b")
    assert first != second
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "a" / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o711
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["password"]


def test_all_who_ask_for_the_password_at_once_get_the_same(tmp_path):
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(embedded.password(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(found) == {embedded.password(tmp_path)}


def test_only_the_right_password_opens_it_and_the_superuser_cannot_log_in(used_folder):
    with embedded.start(used_folder) as server:
        place = f"127.0.0.1:{server.port}"
        secret = embedded.password(used_folder)
        for url in (
            f"postgresql://sketchserve:wrong@{place}/sketchserve",
            f"postgresql://postgres:{secret}@{place}/postgres",
        ):
            with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
                psycopg2.connect(url)


def test_it_listens_on_the_loopback_address_only(used_folder):
    with embedded.start(used_folder) as server:
        listening = [
            connection.laddr
            for connection in psutil.Process(server.process.pid).net_connections("all")
            if connection.status == psutil.CONN_LISTEN or connection.family == socket.AF_UNIX
        ]
        assert listening == [("127.0.0.1", server.port)]


def test_it_is_durable_utf8_and_checks_its_pages(used_folder):
    with embedded.start(used_folder) as server, connected(server.url) as sql:
        for setting, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
            "server_encoding": "UTF8",
        }.items():
            sql.execute(f"SHOW {setting}")
            assert sql.fetchone() == (value,), setting


def test_a_lost_password_is_replaced_and_the_data_stays(tmp_path, used_folder):
    folder = tmp_path / "copy"
    shutil.copytree(used_folder, folder)
    (folder / "password").unlink()
    with embedded.start(folder) as server:
        assert_data_is_kept(server.url)


def test_an_unfinished_initialisation_is_redone(tmp_path):
    unfinished = tmp_path / "data.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with embedded.start(tmp_path) as server, connected(server.url) as sql:
        sql.execute("SELECT 1")
    assert not unfinished.exists()


def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("three years")
    with pytest.raises(EmbeddedError, match=r"no PostgreSQL data folder .*move it away"):
        embedded.start(tmp_path)
    assert (tmp_path / "data" / "thesis.txt").read_text() == "three years"


def test_another_major_version_is_refused_and_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(
        EmbeddedError, match=r"written by PostgreSQL 15, and this is PostgreSQL 18: .*pg_dump"
    ):
        embedded.start(tmp_path)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["PG_VERSION"]


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
def test_a_port_that_is_none_is_refused_by_name_and_value(value):
    with pytest.raises(ValueError, match=f"POSTGRES_PORT is '{value}': expected 1 to 65535, or 0"):
        Settings.from_environment({"POSTGRES_PORT": value})


@pytest.mark.parametrize("environment", [{}, {"POSTGRES_PORT": ""}, {"POSTGRES_PORT": "0"}])
def test_no_port_means_a_free_one(environment):
    assert Settings.from_environment(environment) == Settings(port=0)


def test_a_second_server_on_the_folder_is_one_line_and_harms_nothing(used_folder):
    with embedded.start(used_folder) as server:
        done = run(used_folder)
        assert done.returncode == 1
        assert f"is in use by the PostgreSQL that process {os.getpid()} started" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert_data_is_kept(server.url)


def test_the_left_over_pid_of_another_program_does_not_prevent_a_start(used_folder):
    # Not this process: PostgreSQL overlooks its own parent.
    other = subprocess.Popen(["sleep", "60"])
    pid_file = used_folder / "data" / "postmaster.pid"
    pid_file.write_text(f"{other.pid}\n{used_folder}/data\n1700000000\n5432\n\n127.0.0.1\n\nready\n")
    try:
        with embedded.start(used_folder) as server:
            assert_data_is_kept(server.url)
    finally:
        other.kill()
        other.wait()


def test_a_killed_server_starts_again_at_once(used_folder):
    server = embedded.start(used_folder)
    client = psycopg2.connect(server.url)
    server.process.kill()
    server.stop()
    assert (used_folder / "data" / "postmaster.pid").exists()
    with embedded.start(used_folder) as again:
        assert_data_is_kept(again.url)
    client.close()


def test_a_server_that_cannot_start_gives_postgresqls_own_reason(tmp_path, used_folder):
    folder = tmp_path / "copy"
    shutil.copytree(used_folder, folder)
    (folder / "data" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedError, match=r"ended while it started: .*pg_control"):
        embedded.start(folder)
    no_server_left(folder)


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
            # Python itself takes a quarter of a second from the first signal to the stop.
            time.sleep(0.5)
            process.terminate()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.8)
        assert process.wait(10) == 0
    no_server_left(used_folder)


def test_a_client_may_finish_what_it_does_when_the_server_is_told_to_stop(used_folder):
    with foreground(used_folder) as process:
        ready_line(process)
        with connected(embedded.running_url(used_folder)) as sql:
            process.terminate()
            time.sleep(0.2)
            sql.execute("CREATE TABLE last_words AS SELECT 1")
            sql.connection.commit()
        assert process.wait(10) == 0
    with embedded.start(used_folder) as server, connected(server.url) as sql:
        sql.execute("DROP TABLE last_words")
        sql.connection.commit()


def test_an_interrupted_first_start_leaves_no_process_and_the_next_one_works(tmp_path):
    with foreground(tmp_path) as process:
        deadline = time.monotonic() + 10
        while not (tmp_path / "data.unfinished" / "PG_VERSION").exists():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        ends(process, "SIGTERM", status=0)
    assert not (tmp_path / "data").exists()
    no_server_left(tmp_path)
    with embedded.start(tmp_path) as server, connected(server.url) as sql:
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


def test_pg_dump_works_with_the_url_of_the_running_server(used_folder):
    with embedded.start(used_folder):
        url = run(used_folder, "--url").stdout.strip()
        pg_dump = Path(cluster.programs()) / "pg_dump"
        dump = subprocess.run([pg_dump, url], capture_output=True, text=True, check=True).stdout
    assert "CREATE TABLE public.kept" in dump
    assert "\n42\n" in dump


def test_without_a_running_server_there_is_no_url(used_folder):
    done = run(used_folder, "--url")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no PostgreSQL runs on" in done.stderr
    assert credentials.running_url(used_folder) is None


def test_migrate_finds_the_embedded_server_by_itself(used_folder, monkeypatch, capsys):
    monkeypatch.setattr(embedded, "data_dir", lambda environment: used_folder)
    monkeypatch.setattr(sys, "argv", ["db.migrate"])
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert migrate.main() == 1
    assert "DATABASE_URL is empty and no embedded PostgreSQL runs" in capsys.readouterr().err
    with embedded.start(used_folder):
        assert migrate.main() == 0
        assert "has schema 0001" in capsys.readouterr().out
