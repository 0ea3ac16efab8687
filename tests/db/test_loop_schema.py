"""The loop's tables refuse what must not be kept, and what is deleted takes along what was made of it."""

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from db.schema import metadata, predictions
from tests.db.loop_rows import TABLES, add, add_run, rows

pytestmark = pytest.mark.integration

DECIDED = ("decision", "decided_at", "decided_by")


@pytest.fixture
def model_name():
    """A model that no other test has a run of."""
    return f"model-{uuid.uuid4().hex}"


@pytest.fixture
def valid(engine, log, prediction, model_name):
    """A row for each table but that of runs, whose run and prediction are there."""
    log.write([drawn := prediction()])
    return rows(add_run(engine, model_name), drawn.id, model_name)


def count(engine, name, **values):
    table = metadata.tables[name]
    query = select(func.count()).select_from(table).where(*(table.c[key] == it for key, it in values.items()))
    with engine.connect() as connection:
        return connection.scalar(query)


@pytest.mark.parametrize(
    ("table", "change", "constraint"),
    [
        ("loop_steps", {"state": "killed"}, "loop_steps_state_known_check"),
        ("loop_steps", {"beat_at": None}, "loop_steps_beat_while_running_check"),
        ("loop_steps", {"numbers": []}, "loop_steps_numbers_object_check"),
        ("loop_steps", {"reason": " "}, "loop_steps_reason_length_check"),
        ("loop_steps", {"attempts": -1}, "loop_steps_attempts_range_check"),
        ("examples", {"part": "test"}, "examples_part_known_check"),
        ("examples", {"label": ""}, "examples_label_length_check"),
        ("examples", {"picture_sha256": bytes(31)}, "examples_picture_sha256_length_check"),
        ("reviews", {"why": "because"}, "reviews_why_known_check"),
        ("reviews", {"decision": "maybe", "label": None}, "reviews_decision_known_check"),
        ("reviews", {"label": None}, "reviews_label_of_decision_check"),
        ("reviews", {"decision": "skip"}, "reviews_label_of_decision_check"),
        ("reviews", dict.fromkeys(DECIDED), "reviews_label_of_decision_check"),
        ("reviews", {"decided_by": None}, "reviews_decided_by_whom_check"),
        ("reviews", {"decided_at": None}, "reviews_decided_when_check"),
        ("reviews", {"priority": float("nan")}, "reviews_priority_range_check"),
        ("model_versions", {"archive_sha256": "0" * 63}, "model_versions_archive_sha256_form_check"),
        ("model_versions", {"made_of": []}, "model_versions_made_of_object_check"),
        ("verdicts", {"outcome": "ok"}, "verdicts_outcome_known_check"),
        ("verdicts", {"checks": {}}, "verdicts_checks_array_check"),
        ("verdicts", {"model_version": "2.0.0"}, "verdicts_model_name_fkey"),
        ("serving", {"candidate_share": 50}, "serving_candidate_share_known_check"),
        ("serving", {"candidate_version": None}, "serving_share_of_candidate_check"),
        ("serving", {"leaving": [None]}, "serving_leaving_known_check"),
        ("looks", {"outcome": "passed"}, "looks_outcome_known_check"),
        ("looks", {"share": 6}, "looks_share_known_check"),
        ("drifts", {"drawings": 0}, "drifts_drawings_range_check"),
        ("drifts", {"figures": {}}, "drifts_figures_array_check"),
        ("drifts", {"last_at": datetime(2000, 1, 1, tzinfo=UTC)}, "drifts_times_in_order_check"),
        ("drifts", {"model_version": ""}, "drifts_model_version_length_check"),
    ],
)
def test_a_row_out_of_bounds_is_refused(engine, valid, table, change, constraint):
    before = {name: row for name, row in valid.items() if name == "model_versions" != table}
    with pytest.raises(IntegrityError, match=constraint), engine.begin() as connection:
        add(connection, {**before, table: {**valid[table], **change}})


def test_a_row_of_each_is_taken_and_goes_with_its_run_or_its_prediction(engine, valid, model_name):
    assert {"loop_runs", *valid} == set(TABLES)
    with engine.begin() as connection:
        add(connection, valid)
    run_id, prediction_id = valid["examples"]["run_id"], valid["examples"]["prediction_id"]
    with engine.begin() as connection:
        connection.execute(delete(predictions).where(predictions.c.id == prediction_id))
    for name in ("examples", "reviews"):
        assert count(engine, name, prediction_id=prediction_id) == 0
    with engine.begin() as connection:
        runs = metadata.tables["loop_runs"]
        connection.execute(delete(runs).where(runs.c.id == run_id))
    assert count(engine, "loop_steps", run_id=run_id) == 0
    # What is served does not go with the run that made it.
    assert count(engine, "model_versions", model_name=model_name, run_id=None) == 1
    assert count(engine, "verdicts", model_name=model_name) == 1


def test_a_model_has_one_run_at_a_time(engine, model_name):
    first = add_run(engine, model_name, state="running")
    with pytest.raises(IntegrityError, match="loop_runs_one_idx"):
        add_run(engine, model_name)
    with engine.begin() as connection:
        runs = metadata.tables["loop_runs"]
        connection.execute(runs.update().where(runs.c.id == first).values(state="done", ended_at=func.now()))
    assert add_run(engine, model_name) > first
    assert add_run(engine, f"another-{model_name}") > first


@pytest.mark.parametrize(("state", "ended_at"), [("done", None), ("running", func.now())])
def test_a_run_has_an_end_once_it_is_over_and_not_before(engine, model_name, state, ended_at):
    runs = metadata.tables["loop_runs"]
    values = {"model_name": model_name, "state": state, "asked_by": "a test", "ended_at": ended_at}
    with (
        pytest.raises(IntegrityError, match="loop_runs_ended_when_over_check"),
        engine.begin() as connection,
    ):
        connection.execute(runs.insert().values(**values))
