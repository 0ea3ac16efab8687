"""A prediction never waits for the database, nor fails with it, and is not lost while it is away."""

import logging
import signal
import time
import uuid
from statistics import median

import psutil
import pytest

from db import embedded, migrate
from db import engine as database
from db.log import DatabaseUnavailable, PredictionLog
from db.records import Accuracy
from db.spool import Spool
from db.writer import Writer
from tests.db.backing_up import wait_until

pytestmark = pytest.mark.integration


def submit_timed(writer, record) -> float:
    """Return how many seconds the writer kept its caller."""
    began = time.perf_counter()
    assert writer.submit(record)
    return time.perf_counter() - began


@pytest.fixture
def writer(log, spool):
    created = Writer(log, spool)
    created.start()
    yield created
    created.stop(timeout_s=1)


@pytest.fixture(scope="module")
def migrated_folder(tmp_path_factory):
    """The folder of a migrated server that does not run now."""
    folder = tmp_path_factory.mktemp("private")
    with embedded.start(folder) as server:
        migrate.upgrade(server.url)
    return folder


@pytest.fixture
def private_server(migrated_folder):
    """A migrated server that a test may stop: its folder, its port, and the running server."""
    server = embedded.start(migrated_folder)
    yield server
    server.stop(clients_timeout_s=0)


@pytest.fixture
def private_log(private_server):
    engine = database.create(private_server.url)
    yield PredictionLog(engine)
    engine.dispose()


def history_ids(log, session_id):
    """Return the ids of the session's predictions, oldest first."""
    return [row.prediction.id for row in reversed(log.history(session_id, limit=1000))]


def test_what_is_submitted_arrives_in_order(writer, log, session_id, prediction, correction):
    drawings = [prediction() for _ in range(250)]
    for drawing in drawings:
        assert writer.submit(drawing)
        assert writer.submit(correction(drawing, "1"))
    wait_until(lambda: writer.written == 500 and not writer.paused)
    assert history_ids(log, session_id) == [drawing.id for drawing in drawings]
    assert log.accuracy(session_id) == Accuracy(judged=250, correct=0)
    assert (writer.written, writer.rejected, writer.dropped, writer.paused) == (500, 0, 0, False)


def test_nothing_waits_or_is_lost_while_the_server_is_stopped(
    private_server, private_log, session_id, prediction, correction, spool
):
    writer = Writer(private_log, spool)
    writer.start()
    before = prediction()
    writer.submit(before)
    wait_until(lambda: writer.written == 1)

    private_server.stop(clients_timeout_s=0)
    during = [prediction() for _ in range(20)]
    typical_s = median(submit_timed(writer, record) for record in during)
    submit_timed(writer, correction(during[0], "1"))
    assert typical_s < 0.005
    wait_until(lambda: writer.paused)
    with pytest.raises(DatabaseUnavailable):
        private_log.history(session_id)
    assert writer.pending == 21

    with embedded.start(private_server.data_dir, private_server.port) as again:
        wait_until(lambda: writer.pending == 0 and not writer.paused)
        after = prediction()
        writer.submit(after)
        wait_until(lambda: writer.written == 23)
        assert history_ids(private_log, session_id) == [r.id for r in (before, *during, after)]
        assert private_log.accuracy(session_id) == Accuracy(judged=1, correct=0)
        assert (writer.written, writer.rejected, writer.dropped) == (23, 0, 0)
        assert writer.stop(timeout_s=5) == 0
        again.stop(clients_timeout_s=0)


def test_nothing_is_lost_or_doubled_when_the_server_is_killed_under_load(
    private_server, private_log, session_id, prediction, correction, spool
):
    writer = Writer(private_log, spool)
    writer.start()
    drawings = [prediction() for _ in range(300)]
    for number, drawing in enumerate(drawings):
        writer.submit(drawing)
        writer.submit(correction(drawing, "7"))
        if number == 150:
            private_server.process.kill()
    private_server.stop(clients_timeout_s=0)
    with embedded.start(private_server.data_dir, private_server.port) as again:
        wait_until(lambda: writer.pending == 0)
        assert history_ids(private_log, session_id) == [drawing.id for drawing in drawings]
        assert private_log.accuracy(session_id) == Accuracy(judged=300, correct=300)
        assert writer.stop(timeout_s=5) == 0
        again.stop(clients_timeout_s=0)


