"""What is written to the prediction log comes back from it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from db import engine as database
from db.log import DatabaseUnavailable, PredictionLog, RecordRejected
from db.records import Accuracy, HistoryRow
from tests.services.postgres import empty_database

pytestmark = pytest.mark.integration


def test_a_prediction_comes_back_exactly_as_it_was_written(log, drawings, session_id, prediction):
    written = prediction(
        drawing=bytes(range(256)), thumbnail=bytes(99), pen_colour="rebeccapurple", predicted_label="é"
    )
    log.write([written])
    (row,) = log.history(session_id)
    assert row == drawings.find(written.id, session_id) == HistoryRow(written.summary, None)
    assert drawings.drawing(written.id, session_id) == written.drawing


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
