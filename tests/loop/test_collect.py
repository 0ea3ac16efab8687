"""Collecting writes examples and reviews in one transaction, and the same again when it is repeated."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from db import loop_runs, reviews
from db.candidates import newest
from db.log import PredictionLog
from db.loop_runs import LostError
from db.records import Feedback
from loop import collect as collecting
from loop.collect import collect
from tests.loop.drawn import draw, examples_of, log, queued, run
from tests.loop.judging import OF_THE_GATE, OF_TRAINING, sure, unsure

pytestmark = pytest.mark.integration
__all__ = ["draw", "log", "run"]


def test_what_counts_is_taken_with_its_numbers(database, draw, run):
    sevens = [draw(session, unsure("4", "7"), "7") for session in OF_TRAINING[:12]]
    held_out = draw(OF_THE_GATE[0], unsure("4", "7"), "7")
    nothing = draw(OF_TRAINING[12], {**unsure("4", "7"), "4": 0.6}, kind="not_a_digit")
    odd = draw(OF_TRAINING[13], sure("3"), "8")
    taken_back = draw(OF_TRAINING[14], unsure("4", "7"), "7")
    outcome_of = run()
    PredictionLog(database).write(
        [Feedback(taken_back.id, None, outcome_of.created_at, OF_TRAINING[14], "taken_back")]
    )
    outcome = collect(outcome_of, database)
    assert outcome.state == "done"
    assert set(examples_of(database, outcome_of)) == {
        *((one.id, "train", "7") for one in sevens),
        (held_out.id, "gate", "7"),
        (nothing.id, "train", None),
    }
    assert len(outcome.numbers.pop("examples")) == 64
    assert outcome.numbers == {
        "judged": 15,
        "train": 13,
        "gate": 1,
        "new": {"train": 12, "gate": 1},
        "left_out": {"improbable": 1},
        "labels": {"train": {"7": 12, "not a digit": 1}, "gate": {"7": 1}},
        "reviews": {"improbable": 1, "informative": 15},
        "sessions": {"all": 15, "proven": 0, "untrusted": 1},
    }
    assert (
        outcome.reason
        == "of 15 judged drawings, 12 are for training and 1 for the gate; 12 and 1 of these are new"
    )
    assert queued(database, outcome_of.model_name)[0] == (odd.id, "improbable")


def test_it_is_the_same_when_it_is_done_again_whatever_was_judged_meanwhile(database, draw, run):
    drawn = [draw(session, unsure("4", "7"), "7") for session in OF_TRAINING[:12]]
    begun = run()
    first, examples = collect(begun, database), examples_of(database, begun)
    late = draw(OF_TRAINING[20], unsure("4", "7"), "7")
    again = collect(begun, database)
    assert (again, examples_of(database, begun)) == (first, examples)
    assert {one for one, *_ in examples} == {one.id for one in drawn}
    assert late.id not in {one for one, _ in queued(database, begun.model_name)}


def test_a_network_is_bounded_in_each_run_whatever_is_forgotten_of_it(database, draw, run, log):
    network, kinds = bytes(16), [(read_as, label) for read_as in "01234" for label in "789"]
    for session in OF_TRAINING[:3]:
        for read_as, label in kinds:
            draw(session, unsure(read_as, label), label, said={"network": network})
    first = run()
    taken = []
    for _ in range(2):  # also where the step is done again
        collect(first, database)
        taken.append(examples_of(database, first))
    assert taken[0] == taken[1]
    assert len(taken[0]) == 20
    end(database, first)
    assert log.forget_networks(1000) == 20
    # As many again, and those of the run before, since no version has learnt them.
    second = run()
    assert collect(second, database).numbers["train"] == 40
    assert {one for one, *_ in taken[0]} < {one for one, *_ in examples_of(database, second)}


def test_what_was_said_a_month_ago_is_bounded_as_if_it_came_from_one_network(database, draw, run, log):
    kinds = [(read_as, label) for read_as in "01234" for label in "789"]
    ago = {"created_at": datetime.now(UTC) - timedelta(days=31, seconds=9)}
    for number, session in enumerate(OF_TRAINING[:2]):
        for read_as, label in kinds:
            draw(session, unsure(read_as, label), label, said={**ago, "network": bytes([number] * 16)})
    signed_in = [draw("user:0", unsure(*kind), kind[1], said=ago) for kind in kinds]
    begun = run()
    collect(begun, database)
    examples = {one for one, *_ in examples_of(database, begun)}
    assert len(examples - {one.id for one in signed_in}) == 20
    assert {one.id for one in signed_in} < examples
    # The page has forgotten it by now, which changes nothing.
    assert log.forget_networks(1000) == 30
    collect(begun, database)
    assert {one for one, *_ in examples_of(database, begun)} == examples


def end(database, run):
    with database.begin() as connection:
        connection.execute(
            text("UPDATE loop_runs SET state = 'refused', ended_at = now() WHERE id = :id"), {"id": run.id}
        )


def test_what_is_judged_again_taken_back_or_replaced_meanwhile_is_what_it_was(database, draw, run, log):
    drawing_id = uuid.uuid4()
    drawn = [draw(session, unsure("4", "7"), "7") for session in OF_TRAINING[:12]]
    drawn.append(draw(OF_TRAINING[12], unsure("4", "7"), "7", drawing_id=drawing_id))
    begun = run()
    first, examples = collect(begun, database), examples_of(database, begun)
    now = datetime.now(UTC)
    log.write([Feedback(drawn[0].id, "9", now, OF_TRAINING[0])])
    log.write([Feedback(drawn[1].id, None, now, OF_TRAINING[1], "taken_back")])
    draw(OF_TRAINING[12], unsure("4", "7"), drawing_id=drawing_id)
    log.write([Feedback(drawn[-1].id, None, now, OF_TRAINING[12], "taken_back")])
    assert (collect(begun, database), examples_of(database, begun)) == (first, examples)
    assert set(examples) == {(one.id, "train", "7") for one in drawn}


def test_replay_takes_the_newest_drawings_of_the_time_when_the_run_began(database, draw, run, log):
    drawing_id = uuid.uuid4()
    judged = draw(OF_TRAINING[0], unsure("4", "7"), "7")
    draw(OF_TRAINING[1], unsure("4", "7"), drawing_id=drawing_id)  # which the next one replaces
    last = draw(OF_TRAINING[1], unsure("4", "7"), drawing_id=drawing_id)
    begun = run()
    expected = [(str(last.id), last.drawing, None), (str(judged.id), judged.drawing, "7")]

    def replayed():
        return newest(database, begun.model_name, 9, begun.created_at)

    assert replayed() == expected
    log.write([Feedback(judged.id, "9", datetime.now(UTC), OF_TRAINING[0])])
    log.write([Feedback(last.id, "4", datetime.now(UTC), OF_TRAINING[1])])
    assert replayed() == expected, "whatever was said since"
    log.write([Feedback(last.id, None, datetime.now(UTC), OF_TRAINING[1], "taken_back")])
    draw(OF_TRAINING[1], unsure("4", "7"), drawing_id=drawing_id)
    draw(OF_TRAINING[2], unsure("4", "7"), "7")
    assert replayed() == expected, "whatever was drawn since"


def test_the_latest_judgement_counts_and_answers_that_were_replaced_do_not(database, draw, run, log):
    drawing_id = uuid.uuid4()
    corrected = draw(OF_TRAINING[0], unsure("4", "7"), "9")
    log.write([Feedback(corrected.id, "7", datetime.now(UTC), OF_TRAINING[0])])
    draw(OF_TRAINING[1], unsure("4", "7"), drawing_id=drawing_id)
    last = draw(OF_TRAINING[1], unsure("4", "7"), "7", drawing_id=drawing_id)
    begun = run()
    assert collect(begun, database).numbers["judged"] == 2
    assert set(examples_of(database, begun)) == {(corrected.id, "train", "7"), (last.id, "train", "7")}


def test_what_an_operator_decides_trains_in_the_next_run_and_leaves_the_queue(database, draw, run):
    odd = draw(OF_TRAINING[0], sure("4"), "7")
    nobody = draw(OF_TRAINING[1], unsure("4", "7", 0.45))
    begun = run()
    collect(begun, database)
    assert {one for one, _ in queued(database, begun.model_name)} == {odd.id, nobody.id}
    assert reviews.decide(database, odd.id, "label", "7", "user:1")
    assert reviews.decide(database, nobody.id, "label", "4", "user:1")
    loop_runs.finish(database, begun, loop_runs.Outcome("refused", {}, "too few"))
    following = run()
    collect(following, database)
    assert set(examples_of(database, following)) == {(odd.id, "train", "7"), (nobody.id, "train", "4")}
    assert queued(database, begun.model_name) == []


def test_an_operators_own_judgement_is_gold_and_a_visitors_is_not(database, draw, run, log):
    draw(OF_TRAINING[0], sure("4"), "7")
    with database.begin() as connection:
        add = """INSERT INTO users (name, role, password_hash) VALUES (:name, :role, 'x') RETURNING id"""
        users = {
            role: connection.scalar(text(add), {"name": uuid.uuid4().hex, "role": role})
            for role in ("operator", "visitor")
        }
    by_operator = draw(OF_TRAINING[1], sure("4"), "7", said_by=f"user:{users['operator']}")
    without_id = draw(OF_TRAINING[2], sure("4"), "7", said_by="operator")
    draw(OF_TRAINING[3], sure("4"), "7", said_by=f"user:{users['visitor']}")
    withdrawn = draw(OF_TRAINING[4], unsure("4", "9"), "7", said_by="operator")
    # Whoever is contradicted says it again.
    for one, session in zip((by_operator, without_id, withdrawn), OF_TRAINING[1:], strict=False):
        log.write([Feedback(one.id, "9", datetime.now(UTC), session)])
    log.write([Feedback(withdrawn.id, None, datetime.now(UTC), "operator", "taken_back")])
    log.write([Feedback(withdrawn.id, "9", datetime.now(UTC), OF_TRAINING[4])])
    begun = run()
    sessions = collect(begun, database).numbers["sessions"]
    # Two of them said what is improbable, and two what an operator contradicts.
    assert (sessions["all"], sessions["untrusted"]) == (5, 4)
    assert set(examples_of(database, begun)) == {
        (by_operator.id, "train", "7"),
        (without_id.id, "train", "7"),
        (withdrawn.id, "train", "9"),
    }


def test_another_models_drawings_are_not_taken_and_its_queue_stays(database, draw, run, log, model_name):
    other = f"other-{model_name}"
    draw(OF_TRAINING[0], sure("4"), "7")
    begun = run()
    collect(begun, database)
    theirs = loop_runs.begin(database, other, ["collect"], "a test", {})
    assert collect(theirs, database).numbers["judged"] == 0
    assert len(queued(database, model_name)) == 1


def test_what_is_deleted_while_it_is_collected_is_left_out(database, draw, run, monkeypatch):
    kept, gone = (draw(session, unsure("4", "7"), "7") for session in OF_TRAINING[:2])
    choose = collecting.choose

    def and_delete(*given, **named):
        with database.begin() as connection:
            connection.execute(text("DELETE FROM predictions WHERE id = :id"), {"id": gone.id})
        return choose(*given, **named)

    monkeypatch.setattr(collecting, "choose", and_delete)
    begun = run()
    assert collect(begun, database).numbers["train"] == 1
    assert [one for one, *_ in examples_of(database, begun)] == [kept.id]


def test_who_is_no_longer_the_runs_writes_nothing(database, draw, run):
    draw(OF_TRAINING[0], unsure("4", "7"), "7")
    slow = run()
    with pytest.raises(LostError):
        collect(replace(slow, attempt=slow.attempt - 1), database)
    assert examples_of(database, slow) == []


def test_all_or_nothing_is_written(database, draw, run, monkeypatch):
    draw(OF_TRAINING[0], unsure("4", "7"), "7")
    begun = run()

    def broken(*_):
        raise RuntimeError("killed between the two")

    monkeypatch.setattr(collecting.reviews, "put", broken)
    with pytest.raises(RuntimeError):
        collect(begun, database)
    assert examples_of(database, begun) == []
