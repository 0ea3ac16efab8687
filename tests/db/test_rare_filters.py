"""What few drawings have is found without reading those that have it not, whoever's they are."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from db import engine as database
from db.analytics import WORST, Analytics
from db.drawings import Drawings, Filter
from db.figures import Span
from tests.db.backing_up import migrated_database
from tests.services.postgres import executed

pytestmark = pytest.mark.integration

ROWS = 20_000
# Each rare value is that of 20 rows. Every tenth row is judged, and the model doubted every fifth.
FILL = """
    INSERT INTO predictions (id, created_at, session_id, source, model_name, model_version, preprocessing,
        predicted_label, confidence, probabilities, drawing, latency_ms, request_id, is_digit)
    SELECT gen_random_uuid(), now() - row * interval '1 minute', 's' || row % 7, 'sketchpad',
           CASE WHEN row % 1000 = 1 THEN 'rare' ELSE 'digits' END, '1.0.0', 'a1b2c3d4',
           CASE WHEN row % 1000 = 2 THEN 'rare' ELSE (row % 10)::text END, 0.9, '{}', 'x', 3.5, row::text,
           row % 5 <> 2
    FROM generate_series(1, :rows) AS row
"""
JUDGE = """
    INSERT INTO feedback (prediction_id, true_label, created_at, session_id)
    SELECT id, CASE WHEN request_id::int % 1000 = 3 THEN 'rare' ELSE predicted_label END, now(), 's'
    FROM predictions WHERE predicted_label = '3'
"""
DISMISS = """
    INSERT INTO feedback (prediction_id, kind, created_at, session_id)
    SELECT id, 'not_a_digit', now(), 's' FROM predictions WHERE request_id::int % 1000 = 13
"""
# Each with how many it finds.
RARE = {
    "label": (Filter(None, label="rare"), 20),
    "no such label": (Filter(None, label="none"), 0),
    "model": (Filter(None, model=("rare", "1.0.0")), 20),
    "no such model": (Filter(None, model=("none", "1.0.0")), 0),
    "model and label": (Filter(None, label="rare", model=("digits", "1.0.0")), 20),
    "wrong": (Filter(None, show="wrong"), 40),
    "true label": (Filter(None, true_label="rare"), 20),
    "no such true label": (Filter(None, true_label="none"), 0),
    "what for what": (Filter(None, label="3", true_label="none"), 0),
    "not a digit": (Filter(None, show="none"), 20),
    "with a label": (Filter(None, has_label=True), ROWS // 10 - 20),
    "doubted label": (Filter(None, show="doubted", label="rare"), 20),
}


@pytest.fixture(scope="module")
def filled(postgres_server):
    with migrated_database(postgres_server.url) as url, database.opened(url) as engine:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(FILL), {"rows": ROWS})
            connection.execute(text(JUDGE))
            connection.execute(text(DISMISS))
            connection.execute(text("VACUUM ANALYZE predictions"))
        yield engine


def steps(engine, ask):
    """Yield what each step of the queries of `ask` reads from, None for other steps, and how many rows."""
    with executed(engine) as asked:
        ask()
    with engine.connect() as connection:
        for statement, parameters, _ in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            yield from _steps(plan.scalar_one())


def _steps(plan):
    if isinstance(plan, dict):
        looked_at = plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)
        yield plan.get("Relation Name"), looked_at * plan.get("Actual Loops", 1)
    for one in plan.values() if isinstance(plan, dict) else plan if isinstance(plan, list) else ():
        yield from _steps(one)


def rows_read(engine, ask):
    """Return how many rows of tables and indexes the queries of `ask` look at, at most in one step."""
    return max(rows for _, rows in steps(engine, ask))


@pytest.mark.parametrize(("wanted", "found"), RARE.values(), ids=RARE)
def test_what_few_have_is_listed_and_counted_from_an_index(filled, wanted, found):
    drawings = Drawings(filled)
    assert drawings.count(wanted) == found
    # Those that were judged or doubted are looked through, a tenth and a fifth of all.
    most = ROWS // 5 if wanted.show == "doubted" else ROWS // 10
    assert rows_read(filled, lambda: drawings.page(wanted, 51)) <= most
    assert rows_read(filled, lambda: drawings.count(wanted)) <= most


def test_analytics_read_no_drawing_but_the_worst_mistakes(filled):
    today = datetime.now(UTC).date()
    span = Span(since=today - timedelta(days=29), days=1, latest=today, earlier=today - timedelta(days=59))

    def ask():
        with Analytics(filled).reading() as reading:
            assert reading.models()
            found = reading.figures("digits", "1.0.0", span)
        assert (len(found.worst), sum(one.count for one in found.judged)) == (WORST, ROWS // 10)

    read = [rows for table, rows in steps(filled, ask) if table == "predictions"]
    assert read == [WORST]
