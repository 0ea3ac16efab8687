"""What the history finds: filters, pages that stay where they are, counts, and all answers to one drawing."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from db.drawings import Filter, Known
from db.records import Feedback

pytestmark = pytest.mark.integration


def labels(rows):
    return [row.prediction.predicted_label for row in rows]


def test_filters_find_wrong_doubted_and_unjudged_ones(log, drawings, session_id, prediction, correction):
    start = datetime.now(UTC)
    names = ("right", "wrong", "taken back", "refused", "several", "no digit", "other")
    changes = {"refused": {"is_digit": False}, "several": {"label_set": ("several", "1")}}
    changes["other"] = {"model_name": "digits-vit"}
    made = {
        name: prediction(
            predicted_label=name, created_at=start + timedelta(seconds=at), **changes.get(name, {})
        )
        for at, name in enumerate(names)
    }
    said = [correction(made["right"], "right"), correction(made["wrong"], "8")]
    said += [correction(made["taken back"], "8"), correction(made["taken back"], None, kind="taken_back")]
    said += [correction(made["no digit"], None, kind="not_a_digit")]
    log.write([*made.values(), *said])
    cases = {
        Filter(session_id): list(reversed(names)),
        Filter(session_id, show="wrong"): ["no digit", "wrong"],
        Filter(session_id, show="doubted"): ["several", "refused"],
        Filter(session_id, show="open"): ["other", "several", "refused", "taken back"],
        Filter(session_id, label="wrong"): ["wrong"],
        Filter(session_id, true_label="8"): ["wrong"],
        Filter(session_id, label="right", true_label="8"): [],
        Filter(session_id, model=("digits-vit", "1.0.0")): ["other"],
        Filter(session_id, since=start + timedelta(seconds=5)): ["other", "no digit"],
        Filter(uuid.uuid4().hex): [],
    }
    for wanted, found in cases.items():
        assert labels(drawings.page(wanted, 50)) == found, wanted
        assert drawings.count(wanted) == len(found), wanted
    everybodys = Filter(None, label="several", since=start)
    assert labels(drawings.page(everybodys, 50)) == ["several"]
    assert drawings.known(session_id) == Known(
        tuple(sorted(names)), (("digits", "1.0.0"), ("digits-vit", "1.0.0"))
    )


def test_pages_follow_each_other_though_new_ones_come_and_times_are_equal(
    log, drawings, session_id, prediction
):
    at = datetime.now(UTC)
    made = [prediction(created_at=at) for _ in range(7)]
    log.write(made)
    first = drawings.page(Filter(session_id), 3)
    log.write([prediction(created_at=at + timedelta(seconds=1))])
    found, last = list(first), first
    while last:
        end = last[-1].prediction
        last = drawings.page(Filter(session_id), 3, (end.created_at, end.id))
        found += last
    assert [row.prediction.id for row in found] == sorted((one.id for one in made), reverse=True)


def test_a_replaced_answer_is_in_no_list_but_among_the_answers_to_its_drawing(
    log, drawings, session_id, prediction
):
    drawing_id, start = uuid.uuid4(), datetime.now(UTC)
    made = [
        prediction(drawing_id=drawing_id, created_at=start + timedelta(seconds=at), predicted_label=str(at))
        for at in range(3)
    ]
    log.write(made)
    (row,) = drawings.page(Filter(session_id), 50)
    assert (row.prediction.id, drawings.count(Filter(session_id))) == (made[2].id, 1)
    assert labels(drawings.answers(row)) == ["0", "1", "2"]
    assert drawings.find(made[0].id, session_id).prediction == made[0].summary
    assert labels(drawings.answers(drawings.find(made[0].id, session_id))) == ["0", "1", "2"]


def test_a_drawing_is_found_by_its_session_or_by_who_may_see_all(log, drawings, session_id, prediction):
    log.write([one := prediction()])
    assert drawings.find(one.id, None) == drawings.find(one.id, session_id)
    assert drawings.drawing(one.id, None) == drawings.drawing(one.id, session_id) == one.drawing
    somebody = uuid.uuid4().hex
    assert (drawings.find(one.id, somebody), drawings.drawing(one.id, somebody)) == (None, None)


def test_whoever_writes_feedback_the_prediction_says_the_same(log, engine, drawings, prediction):
    """An earlier version of the page may still write while a new one reads."""
    log.write([one := prediction()])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO feedback (prediction_id, true_label, created_at, session_id) "
            "VALUES (%s, '3', now(), 'somebody')",
            (str(one.id),),
        )
    assert drawings.find(one.id, None).true_label == "3"
    said = Feedback(one.id, "4", datetime.now(UTC), "somebody else")
    log.write([said])
    log.write([said])
    assert drawings.find(one.id, None).true_label == "4"


def test_a_set_that_is_larger_than_an_entry_of_an_index_is_kept(log, drawings, prediction):
    labels = tuple(f"{number} {random.Random(number).randbytes(60).hex()}" for number in range(100))
    log.write([large := prediction(label_set=labels)])
    assert [row.prediction.id for row in drawings.page(Filter(large.session_id, "doubted"), 10)] == [large.id]
