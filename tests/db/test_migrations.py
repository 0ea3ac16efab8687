"""The migrations build what `db.schema` describes, once, out of every older schema, and keep its rows."""

import uuid
from dataclasses import asdict

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, Table, inspect, text

from db import engine as database
from db import migrate
from db.log import DatabaseUnavailable, PredictionLog
from db.passwords import NOBODYS
from db.records import HistoryRow
from db.schema import metadata
from db.sign_ins import SignIns
from db.user_rows import Users
from tests.db import loop_rows
from tests.db.backing_up import LATEST, MIGRATIONS
from tests.db.describing import described
from tests.db.older import make_older
from tests.services.postgres import empty_database

pytestmark = pytest.mark.integration


@pytest.fixture
def empty_url(postgres_server):
    with empty_database(postgres_server.url) as url:
        yield url


def test_autogenerate_finds_no_difference_between_migrations_and_schema(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_and_schema_agree_on_every_column_constraint_and_index(postgres_url, empty_url):
    engine = database.create(empty_url)
    metadata.create_all(engine)
    engine.dispose()
    from_schema = described(empty_url)
    assert len(from_schema) > 30
    # Triggers and their functions are the migrations' alone.
    of_tables = [line for line in described(postgres_url) if not line.startswith(("trigger", "function"))]
    assert of_tables == from_schema


def test_upgrading_again_keeps_the_data(empty_url, prediction):
    migrate.upgrade(empty_url)
    engine = database.create(empty_url)
    log = PredictionLog(engine)
    written = prediction()
    log.write([written])
    assert migrate.upgrade(empty_url) == LATEST
    assert [row.prediction for row in log.history(written.session_id)] == [written.summary]
    engine.dispose()


def test_rows_from_before_a_column_was_added_stay_and_say_nothing_of_it(empty_url, prediction, correction):
    older = prediction()
    judged = correction(older, "1")
    migrate.upgrade(empty_url, "0001")
    engine = database.create(empty_url)
    added = ("is_digit", "label_set", "thumbnail", "drawing_id", "kind", "network")
    columns = {key: value for key, value in asdict(older).items() if key not in added}
    with engine.begin() as connection:
        table = Table("predictions", MetaData(), autoload_with=connection)
        connection.execute(table.insert(), columns)
        table = Table("feedback", MetaData(), autoload_with=connection)
        columns = {key: value for key, value in asdict(judged).items() if key not in added}
        connection.execute(table.insert(), columns)
    log = PredictionLog(engine)
    with pytest.raises(DatabaseUnavailable, match=r"older than this code: run `python -m db\.migrate`"):
        log.history(older.session_id)

    assert migrate.upgrade(empty_url) == LATEST
    newer = prediction(is_digit=False, label_set=("7", "1"), thumbnail=b"png")
    log.write([newer])
    assert log.history(older.session_id) == [HistoryRow(newer.summary, None), HistoryRow(older.summary, "1")]
    engine.dispose()


def rows_of(url):
    """Return each table's rows as PostgreSQL knows them, by column."""
    engine = database.create(url)
    with engine.connect() as connection:
        tables = {
            name: Table(name, MetaData(), autoload_with=connection)
            for name in inspect(connection).get_table_names()
            if name != "alembic_version"
        }
        rows = {
            name: [
                dict(row._mapping) for row in connection.execute(table.select().order_by(*table.primary_key))
            ]
            for name, table in tables.items()
        }
    engine.dispose()
    return rows


DEFAULTS = {"kind": "label", "is_superseded": False, "is_replaced": False, "leaving": []}
# Made again from what the older schema has.
DERIVED = ("said", "true_label")
ROWS = {
    **dict.fromkeys(loop_rows.TABLES, 1),
    "predictions": 5,
    "api_keys": 0,
    "daily_counts": 0,
    "daily_changes": 9,
    "judgements": 1,
}
# Each after the one that it begins at.
REVISIONS = [
    (script.down_revision, script.revision) for script in MIGRATIONS.walk_revisions() if script.down_revision
]


@pytest.mark.parametrize(("older", "revision"), REVISIONS)
def test_every_row_stays_from_each_revision_to_the_next_and_to_the_latest(
    empty_url, prediction, correction, older, revision
):
    migrate.upgrade(empty_url)
    engine = database.create(empty_url)
    doubt = {"is_digit": True, "label_set": ("7", "1")}
    made = [prediction(drawing=bytes(range(256)), thumbnail=b"png", **doubt) for _ in range(5)]
    PredictionLog(engine).write(
        [*made, correction(made[0], "1"), correction(made[0], "2", network=bytes(16))]
    )
    signed_in = [Users(engine).put(name, NOBODYS) for name in ("ada", "grace")]
    for user in signed_in:
        SignIns(engine).begin(user, NOBODYS)
    loop = loop_rows.rows(loop_rows.add_run(engine), made[0].id)
    with engine.begin() as connection:
        loop_rows.add(connection, loop)
        connection.execute(text("INSERT INTO model_uses VALUES ('a', now(), 1), ('b', now(), 2)"))
        for key in ("a", "b"):
            connection.execute(text(f"INSERT INTO sign_in_attempts VALUES (sha256('{key}'), now())"))
    engine.dispose()
    newest = rows_of(empty_url)
    make_older(empty_url, older)
    before = rows_of(empty_url)

    assert migrate.upgrade(empty_url, revision) == revision
    after = rows_of(empty_url)
    for name, rows in before.items():
        assert len(rows) == len(newest[name]) == ROWS.get(name, 2)
        for last, old, new in zip(newest[name], rows, after[name], strict=True):
            assert old == {column: last[column] for column in old}
            # What the older schema has is untouched; the rest is as usual, or made from that.
            usual = {column: DEFAULTS.get(column) for column in new}
            assert new == {**usual, **old, **{column: last[column] for column in DERIVED if column in new}}
    assert migrate.upgrade(empty_url) == LATEST
    latest = rows_of(empty_url)
    assert {name: len(latest[name]) for name in before} == {name: len(before[name]) for name in before}


def test_answers_that_were_replaced_and_judged_before_that_was_remembered_are_found(
    empty_url, prediction, correction
):
    migrate.upgrade(empty_url)
    with database.opened(empty_url) as engine:
        log = PredictionLog(engine)
        drawing_id = uuid.uuid4()
        before, late, last = (prediction(drawing_id=drawing_id) for _ in range(3))
        log.write([before, correction(before, "1"), late, last])
        log.write([correction(one, "1") for one in (late, last)])
    make_older(empty_url, "0009")
    migrate.upgrade(empty_url)
    with database.opened(empty_url) as engine:
        log = PredictionLog(engine)
        log.write([correction(one, None, kind="taken_back") for one in (before, late, last)])
        assert log.history(last.session_id) == [HistoryRow(last.summary, None)]


def test_older_code_goes_on_beside_a_newer_schema(empty_url, prediction, correction):
    """As after a deployment that was given up when it had migrated."""
    made = prediction()
    migrate.upgrade(empty_url, "0009")
    with database.opened(empty_url) as engine:
        known = [Table(name, MetaData(), autoload_with=engine) for name in ("predictions", "feedback")]
    migrate.upgrade(empty_url)
    with database.opened(empty_url) as engine, engine.begin() as connection:
        for table, record in zip(known, (made, correction(made, "1")), strict=True):
            values = {key: value for key, value in asdict(record).items() if key in table.c}
            connection.execute(table.insert(), values)
        assert connection.execute(text("SELECT said, true_label FROM predictions")).one() == ("label", "1")
