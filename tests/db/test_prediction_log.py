"""What is written to the prediction log comes back from it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event, text

from db import engine as database
from db.log import ACCURACY_ROWS, DatabaseUnavailable, PredictionLog, RecordRejected
from db.records import Accuracy, HistoryRow
from tests.services.postgres import empty_database, executed

pytestmark = pytest.mark.integration


def test_a_prediction_comes_back_exactly_as_it_was_written(log, session_id, prediction):
    written = prediction(
        drawing=bytes(range(256)), thumbnail=bytes(99), pen_colour="rebeccapurple", predicted_label="é"
    )
    log.write([written])
    (row,) = log.history(session_id)
    assert row == log.find(session_id, written.id) == HistoryRow(written.summary, None)
    assert log.drawing(session_id, written.id) == written.drawing


def test_times_come_back_in_utc_to_the_microsecond(log, session_id, prediction):
    nepal = timezone(timedelta(hours=5, minutes=45))
    moment = datetime(2026, 3, 1, 2, 3, 4, 567891, tzinfo=nepal)
    log.write([prediction(created_at=moment)])
    (row,) = log.history(session_id)
    assert row.prediction.created_at == moment
    assert row.prediction.created_at.tzinfo is UTC


def test_history_is_newest_first_and_limited(log, session_id, prediction):
    start = datetime.now(UTC)
    written = [prediction(created_at=start + timedelta(seconds=i)) for i in range(5)]
    log.write([written[2], written[0], written[4], written[1], written[3]])
    assert [row.prediction.id for row in log.history(session_id, limit=3)] == [p.id for p in written[:1:-1]]


def test_history_holds_only_its_own_session(log, session_id, prediction):
    mine = prediction()
    log.write([mine, prediction(session_id="somebody else")])
    assert [row.prediction.id for row in log.history(session_id)] == [mine.id]


def test_an_unknown_session_has_an_empty_history(log):
    assert log.history("never seen") == []
    assert log.accuracy("never seen") == Accuracy(judged=0, correct=0)


def test_the_feedback_that_arrived_last_counts_whatever_the_clocks_said(
    log, session_id, prediction, correction
):
    drawn = prediction()
    first = correction(drawn, "1")
    after_the_clock_went_back = correction(drawn, "2", created_at=first.created_at - timedelta(hours=1))
    log.write([drawn, first, after_the_clock_went_back])
    (row,) = log.history(session_id)
    assert row.true_label == "2"


def test_a_second_feedback_is_a_row_of_its_own(log, engine, prediction, correction):
    drawn = prediction()
    log.write([drawn, correction(drawn, "1"), correction(drawn, "1")])
    with engine.connect() as connection:
        count = connection.scalar(
            text("SELECT count(*) FROM feedback WHERE prediction_id = :id"), {"id": drawn.id}
        )
    assert count == 2


def test_writing_twice_changes_nothing(log, engine, session_id, prediction, correction):
    drawn = prediction()
    records = [drawn, correction(drawn, "1")]
    log.write(records)
    log.write(records)
    assert len(log.history(session_id)) == 1
    with engine.connect() as connection:
        count = connection.scalar(
            text("SELECT count(*) FROM feedback WHERE prediction_id = :id"), {"id": drawn.id}
        )
    assert count == 1


def test_accuracy_counts_each_judged_prediction_once_by_its_latest_feedback(
    log, session_id, prediction, correction
):
    right, wrong, amended, unjudged = (prediction(predicted_label="7") for _ in range(4))
    log.write([right, wrong, amended, unjudged])
    log.write([correction(right, "7"), correction(wrong, "1"), correction(amended, "1")])
    log.write([correction(amended, "7", created_at=datetime.now(UTC) + timedelta(seconds=1))])
    assert log.accuracy(session_id) == Accuracy(judged=3, correct=2)


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


def test_a_refused_record_is_named_and_takes_its_transaction_back(log, session_id, prediction):
    good, bad = prediction(), prediction(confidence=1.5)
    with pytest.raises(
        RecordRejected, match=rf"prediction {bad.id} .*predictions_confidence_range_check"
    ) as e:
        log.write([good, bad])
    assert e.value.record is bad
    assert log.history(session_id) == []


def test_a_refusal_repeats_no_value_neither_in_its_message_nor_in_the_servers_log(
    log, postgres_server, session_id, prediction
):
    bad = prediction(confidence=2.0, pen_colour="colour-of-secrecy")
    with pytest.raises(RecordRejected) as caught:
        log.write([bad])
    server_log = (postgres_server.data_dir / "server.log").read_text()
    assert "predictions_confidence_range_check" in server_log
    for text_of in (str(caught.value), server_log):
        assert session_id not in text_of
        assert "colour-of-secrecy" not in text_of


@pytest.mark.parametrize(
    "values",
    [
        {"predicted_label": "a\x00b"},
        {"session_id": "\ud800"},
        {"probabilities": {"7": float("nan")}},
        {"probabilities": {"a\x00": 1.0}},
        {"probabilities": {"7": object()}},
        {"id": "no uuid"},
        {"drawing": object()},
        {"is_digit": "perhaps"},
        {"label_set": ("a\x00",)},
        {"label_set": 7},
        {"confidence": "much"},
        {"latency_ms": None},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_value_that_its_column_cannot_hold_is_a_refusal_and_not_an_outage(log, prediction, values):
    bad = prediction(**values)
    with pytest.raises(RecordRejected) as caught:
        log.write([bad])
    assert caught.value.record is bad


def test_feedback_without_its_prediction_is_refused(log, prediction, correction):
    with pytest.raises(RecordRejected, match="foreign key"):
        log.write([correction(prediction(), "1")])


def test_connections_to_a_server_that_only_reads_any_more_are_given_up(
    log, engine, session_id, prediction, correction
):
    drawn = prediction()
    log.write([drawn])
    with (
        engine.connect() as connection
    ):  # as the pool's connections to what was the primary before a failover
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        connection.commit()
    with pytest.raises(DatabaseUnavailable, match="read-only transaction"):
        log.write([correction(drawn, "1")])
    log.write([correction(drawn, "1")])
    (row,) = log.history(session_id)
    assert row.true_label == "1"


def test_a_database_without_tables_says_how_to_make_them(postgres_server, session_id, prediction):
    with empty_database(postgres_server.url) as url:
        engine = database.create(url)
        bare = PredictionLog(engine)
        for call in (
            lambda: bare.write([prediction()]),
            lambda: bare.history(session_id),
            lambda: bare.accuracy(session_id),
        ):
            with pytest.raises(DatabaseUnavailable, match=r"python -m db\.migrate"):
                call()
        engine.dispose()


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
