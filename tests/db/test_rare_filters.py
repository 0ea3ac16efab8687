"""What few drawings have is found without reading those that have it not, whoever's they are."""

import json

import pytest
from sqlalchemy import event, text

from db import engine as database
from db.drawings import Drawings, Filter
from tests.db.backing_up import migrated_database

pytestmark = pytest.mark.integration

ROWS = 20_000
# Each rare value is that of 20 rows. Every tenth row is judged, and the model doubted every fifth.
FILL = """
    INSERT INTO predictions (id, created_at, session_id, source, model_name, model_version, preprocessing,
        predicted_label, confidence, probabilities, drawing, latency_ms, request_id, is_digit)
    SELECT gen_random_uuid(), now() - row * interval '1 minute', 's' || row % 7, 'sketchpad',
           CASE WHEN row % 1000 = 1 THEN 'rare' ELSE 'digits' END, '1.0.0', 'a1b2c3d4',
           CASE WHEN row % 1000 = 2 THEN 'rare' ELSE (row % 10)::text END, 0.9, '{}', 'x', 3.5, 'r',
           row % 5 <> 3
    FROM generate_series(1, :rows) AS row
"""
JUDGE = """
    INSERT INTO feedback (prediction_id, true_label, created_at, session_id)
    SELECT id, CASE WHEN extract(minute FROM created_at) = 7 THEN 'rare' ELSE predicted_label END, now(), 's'
    FROM predictions WHERE predicted_label = '3'
"""
RARE = {
    "label": Filter(None, label="rare"),
    "no such label": Filter(None, label="none"),
    "model": Filter(None, model=("rare", "1.0.0")),
    "no such model": Filter(None, model=("none", "1.0.0")),
    "model and label": Filter(None, label="rare", model=("digits", "1.0.0")),
    "wrong": Filter(None, show="wrong"),
    "true label": Filter(None, true_label="rare"),
    "no such true label": Filter(None, true_label="none"),
    "what for what": Filter(None, label="3", true_label="none"),
    "with a label": Filter(None, has_label=True),
    "doubted label": Filter(None, show="doubted", label="rare"),
}


@pytest.fixture(scope="module")
def filled(postgres_server):
    with migrated_database(postgres_server.url) as url, database.opened(url) as engine:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(FILL), {"rows": ROWS})
            connection.execute(text(JUDGE))
            connection.execute(text("VACUUM ANALYZE predictions"))
        yield engine


def rows_read(engine, ask):
    """Return how many rows of tables and indexes the queries of `ask` look at, at most in one step."""
    asked = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    ask()
    event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        plans = [
            connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar()
            for statement, parameters in asked
        ]
    return max(_most(json.loads(plan) if isinstance(plan, str) else plan) for plan in plans)


def _most(plan):
    """Return the most rows that a step looks at."""
    if isinstance(plan, list):
        return max((_most(one) for one in plan), default=0)
    if not isinstance(plan, dict):
        return 0
    looked_at = plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)
    return max([looked_at * plan.get("Actual Loops", 1), *(_most(one) for one in plan.values())])


@pytest.mark.parametrize("wanted", RARE.values(), ids=RARE)
def test_what_few_have_is_listed_and_counted_from_an_index(filled, wanted):
    drawings = Drawings(filled)
    # Those that were judged or doubted are looked through, a tenth and a fifth of all.
    most = ROWS // 5 if wanted.show == "doubted" else ROWS // 10
    assert rows_read(filled, lambda: drawings.page(wanted, 51)) <= most
    assert rows_read(filled, lambda: drawings.count(wanted)) <= most
