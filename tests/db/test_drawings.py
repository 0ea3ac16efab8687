"""Several answers to one drawing: the last one counts, unless an earlier one was judged."""

import uuid

import pytest

from db.log import RecordRejected
from db.records import Accuracy, Deletion, Feedback, Superseded

pytestmark = pytest.mark.integration


@pytest.fixture
def answers(prediction):
    """Return answers to one drawing, in their order."""

    def make(count, **values):
        drawing_id = uuid.uuid4()
        return [prediction(drawing_id=drawing_id, **values) for _ in range(count)]

    return make


def shown(log, of):
    return [(row.prediction.id, row.true_label, row.is_no_digit) for row in log.history(of.session_id)]


def test_only_the_last_answer_to_a_drawing_is_in_the_history(log, drawings, answers):
    first, second, third = answers(3)
    log.write([first, second])
    log.write([third, first, second])  # as after a crash: what was written before changes nothing
    assert shown(log, third) == [(third.id, None, False)]
    assert drawings.find(first.id, first.session_id).prediction == first.summary


def test_answers_of_an_unknown_drawing_all_count(log, prediction):
    log.write([one := prediction(), other := prediction()])
    assert {row[0] for row in shown(log, one)} == {one.id, other.id}


def test_a_judged_answer_is_not_superseded(log, answers, correction):
    judged, later = answers(2)
    log.write([judged, correction(judged, "1"), later])
    assert sorted(shown(log, later)) == sorted([(judged.id, "1", False), (later.id, None, False)])


def test_an_answer_that_is_judged_late_counts_again(log, answers, correction):
    first, second = answers(2, predicted_label="1")
    log.write([first, second, correction(first, "1")])
    assert {row[0] for row in shown(log, first)} == {first.id, second.id}
    assert log.accuracy(first.session_id) == Accuracy(judged=1, correct=1)


def test_nobody_supersedes_the_drawings_of_another_session(log, answers, prediction):
    (mine,) = answers(1)
    log.write([mine, prediction(drawing_id=mine.drawing_id, session_id="e" * 32)])
    assert shown(log, mine) == [(mine.id, None, False)]


def test_deleting_a_drawing_deletes_all_answers_to_it(log, drawings, answers, prediction):
    first, second = answers(2)
    others = prediction(drawing_id=second.drawing_id, session_id=uuid.uuid4().hex)
    log.write([first, second, others, other := prediction()])
    log.write([Deletion(second.session_id, second.created_at, second.id)])
    assert drawings.find(first.id, first.session_id) is None
    assert shown(log, other) == [(other.id, None, False)]
    assert shown(log, others) == [(others.id, None, False)]


def test_what_is_no_digit_was_answered_right_where_it_was_doubted(log, prediction, correction):
    doubted, believed = prediction(is_digit=False), prediction(is_digit=True)
    said = [correction(one, None, kind="not_a_digit") for one in (doubted, believed)]
    log.write([doubted, believed, *said, *said])
    assert sorted(shown(log, doubted)) == sorted([(doubted.id, None, True), (believed.id, None, True)])
    assert log.accuracy(doubted.session_id) == Accuracy(judged=2, correct=1)


def test_what_is_taken_back_counts_as_not_judged(log, prediction, correction):
    log.write([one := prediction(), correction(one, "1"), correction(one, None, kind="taken_back")])
    assert shown(log, one) == [(one.id, None, False)]
    assert log.accuracy(one.session_id) == Accuracy(judged=0, correct=0)


def test_what_is_taken_back_can_be_superseded_in_the_same_transaction_too(log, answers, correction):
    named, replaced, later = *answers(1), *answers(2)
    said = [correction(one, "1") for one in (named, replaced)]
    back = [correction(one, None, kind="taken_back") for one in (named, replaced)]
    log.write(
        [named, replaced, *said, *back, later, Superseded(named.session_id, named.created_at, (named.id,))]
    )
    assert shown(log, later) == [(later.id, None, False)]


def test_what_was_replaced_and_judged_counts_no_longer_once_that_is_taken_back(log, answers, correction):
    judged_before, later = answers(2)
    replaced, judged_late = answers(2)[::-1]
    log.write([judged_before, correction(judged_before, "1"), later])
    log.write([judged_late, replaced, correction(judged_late, "1"), correction(judged_late, "4")])
    assert {row[0] for row in shown(log, later)} == {
        answer.id for answer in (judged_before, later, judged_late, replaced)
    }
    log.write([correction(one, None, kind="taken_back") for one in (judged_before, judged_late)])
    assert {row[0] for row in shown(log, later)} == {later.id, replaced.id}
    log.write([correction(judged_before, "7")])
    assert {row[0] for row in shown(log, later)} == {judged_before.id, later.id, replaced.id}


def test_what_was_superseded_by_name_counts_no_longer_once_that_is_taken_back(
    log, drawings, prediction, correction
):
    log.write([one := prediction(), other := prediction(), correction(one, "1")])
    log.write([Superseded(one.session_id, one.created_at, (one.id,))])
    assert {row[0] for row in shown(log, one)} == {one.id, other.id}
    log.write([correction(one, None, kind="taken_back")])
    assert shown(log, one) == [(other.id, None, False)]
    assert drawings.find(one.id, one.session_id).is_replaced


def test_the_last_answer_counts_whatever_was_said_and_taken_back(log, drawings, answers, correction):
    _, last = made = answers(2)
    log.write([*made, correction(last, "1"), correction(last, None, kind="taken_back")])
    assert shown(log, last) == [(last.id, None, False)]
    assert not drawings.find(last.id, last.session_id).is_replaced


@pytest.mark.parametrize(("kind", "label"), [("label", None), ("not_a_digit", "1"), ("taken_back", "1")])
def test_a_label_is_said_by_the_kind_label_alone(log, prediction, kind, label):
    log.write([one := prediction()])
    with pytest.raises(RecordRejected, match="feedback_label_of_kind_check"):
        log.write([Feedback(one.id, label, one.created_at, one.session_id, kind)])


def test_an_unknown_kind_is_refused(log, prediction):
    log.write([one := prediction()])
    with pytest.raises(RecordRejected, match="feedback_kind_known_check"):
        log.write([Feedback(one.id, None, one.created_at, one.session_id, "shrug")])


def test_what_is_superseded_by_name_counts_no_longer_unless_it_was_judged_or_is_another_session_s(
    log, prediction
):
    gone, judged, stays, other = (prediction() for _ in range(4))
    log.write([gone, judged, stays, other])
    log.write([Feedback(judged.id, "4", judged.created_at, judged.session_id)])
    named = (gone.id, judged.id)
    log.write([Superseded(gone.session_id, gone.created_at, named)] * 2)
    log.write([Superseded("somebody else", gone.created_at, (stays.id,))])
    counting = {row[0] for row in shown(log, gone)}
    assert counting == {judged.id, stays.id, other.id}
