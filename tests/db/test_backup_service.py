"""With BACKUP_EVERY_HOURS it backs up in time, tries again, tells Prometheus, and ends when asked."""

import os
import re
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import pytest
from sqlalchemy import make_url

from db import backup_folder, backup_schedule, dump, embedded, engine
from system.ports import free_ports
from tests.db.backing_up import (
    PATIENCE_S,
    databases,
    dumps,
    fill,
    run,
    started,
    unfinished,
    wait_until,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture
def port():
    (port,) = free_ports(1)
    return port


def exposition(port):
    """Return what Prometheus is given, or "" while nobody listens."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def metrics(port):
    lines = [line.split() for line in exposition(port).splitlines() if not line.startswith("#")]
    return {name.removeprefix("sketchserve_backup_"): float(value) for name, value in lines}


def service(url, folder, port, hours, **more):
    return started("db.backup", url, folder, BACKUP_EVERY_HOURS=hours, BACKUP_METRICS_PORT=str(port), **more)


def test_it_backs_up_at_the_start_and_says_so_to_prometheus(url, folder, port):
    fill(url, 20)
    before = time.time()
    with service(url, folder, port, "24") as process:
        wait_until(lambda: metrics(port).get("files") == 1)
        values = metrics(port)
        (file,) = dumps(folder)
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"{file}: ")
    assert int(before) <= values["last_success_timestamp_seconds"] <= time.time()
    assert values["last_restore_test_timestamp_seconds"] == values["last_success_timestamp_seconds"]
    assert values["last_size_bytes"] == file.stat().st_size
    assert values["failures_total"] == 0
    assert values["period_seconds"] == 24 * 3600
    disk = os.statvfs(folder)
    assert values["disk_size_bytes"] == disk.f_blocks * disk.f_frsize
    assert 0 < values["disk_free_bytes"] < values["disk_size_bytes"]


def test_a_restart_remembers_the_last_success_and_waits_for_its_time(url, folder, port):
    made = dump.make(engine.parse(url), folder, keep=7)
    with service(url, folder, port, "24") as process:
        wait_until(lambda: metrics(port))
        values = metrics(port)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
    assert values["last_success_timestamp_seconds"] == made.backup.time.timestamp()
    assert values["last_size_bytes"] == made.size_bytes
    assert dumps(folder) == [made.backup.path]


def test_a_period_later_the_next_one_is_made(url, folder, port):
    folder.mkdir()
    old = folder / backup_folder.name(datetime.now(UTC) - timedelta(hours=25), "0002")
    old.touch()
    with service(url, folder, port, "24"):
        wait_until(lambda: metrics(port).get("files") == 2)
    assert old in dumps(folder)


def test_it_goes_on_period_after_period(url, folder, port):
    with service(url, folder, port, "0.0005", KEEP_BACKUPS="2"):
        wait_until(lambda: dumps(folder))
        first = dumps(folder)[0]
        wait_until(lambda: first not in dumps(folder))
        assert 1 <= len(dumps(folder)) <= 3


def test_a_failure_counts_and_the_time_of_the_last_success_stays(url, folder, port):
    folder.mkdir()
    old = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=25)
    (folder / backup_folder.name(old, "0002")).touch()
    away = make_url(url).set(port=1).render_as_string(hide_password=False)
    with service(away, folder, port, "24") as process:
        wait_until(lambda: metrics(port).get("failures_total") == 1)
        values = metrics(port)
        assert process.stderr is not None
        line = process.stderr.readline()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert time.monotonic() - began < 5
    assert re.fullmatch(
        r"db\.backup: postgresql://sketchserve@127\.0\.0\.1:1/.*: Connection refused \(retrying in 60 s\)\n",
        line,
    )
    assert values["last_success_timestamp_seconds"] == old.timestamp()


def test_no_backup_yet_is_as_old_as_can_be(folder, port):
    with service("postgresql://u:p@127.0.0.1:1/d", folder, port, "24"):
        wait_until(lambda: metrics(port))
        values = metrics(port)
    assert values["last_success_timestamp_seconds"] == values["last_restore_test_timestamp_seconds"] == 0
    assert values["files"] == values["last_size_bytes"] == 0


def test_pauses_after_failures_grow_to_an_hour(folder, port, monkeypatch):
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(backup_schedule.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        nobody = engine.parse("postgresql://u:p@127.0.0.1:1/d")
        backup_schedule.run(lambda: nobody, folder, keep=7, every_s=86_400, host="127.0.0.1", port=port)
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_each_backup_asks_where_the_embedded_server_is_now(url, folder, port, monkeypatch):
    asked = []

    def database():
        asked.append("")
        if len(asked) == 1:
            raise embedded.EmbeddedError("no embedded PostgreSQL is running")
        return engine.parse("postgresql://u:p@127.0.0.1:1/d" if len(asked) == 2 else url)

    def sleep(_seconds):
        if dumps(folder):
            raise KeyboardInterrupt

    monkeypatch.setattr(backup_schedule.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        backup_schedule.run(database, folder, keep=7, every_s=86_400, host="127.0.0.1", port=port)
    assert (len(asked), len(dumps(folder))) == (3, 1)


def test_sigterm_in_the_middle_ends_it_at_once_and_nothing_is_left(url, folder, port):
    fill(url, 1000)
    with service(url, folder, port, "24") as process:
        wait_until(lambda: unfinished(folder))
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output, errors) == (0, "", "")
    assert dumps(folder) == unfinished(folder) == []
    assert databases(url) == [make_url(url).database]


def test_a_taken_port_is_one_line(url, folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("db.backup", url, folder, BACKUP_EVERY_HOURS="24", BACKUP_METRICS_PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"db.backup: the metrics cannot be served at 127.0.0.1:{port} (Address already in use): "
        "set METRICS_HOST and BACKUP_METRICS_PORT\n"
    )


@pytest.mark.parametrize("hours", ["0", "daily", "-1"])
def test_a_period_that_is_none_is_one_line(url, folder, hours):
    done = run("db.backup", url, folder, BACKUP_EVERY_HOURS=hours)
    assert done.returncode == 1
    expected = f"BACKUP_EVERY_HOURS is '{hours}', expected hours, more than 0 and at most 8784"
    assert done.stderr == f"db.backup: {expected}\n"
