"""Collecting writes examples and reviews in one transaction, and the same again when it is repeated."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from db import loop_runs, reviews
from db.candidates import Version, newest, put_version
from db.log import PredictionLog
from db.loop_runs import LostError
from db.records import Feedback, Prediction
from db.verdicts import VerdictRow, put_verdict
from loop import collect as collecting
from loop.candidate import commit
from loop.collect import collect
from loop.places import Places
from tests.loop.judging import OF_THE_GATE, OF_TRAINING, sure, unsure
from tests.loop.test_places import put_archive
from training.archive.contents import sha256

pytestmark = pytest.mark.integration


@pytest.fixture
def log(database):
    return PredictionLog(database)


@pytest.fixture
def draw(log, model_name):
    """A function that has a session draw something, and judge it where a label is given."""

    def draw(session_id, probabilities, label="", *, kind="label", said_by=None, said=None, **values):
        best = max(probabilities, key=lambda name: probabilities[name])
        drawn = Prediction(
            id=uuid.uuid4(),
            created_at=datetime.now(UTC),
            session_id=session_id,
            source="sketchpad",
            model_name=model_name,
            model_version="1.0.0",
            preprocessing="a1b2c3d4",
            predicted_label=best,
            confidence=probabilities[best],
            probabilities=probabilities,
            latency_ms=1.0,
            request_id="a test's",
            pen_colour=None,
            background_colour=None,
            is_digit=True,
            **{"drawing": uuid.uuid4().bytes, **values},
        )
        log.write([drawn])
        if label or kind != "label":
            said = {"created_at": datetime.now(UTC), "kind": kind, **(said or {})}
            log.write([Feedback(drawn.id, label or None, session_id=said_by or session_id, **said)])
        return drawn

    return draw


@pytest.fixture
def run(database, model_name):
    """A function that begins a run of the model, whose step "collect" is this test's."""
    return lambda: loop_runs.begin(database, model_name, ["collect", "train"], "a test", {})


def rows(database, query, **values):
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def examples_of(database, run):
    query = "SELECT prediction_id, part, label FROM examples WHERE run_id = :run_id ORDER BY picture_sha256"
    return rows(database, query, run_id=run.id)