def test_a_server_that_freezes_counts_as_away(private_server, session_id, prediction, monkeypatch, spool):
    monkeypatch.setattr("db.deadline.CONNECT_TIMEOUT_S", 0.3)
    monkeypatch.setattr("db.engine.GRACE_S", 0.2)
    engine = database.create(private_server.url, statement_timeout_ms=200)
    private_log = PredictionLog(engine)
    writer = Writer(private_log, spool)
    writer.start()
    writer.submit(prediction())
    wait_until(lambda: writer.written == 1)
    postmaster = psutil.Process(private_server.process.pid)
    frozen = [postmaster, *postmaster.children(recursive=True)]
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    try:
        assert median(submit_timed(writer, prediction()) for _ in range(5)) < 0.1
        wait_until(lambda: writer.paused)
        with pytest.raises(DatabaseUnavailable, match="did not"):
            private_log.history(session_id)
    finally:
        for process in frozen:
            process.send_signal(signal.SIGCONT)
    wait_until(lambda: writer.pending == 0)
    monkeypatch.undo()
    with database.opened(private_server.url) as patient:
        assert len(PredictionLog(patient).history(session_id)) == 6
    writer.stop(timeout_s=1)
    engine.dispose()


def test_refused_records_are_logged_counted_and_hold_up_nothing(
    writer, log, session_id, prediction, correction, caplog
):
    good = [prediction() for _ in range(3)]
    refused = prediction(confidence=7.0)
    with caplog.at_level(logging.ERROR, logger="db.writer"):
        for record in (good[0], refused, correction(refused, "1"), good[1], prediction(drawing=b""), good[2]):
            writer.submit(record)
        wait_until(lambda: writer.written == 3 and writer.pending == 0)
    assert history_ids(log, session_id) == [record.id for record in good]
    assert (writer.written, writer.rejected, writer.paused) == (3, 3, False)
    # The correction stays with its prediction, for an operator who has both tried again.
    assert writer.spool.aside == 3
    assert f"prediction {refused.id} was refused" in caplog.text
    assert "predictions_confidence_range_check" in caplog.text


def test_a_full_queue_turns_records_away_counts_and_logs_them(log, session_id, prediction, caplog, tmp_path):
    writer = Writer(log, Spool(tmp_path / "records-1.sqlite", max_records=2))
    kept, turned_away = [prediction(), prediction()], prediction()
    assert [writer.submit(record) for record in (*kept, turned_away)] == [True, True, False]
    assert (writer.pending, writer.dropped) == (2, 1)
    assert 0 < writer.oldest_s < 60
    assert 0 < writer.dropped_ago_s < 60
    assert f"prediction {turned_away.id} was not recorded: too many records are waiting" in caplog.text
    writer.start()
    assert writer.stop(timeout_s=5) == 0
    assert writer.oldest_s == 0
    assert history_ids(log, session_id) == [record.id for record in kept]


def test_the_queue_is_bounded_in_bytes_too(log, prediction, tmp_path):
    writer = Writer(log, Spool(tmp_path / "records-1.sqlite", max_bytes=1_000_000))
    assert writer.submit(prediction(drawing=b"x" * 600_000))
    assert not writer.submit(prediction(drawing=b"x" * 600_000))
    assert writer.submit(prediction())
    writer.start()
    assert writer.stop(timeout_s=5) == 0
    assert writer.written == 2


def test_stop_writes_what_still_waits(log, session_id, prediction, spool):
    writer = Writer(log, spool)
    records = [prediction() for _ in range(300)]
    for record in records:
        writer.submit(record)
    writer.start()
    assert writer.stop(timeout_s=10) == 0
    assert history_ids(log, session_id) == [record.id for record in records]


def test_stop_gives_up_in_time_and_tells_what_waits(prediction, caplog, spool):
    engine = database.create("postgresql://u@127.0.0.1:1/nowhere")
    writer = Writer(PredictionLog(engine), spool)
    writer.start()
    writer.submit(prediction())
    wait_until(lambda: writer.paused)
    began = time.monotonic()
    assert writer.stop(timeout_s=0.5) == 1
    assert time.monotonic() - began < 1.5
    assert "left 1 records in " in caplog.text
    assert not writer.submit(prediction())


def test_nothing_is_taken_after_stop(writer, log, prediction):
    assert writer.stop(timeout_s=5) == 0
    assert not writer.submit(prediction())
    assert writer.dropped == 1


def test_a_defect_does_not_end_the_writer(log, session_id, prediction, monkeypatch, caplog, spool):
    monkeypatch.setattr("db.writer.LAST_RETRY_S", 0.05)
    failures = [RuntimeError("a defect")]
    write = log.write

    def failing_once(records):
        if failures:
            raise failures.pop()
        write(records)

    monkeypatch.setattr(log, "write", failing_once)
    writer = Writer(log, spool)
    writer.start()
    record = prediction(id=uuid.uuid4())
    writer.submit(record)
    wait_until(lambda: writer.written == 1)
    assert "RuntimeError: a defect" in caplog.text
    assert history_ids(log, session_id) == [record.id]
    writer.stop(timeout_s=1)
