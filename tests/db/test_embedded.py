"""The embedded PostgreSQL starts, keeps its data, lets in its owner only, and refuses what it cannot use."""

import errno
import shutil
import socket
import stat
import subprocess
import threading
from pathlib import Path

import psutil
import psycopg2
import pytest

from db import embedded, server
from db.embedded import EmbeddedError
from tests.db.embedded_process import no_server_left
from tests.db.kept_table import assert_data_is_kept, connected

pytestmark = pytest.mark.integration


def test_data_survives_a_restart(used_folder):
    with embedded.start(used_folder) as server:
        assert_data_is_kept(server.url)
    no_server_left(used_folder)


def test_a_port_that_waiting_does_not_free_is_refused_at_once(monkeypatch):
    def denied(_: int) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(server, "is_free", denied)
    monkeypatch.setattr(server, "TAKEN_TIMEOUT_S", 600)
    with pytest.raises(EmbeddedError, match=r"port 80 .*Permission denied.*: set POSTGRES_PORT"):
        server._refuse_taken_port(80)


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


def test_a_log_that_an_earlier_version_left_open_is_closed(tmp_path):
    (tmp_path / "server.log").touch()
    (tmp_path / "server.log").chmod(0o644)
    embedded.password(tmp_path)
    assert stat.S_IMODE((tmp_path / "server.log").stat().st_mode) == 0o600


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


@pytest.mark.parametrize("lose", [Path.unlink, lambda password: password.write_text("")])
def test_a_lost_password_is_replaced_and_the_data_stays(tmp_path, used_folder, lose):
    folder = tmp_path / "copy"
    shutil.copytree(used_folder, folder)
    lose(folder / "password")
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
    with pytest.raises(EmbeddedError, match=r"nor a PostgreSQL data folder .*move it away"):
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


def test_a_port_that_a_client_holds_for_a_moment_is_waited_for(used_folder):
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    holder.listen()
    freed = threading.Timer(0.5, holder.close)
    freed.start()
    try:
        with embedded.start(used_folder, port) as server:
            assert server.port == port
    finally:
        freed.join()
