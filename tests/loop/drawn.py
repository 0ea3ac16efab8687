"""Drawings that sessions make and judge, runs that collect them, and what is written of both."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text

from db import loop_runs
from db.log import PredictionLog
from db.loop_runs import Run
from db.records import Feedback, Prediction


@pytest.fixture
def log(database: Engine) -> PredictionLog:
    """The prediction log on the session's migrated database."""
    return PredictionLog(database)


@pytest.fixture
def draw(log: PredictionLog, model_name: str) -> Callable[..., Prediction]:
    """A function that has a session draw something, and judge it where a label is given."""

    def draw(
        session_id: str,
        probabilities: dict[str, float],
        label: str = "",
        *,
        kind: str = "label",
        said_by: str | None = None,
        said: dict[str, Any] | None = None,
        **values: Any,
    ) -> Prediction:
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
def run(database: Engine, model_name: str) -> Callable[[], Run]:
    """A function that begins a run of the model, whose step "collect" is this test's."""
    return lambda: loop_runs.begin(database, model_name, ["collect", "train"], "a test", {})


def rows(database: Engine, query: str, **values: Any) -> list[tuple]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def examples_of(database: Engine, run: Run) -> list[tuple]:
    query = "SELECT prediction_id, part, label FROM examples WHERE run_id = :run_id ORDER BY picture_sha256"
    return rows(database, query, run_id=run.id)


def queued(database: Engine, model_name: str) -> list[tuple]:
    query = """
        SELECT r.prediction_id, why FROM reviews r JOIN predictions p ON p.id = r.prediction_id
        WHERE model_name = :name AND decision IS NULL ORDER BY priority DESC, r.prediction_id
    """
    return rows(database, query, name=model_name)
