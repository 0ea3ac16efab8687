"""A backup that is stopped or killed leaves nothing for long, and of two at a time only one is made."""

import signal

import psutil
import pytest
from sqlalchemy import make_url

from db import beside, contents, dump, engine
from tests.db.backing_up import (
    PATIENCE_S,
    databases,
    dumps,
    execute,
    fill,
    hold_up,
    is_being_filled,
    make,
    migrated_database,
    run,
    started,
    unfinished,
    wait_until,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def large(postgres_server):
    """A database whose dump takes a second or two, to be copied."""
    with migrated_database(postgres_server.url) as url:
        fill(url, 1500)
        yield url


@pytest.fixture
def large_url(postgres_server, large):
    with migrated_database(postgres_server.url, copied=large) as url:
        yield url


def test_a_pg_dump_that_somebody_kills_is_one_line_and_leaves_nothing(large_url, folder):
    with started("db.backup", large_url, folder) as process:
        wait_until(lambda: [path for path in unfinished(folder) if path.stat().st_size])
        (child,) = psutil.Process(process.pid).children()
        child.kill()
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output) == (1, "")
    assert errors == "db.backup: pg_dump was killed by SIGKILL\n"
    assert dumps(folder) == unfinished(folder) == []


def test_the_second_of_two_at_a_time_says_so_in_one_line(large_url, folder):
    with started("db.backup", large_url, folder) as first:
        wait_until(lambda: unfinished(folder))
        first.send_signal(signal.SIGSTOP)
        second = run("db.backup", large_url, folder)
        first.send_signal(signal.SIGCONT)
        assert second.returncode == 1
        assert second.stderr == (
            f"db.backup: process {first.pid} is making a backup in {folder}: wait for it to end\n"
        )
        assert first.wait(PATIENCE_S) == 0
    assert len(dumps(folder)) == 1


def test_two_with_a_folder_each_do_not_touch_each_others_check(url, folder, tmp_path):
    with beside.new_database(engine.parse(url), "_backup_check") as first:
        with pytest.raises(dump.BackupError, match="another process is using the database"):
            make(url, folder)
        assert contents.of(first).rows == {}
    assert dumps(folder) == unfinished(folder) == []


@pytest.mark.parametrize(("moment", "name"), [("dump", "SIGTERM"), ("check", "SIGINT"), ("check", "SIGHUP")])
def test_a_signal_ends_it_at_once_and_nothing_is_left(large_url, folder, moment, name):
    if moment == "check":
        hold_up(large_url)
    with started("db.backup", large_url, folder) as process:
        if moment == "dump":
            wait_until(lambda: unfinished(folder))
        else:
            wait_until(lambda: is_being_filled(large_url))
        process.send_signal(signal.Signals[name])
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output) == (1, "")
    assert errors == "db.backup: stopped before the backup was complete; no backup was made\n"
    assert dumps(folder) == unfinished(folder) == []
    assert databases(large_url) == [make_url(large_url).database]


def test_what_a_killed_one_leaves_is_cleared_away_by_the_next(large_url, folder):
    hold_up(large_url)
    with started("db.backup", large_url, folder) as process:
        wait_until(lambda: is_being_filled(large_url))
        process.kill()
        process.wait()
    assert dumps(folder) == []
    assert len(unfinished(folder)) == 1
    execute(large_url, "DROP INDEX held_idx")
    made = make(large_url, folder)
    assert dumps(folder) == [made.backup.path]
    assert unfinished(folder) == []
    assert databases(large_url) == [make_url(large_url).database]