def queued(database, model_name):
    query = """
        SELECT r.prediction_id, why FROM reviews r JOIN predictions p ON p.id = r.prediction_id
        WHERE model_name = :name AND decision IS NULL ORDER BY priority DESC, r.prediction_id
    """
    return rows(database, query, name=model_name)


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
        "new": {"train": 13, "gate": 1},
        "left_out": {"improbable": 1},
        "labels": {"train": {"7": 12, "not a digit": 1}, "gate": {"7": 1}},
        "reviews": {"improbable": 1, "informative": 15},
        "sessions": {"all": 15, "proven": 0, "untrusted": 1},
    }
    assert (
        outcome.reason == "of 15 judged drawings 13 train and 1 measure, 13 and 1 of them for the first time"
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


def test_while_a_version_is_on_trial_no_candidate_is_made_but_the_queue_is_there(
    database, draw, run, model_name
):
    for session in OF_TRAINING[:12]:
        draw(session, unsure("4", "7"), "7")
    serve = """
        INSERT INTO serving (model_name, model_version, candidate_version, candidate_share, reason)
        VALUES (:name, '1.0.0', '1.1.0', 5, 'it is tried')
    """
    promote = """
        UPDATE serving SET model_version = '1.1.0', previous_version = '1.0.0', candidate_version = NULL,
               candidate_share = 0, changed_at = now() - make_interval(hours => :hours)
        WHERE model_name = :name
    """
    begun = run()
    with database.begin() as connection:
        connection.execute(text(serve), {"name": model_name})
    outcome = collect(begun, database)
    assert (outcome.state, outcome.numbers["outcome"]) == ("refused", "not_enough_evidence")
    assert "1.1.0 is tried on 5 % of sessions: the next version waits" in outcome.reason
    assert len(queued(database, model_name)) == 12
    for hours, state in ((1, "refused"), (25, "done")):
        with database.begin() as connection:
            connection.execute(text(promote), {"name": model_name, "hours": hours})
        assert collect(begun, database).state == state


def test_too_few_new_ones_are_not_enough_evidence_but_the_queue_is_there(database, draw, run):
    odd = draw(OF_TRAINING[0], sure("3"), "8")
    begun = run()
    outcome = collect(begun, database)
    assert (outcome.state, outcome.numbers["outcome"]) == ("refused", "not_enough_evidence")
    assert outcome.reason.endswith("0 that train are new, at least 10 are needed")
    assert queued(database, begun.model_name)[0] == (odd.id, "improbable")


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


def test_an_operators_own_judgement_is_gold_and_a_visitors_is_not(database, draw, run):
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
    begun = run()
    collect(begun, database)
    assert {one for one, *_ in examples_of(database, begun)} == {by_operator.id, without_id.id}


def test_what_a_version_that_was_tried_learnt_is_not_new_and_what_others_took_is(
    database, draw, run, model_name
):
    for session in OF_TRAINING[:12]:
        draw(session, unsure("4", "7"), "7")
    add = """
        INSERT INTO model_versions (model_name, model_version, archive_sha256, archive, run_id, made_of)
        VALUES (:name, :version, repeat('0', 64), 'x.mar', :run_id, '{}')
    """
    judge = """
        INSERT INTO verdicts (model_name, model_version, champion_version, outcome, checks, reason)
        VALUES (:name, :version, '1.0.0', :outcome, '[]', 'so it is')
    """
    look = """
        INSERT INTO looks (model_name, model_version, share, outcome, reason)
        VALUES (:name, :version, 5, 'held', 'it is tried')
    """
    for version, outcome, new, is_tried in (
        ("1.1.0", "refused", 12, False),
        ("1.2.0", "passed", 12, False),
        ("1.3.0", "passed", 12, True),
        ("1.4.0", "refused", 0, False),
    ):
        begun = run()
        assert collect(begun, database).numbers["new"]["train"] == new
        with database.begin() as connection:
            told = {"name": model_name, "version": version, "run_id": begun.id, "outcome": outcome}
            connection.execute(text(add), told)
            connection.execute(text(judge), told)
            if is_tried:
                connection.execute(text(look), told)
        loop_runs.finish(database, begun, loop_runs.Outcome("refused", {}, outcome))


def test_what_did_not_pass_is_not_made_again_of_the_same_drawings_and_the_same_champion(
    database, draw, run, log, model_name, tmp_path
):
    weights = tmp_path / "some.safetensors"
    weights.write_bytes(b"weights")
    places = Places(tmp_path, tmp_path / "runs", tmp_path / "data", tmp_path / "known")
    put_archive(places, model_name, "1.0.0", f"{model_name}.mar", weights)
    for session in OF_TRAINING[:12]:
        draw(session, unsure("4", "7"), "7")

    def judged(version, outcome):
        """Let a run make and judge a version; return how a run after it collects."""
        begun = run()
        loop_runs.finish(database, begun, collect(begun, database, places))
        begun = loop_runs.claim(database, begun)
        champion = {"version": "1.0.0", "weights_sha256": sha256(weights)}
        made_of = {"version": version, "champion": champion, "commit": commit()}
        put_version(database, begun, Version(model_name, version, "x.mar", "0" * 64, begun.id, made_of))
        put_verdict(database, begun, version, VerdictRow("1.0.0", outcome, [], "so it is"))
        loop_runs.finish(database, begun, loop_runs.Outcome("refused", {}, outcome))
        return again()

    def again():
        following = run()
        found = collect(following, database, places)
        loop_runs.finish(database, following, loop_runs.Outcome("refused", {}, "looked"))
        return found

    same = judged("1.1.0", "refused")
    assert (same.state, same.numbers["outcome"]) == ("refused", "not_enough_evidence")
    assert same.reason.endswith("was made and judged with, which was refused: nothing is new since")
    assert again() == same
    measured = draw(OF_THE_GATE[0], unsure("4", "7"), "7")
    assert again().state == "done", "there is more to measure with"
    assert judged("1.2.0", "not_enough_evidence").reason.endswith("lacked evidence: nothing is new since")
    log.write([Feedback(measured.id, "9", datetime.now(UTC), OF_THE_GATE[0])])
    assert again().state == "done", "a label is another"
    assert judged("1.3.0", "refused").state == "refused"
    weights.write_bytes(b"other weights")
    put_archive(places, model_name, "1.0.0", f"{model_name}.mar", weights)
    assert again().state == "done", "the champion is another"
    assert judged("1.4.0", "passed").state == "done", "it was not tried"


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
