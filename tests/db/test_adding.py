"""Many answers come in one statement, and it is as if each had come alone."""

import uuid

import pytest

from db.log import RecordRejected
from tests.services.postgres import executed

pytestmark = pytest.mark.integration


def changes(done):
    return [one.statement.split()[0] for one in done if one.statement.startswith(("INSERT", "UPDATE"))]


def test_a_hundred_answers_take_a_statement_and_another_for_what_they_replace(log, engine, prediction):
    drawings = [uuid.uuid4() for _ in range(50)]
    answers = [prediction(drawing_id=drawing) for drawing in drawings * 2]
    with executed(engine) as done:
        log.write(answers)
    assert changes(done) == ["INSERT", "UPDATE"]
    assert [row.prediction.id for row in log.history(answers[0].session_id, 200)] == [
        answer.id for answer in reversed(answers[50:])
    ]


def test_more_than_a_hundred_take_a_statement_per_hundred(log, engine, session_id, prediction):
    answers = [prediction() for _ in range(250)]
    with executed(engine) as done:
        log.write(answers)
    assert changes(done) == ["INSERT"] * 3
    assert len(log.history(session_id, 1000)) == 250


def test_the_one_of_a_hundred_that_is_refused_is_named_and_the_others_can_be_written(
    log, session_id, prediction
):
    answers = [prediction() for _ in range(100)]
    answers[60] = prediction(confidence=1.5)
    answers[80] = prediction(predicted_label="a\x00b")
    for bad in (answers[60], answers[80]):
        with pytest.raises(RecordRejected) as refused:
            log.write(answers)
        assert refused.value.record is bad
        assert log.history(session_id) == []
        answers.remove(bad)
    log.write(answers)
    assert len(log.history(session_id, 1000)) == 98


def test_what_was_written_before_and_what_comes_twice_is_written_once_and_replaces_nothing(
    log, session_id, prediction
):
    drawing = uuid.uuid4()
    first, second, third = (prediction(drawing_id=drawing) for _ in range(3))
    other = prediction()
    log.write([first, second])
    log.write([first, second, third, third, other, second, first])
    assert {row.prediction.id for row in log.history(session_id)} == {third.id, other.id}


def test_answers_of_two_sessions_to_drawings_of_one_id_do_not_replace_each_other(log, prediction):
    drawing, theirs = uuid.uuid4(), uuid.uuid4().hex
    mine = [prediction(drawing_id=drawing) for _ in range(2)]
    others = [prediction(drawing_id=drawing, session_id=theirs) for _ in range(2)]
    log.write([mine[0], others[0], mine[1], others[1]])
    for last in (mine[1], others[1]):
        assert [row.prediction.id for row in log.history(last.session_id)] == [last.id]


def test_what_waited_long_on_another_page_does_not_replace_a_newer_answer(log, session_id, prediction):
    drawing = uuid.uuid4()
    late, newer, newest = (prediction(drawing_id=drawing) for _ in range(3))
    log.write([newer])
    log.write([newest])
    log.write([late])
    assert [row.prediction.id for row in log.history(session_id)] == [newest.id]
