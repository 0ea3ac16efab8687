"""`make restore`: every row comes back, and what it replaces is kept."""

import os
import pty
import re
import subprocess
import sys
import threading
import uuid
from contextlib import closing
from dataclasses import asdict

import psycopg2
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, make_url

from db import engine, migrate, restore
from db.log import PredictionLog
from db.writer import Writer
from tests.db.backing_up import (
    LATEST,
    PATIENCE_S,
    PROJECT,
    back_up,
    databases,
    drop_database,
    environment,
    everything,
    execute,
    filled,
    make_restore,
    one_line,
    run,
    server_url,
    wait_until,
)
from tests.db.older import make_older

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
__all__ = ["filled"]


def test_a_destroyed_database_comes_back_with_every_row_byte_for_byte(filled, folder):
    before = everything(filled)
    file = back_up(filled, folder)
    drop_database(filled, make_url(filled).database)
    assert databases(filled) == []

    done = make_restore(filled, folder, f"FILE={file}")
    assert done.returncode == 0, done.stderr
    assert f"holds predictions 20, feedback 3 (schema {LATEST})" in done.stdout
    after = everything(filled)
    assert after == before
    assert (len(after[0]), len(after[1])) == (20, 3)
    assert databases(filled) == [make_url(filled).database]


def test_the_next_correction_gets_a_number_of_its_own(filled, folder, prediction, correction):
    file = back_up(filled, folder)
    run("db.restore", filled, folder, str(file), "--yes")
    about = prediction()
    PredictionLog(engine.create(filled)).write([about, correction(about, "1")])
    numbers = [row["id"] for row in everything(filled)[1]]
    assert len(numbers) == len(set(numbers)) == 4


@pytest.mark.parametrize(
    "made_with",
    ["ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc", "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C'"],
)
def test_a_database_keeps_the_encoding_and_the_locale_that_the_server_s_others_have_not(
    postgres_server, folder, made_with
):
    name = f"other_{uuid.uuid4().hex}"
    url = make_url(postgres_server.url).set(database=name).render_as_string(hide_password=False)
    columns = "encoding, datlocprovider, datcollate, datctype, datlocale"
    of_it = f"SELECT {columns} FROM pg_database WHERE datname = :name"
    execute(server_url(url), f"CREATE DATABASE {name} {made_with} TEMPLATE template0")
    try:
        before = execute(server_url(url), of_it, name=name)
        migrate.upgrade(url)
        done = run("db.restore", url, folder, "--yes", str(back_up(url, folder)))
        assert done.returncode == 0, done.stderr
        assert execute(server_url(url), of_it, name=name) == before
    finally:
        for left in databases(url):
            drop_database(url, left)


def test_an_empty_database_is_filled_without_a_question(filled, folder):
    before = everything(filled)
    file = back_up(filled, folder)
    execute(filled, "TRUNCATE predictions CASCADE")
    assert run("db.restore", filled, folder, file.name).returncode == 0
    assert everything(filled) == before


def test_a_database_with_rows_is_replaced_only_when_told_and_is_kept(filled, folder, prediction):
    backed_up = everything(filled)
    file = back_up(filled, folder)
    PredictionLog(engine.create(filled)).write([prediction()])
    current = everything(filled)
    name = make_url(filled).database

    refused = one_line(make_restore(filled, folder, f"FILE={file}"))
    assert (
        f"the database {name} has rows (predictions 21, feedback 3 (schema {LATEST})): pass YES=1" in refused
    )
    assert everything(filled) == current
    assert databases(filled) == [name]

    done = make_restore(filled, folder, f"FILE={file}", "YES=1")
    assert done.returncode == 0, done.stderr
    assert everything(filled) == backed_up
    _, kept = databases(filled)
    assert re.fullmatch(rf"{name}_before_[0-9]{{8}}_[0-9]{{6}}", kept)
    kept_url = make_url(filled).set(database=kept).render_as_string(hide_password=False)
    assert everything(kept_url) == current
    assert (
        f"{name} holds predictions 21, feedback 3 (schema {LATEST}); it will be kept as {kept}" in done.stdout
    )

    said = re.search(rf"psql -c '(DROP DATABASE \"{kept}\")'$", done.stdout.strip())
    assert said
    assert run("db.client", filled, folder, "psql", "-c", said[1]).returncode == 0
    assert databases(filled) == [name]


