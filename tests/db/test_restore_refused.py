"""`make restore`: what is refused or stopped halfway leaves the database as it is."""

import re
import signal

import pytest
from sqlalchemy import make_url

from tests.db.backing_up import (
    LATEST,
    PATIENCE_S,
    back_up,
    databases,
    everything,
    execute,
    filled,
    hold_up,
    is_being_filled,
    make_restore,
    one_line,
    run,
    started,
    wait_until,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
__all__ = ["filled"]


def test_a_backup_of_newer_code_is_refused_before_anything_is_made(filled, folder):
    execute(filled, "UPDATE alembic_version SET version_num = '9999'")
    file = back_up(filled, folder)
    execute(filled, f"UPDATE alembic_version SET version_num = '{LATEST}'")
    current = everything(filled)
    # Whatever the file is called.
    renamed = file.rename(folder / f"sketchserve-20260105T030000Z-{LATEST}.dump")
    refused = one_line(run("db.restore", filled, folder, str(renamed), "--yes"))
    assert (
        "has schema 9999, which this code does not know: use the version of Sketchserve that made it"
        in refused
    )
    assert everything(filled) == current
    assert databases(filled) == [make_url(filled).database]


def damaged(file, how):
    content = file.read_bytes()
    middle = len(content) // 2
    if how == "truncated":
        file.write_bytes(content[:middle])
    elif how == "changed":
        file.write_bytes(
            content[:middle]
            + bytes(byte ^ 255 for byte in content[middle : middle + 64])
            + content[middle + 64 :]
        )
    elif how == "text":
        file.write_text("CREATE TABLE predictions ();\n")
    else:
        file.unlink()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("truncated", "pg_restore: error: "),
        ("changed", "pg_restore: error: "),
        ("text", "pg_restore: error: input file does not appear to be a valid archive"),
        ("gone", r"does not exist \(there are no backups in"),
    ],
)
def test_a_damaged_backup_is_one_line_and_the_database_stays_as_it_is(filled, folder, how, says):
    file = back_up(filled, folder)
    current = everything(filled)
    damaged(file, how)
    assert re.search(says, one_line(run("db.restore", filled, folder, str(file), "--yes")))
    assert everything(filled) == current
    assert databases(filled) == [make_url(filled).database]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_a_restore_that_ends_halfway_leaves_the_database_as_it_is(filled, folder, name):
    hold_up(filled)
    file = back_up(filled, folder)
    current = everything(filled)
    with started("db.restore", filled, folder, str(file), "--yes") as process:
        wait_until(lambda: is_being_filled(filled))
        process.send_signal(signal.Signals[name])
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode != 0
    assert everything(filled) == current
    if name == "SIGTERM":
        assert errors == "db.restore: stopped: nothing was changed\n"
        assert databases(filled) == [make_url(filled).database]
    # The next one clears away what a killed one left.
    done = run("db.restore", filled, folder, str(file), "--yes")
    assert done.returncode == 0, done.stderr
    assert everything(filled) == current
    assert [kept for kept in databases(filled) if kept.endswith("_restored")] == []


def test_without_a_file_the_newest_is_named(filled, folder):
    file = back_up(filled, folder)
    done = make_restore(filled, folder)
    assert one_line(done) == f"db.restore: no backup was named: pass FILE=...; the newest is {file}"
