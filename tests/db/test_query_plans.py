"""What PostgreSQL reads for a history and for an accuracy: no more than it needs, of large tables, too."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from db import engine as database
from db.log import ACCURACY_ROWS
from db.records import Accuracy
from tests.services.postgres import executed

pytestmark = pytest.mark.integration


def test_accuracy_is_counted_of_the_last_thousand_predictions(
    log, engine, session_id, prediction, correction
):
    start = datetime.now(UTC)
    made = [prediction(created_at=start + timedelta(seconds=i)) for i in range(ACCURACY_ROWS + 500)]
    log.write([*made, *(correction(drawn, "7") for drawn in made)])
    log.write([correction(made[0], "1"), correction(made[-1], "1")])
    assert log.accuracy(session_id) == Accuracy(ACCURACY_ROWS, ACCURACY_ROWS - 1, of_newest=ACCURACY_ROWS)
    analyze(engine)
    engine.dispose()

    @event.listens_for(engine, "connect")
    def avoid_reading_all(connection, _record):
        # Of so small a table that would be the quickest.
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
        connection.commit()

    (plan,) = _plans(engine, lambda: log.accuracy(session_id), explain="EXPLAIN ANALYZE ")
    (scan,) = [line for line in plan.splitlines() if " on predictions" in line]
    assert "Scan Backward using predictions_of_" in scan, plan
    assert f"rows={ACCURACY_ROWS}.00 loops=1" in scan, plan


def test_history_of_a_large_table_reads_indexes_only_as_far_as_it_needs(
    engine, log, session_id, prediction, postgres_url
):
    start = datetime.now(UTC)
    log.write([prediction(created_at=start + timedelta(seconds=i)) for i in range(200)])
    # Not by the page's engine, which gives up after seconds.
    with database.opened(postgres_url) as filling, filling.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO predictions SELECT gen_random_uuid(), created_at, md5(n::text), source, "
                "model_name, model_version, preprocessing, predicted_label, confidence, probabilities, "
                "drawing, pen_colour, background_colour, latency_ms, request_id "
                "FROM predictions, generate_series(1, 50) n WHERE session_id = :session"
            ),
            {"session": session_id},
        )
        connection.execute(
            text(
                "INSERT INTO feedback (prediction_id, true_label, created_at, session_id) "
                "SELECT id, '1', created_at, session_id FROM predictions"
            )
        )
    analyze(engine)
    plans = _plans(engine, lambda: log.history(session_id), lambda: log.accuracy(session_id))
    for plan in plans:
        assert "Seq Scan" not in plan, plan
    assert "predictions_of_session_idx" in plans[0]
    assert "Sort Key: predictions" not in plans[0], plans[0]


def analyze(engine):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE predictions, feedback"))


def _plans(engine, *calls, explain="EXPLAIN "):
    """Return PostgreSQL's plan of the one query that each call sends."""
    with executed(engine) as queries:
        for call in calls:
            call()
    plans = []
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        for query in queries:
            cursor.execute(explain + query.statement, query.parameters)
            plans.append("\n".join(row[0] for row in cursor))
    return plans
