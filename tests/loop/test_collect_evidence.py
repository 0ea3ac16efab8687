"""A run goes on after collecting only where enough is new and no version is on trial."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from db import loop_runs
from db.candidates import put_version
from db.records import Feedback
from db.verdicts import VerdictRow, put_verdict
from db.versions import Version
from loop.candidate import commit
from loop.collect import collect
from loop.places import Places
from system.files import sha256
from tests.loop.drawn import draw, log, queued, run
from tests.loop.judging import OF_THE_GATE, OF_TRAINING, sure, unsure
from tests.loop.test_places import put_archive

pytestmark = pytest.mark.integration
__all__ = ["draw", "log", "run"]


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
    for session in OF_TRAINING[1:13]:  # of what is no digit nothing is learnt
        draw(session, {**unsure("4", "7"), "4": 0.6}, kind="not_a_digit")
    begun = run()
    outcome = collect(begun, database)
    assert (outcome.state, outcome.numbers["outcome"]) == ("refused", "not_enough_evidence")
    assert outcome.reason == (
        "of 13 judged drawings, 0 are for training and 0 for the gate; "
        "0 for training are new, expected at least 10"
    )
    assert queued(database, begun.model_name)[0] == (odd.id, "improbable")


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
    assert same.reason.endswith("; it was refused")
    assert again() == same
    for session in OF_TRAINING[12:24]:
        draw(session, {**unsure("4", "7"), "4": 0.6}, kind="not_a_digit")
    assert again().reason.endswith("; it was refused"), "what is no digit trains nothing"
    measured = draw(OF_THE_GATE[0], unsure("4", "7"), "7")
    assert again().state == "done", "there is more to measure with"
    assert judged("1.2.0", "not_enough_evidence").reason.endswith("; it lacked evidence")
    log.write([Feedback(measured.id, "9", datetime.now(UTC), OF_THE_GATE[0])])
    assert again().state == "done", "a label is another"
    assert judged("1.3.0", "refused").state == "refused"
    weights.write_bytes(b"other weights")
    put_archive(places, model_name, "1.0.0", f"{model_name}.mar", weights)
    assert again().state == "done", "the champion is another"
    assert judged("1.4.0", "passed").state == "done", "it was not tried"