@pytest.mark.parametrize("right", [True, False])
def test_at_a_terminal_the_databases_name_is_asked_for(filled, folder, prediction, right):
    file = back_up(filled, folder)
    PredictionLog(engine.create(filled)).write([prediction()])
    name = make_url(filled).database or ""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "db.restore", str(file)],
        cwd=PROJECT,
        env=environment(filled, folder),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, f"{name if right else 'yes'}\n".encode())
    output, errors = process.communicate(timeout=PATIENCE_S)
    os.close(ours)
    os.close(theirs)
    assert f"Type {name} to replace it with the backup: " in output
    assert (process.returncode == 0) is right, errors
    assert len(everything(filled)[0]) == (20 if right else 21)
    assert len(databases(filled)) == (2 if right else 1)


def test_a_page_that_runs_goes_on_in_the_restored_database(filled, folder, prediction, spool):
    file = back_up(filled, folder)
    execute(filled, "TRUNCATE predictions CASCADE")
    log = PredictionLog(engine.create(filled))
    writer = Writer(log, spool)
    writer.start()
    stop = threading.Event()

    def draw():
        while not stop.wait(0.002):
            writer.submit(prediction())

    drawing = threading.Thread(target=draw)
    drawing.start()
    try:
        wait_until(lambda: writer.written > 20)
        done = run("db.restore", filled, folder, str(file), "--yes")
        assert done.returncode == 0, done.stderr
        written = writer.written
        wait_until(lambda: writer.written > written + 20)
    finally:
        stop.set()
        drawing.join()
        assert writer.stop(30) == 0
    assert writer.rejected == writer.dropped == 0
    rows = sum(
        len(everything(make_url(filled).set(database=name).render_as_string(False))[0])
        for name in databases(filled)
    )
    # A batch whose answer the exchange cut off is written twice: to what was kept, and again.
    assert 20 + writer.written <= rows <= 20 + writer.written + 100
    assert len(everything(filled)[0]) > 40


def test_an_older_backup_is_brought_up_to_date(url, folder, prediction, correction):
    make_older(url, "0001")
    older = prediction()
    database = engine.create(url)
    with database.begin() as connection:
        for name, record in (("predictions", older), ("feedback", correction(older, "1"))):
            table = Table(name, MetaData(), autoload_with=connection)
            known = {key: value for key, value in asdict(record).items() if key in table.c}
            connection.execute(table.insert(), known)
    file = back_up(url, folder)
    assert file.name.endswith("-0001.dump")
    migrate.upgrade(url)
    execute(url, "TRUNCATE predictions CASCADE")

    assert run("db.restore", url, folder, str(file)).returncode == 0
    (row,) = PredictionLog(database).history(older.session_id)
    assert (row.prediction, row.true_label) == (older.summary, "1")
    assert execute(url, "SELECT version_num FROM alembic_version") == [
        (ScriptDirectory(str(PROJECT / "db" / "migrations")).get_current_head(),)
    ]


def test_known_revisions_are_read_from_the_dump_itself(filled, folder):
    assert restore.known_revision(back_up(filled, folder)) == LATEST


def test_a_restored_database_carries_no_mark_that_it_may_be_dropped(filled, folder):
    done = make_restore(filled, folder, f"FILE={back_up(filled, folder)}", "YES=1")
    assert done.returncode == 0, done.stderr
    comment = (
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    )
    assert execute(filled, comment) == [(None,)]


def test_temporary_tables_of_others_do_not_keep_a_backup_from_being_made(filled, folder):
    with closing(psycopg2.connect(filled)) as other, other.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE notes AS SELECT 1 AS one")
        other.commit()
        assert back_up(filled, folder).exists()
