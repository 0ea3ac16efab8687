"""How many candidates were compared with the same champion on some of the same held-out drawings."""

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, update

from db import candidates, examples, loop_runs, verdicts
from db.examples import Chosen
from db.log import PredictionLog
from db.loop_runs import Run
from db.records import Prediction
from db.schema import loop_runs as runs
from db.verdicts import VerdictRow
from db.versions import Version
from loop.verdict.judge import FEEDBACK

pytestmark = pytest.mark.integration

ASKED = [{"name": "self-check"}, {"name": FEEDBACK, "numbers": {"p": 0.2}}]
CHAMPION = "1.0.0"


def drawn(database: Engine, model_name: str, picture: bytes) -> uuid.UUID:
    made = Prediction(
        id=uuid.uuid4(), created_at=datetime.now(UTC), session_id=uuid.uuid4().hex, source="sketchpad",
        model_name=model_name, model_version=CHAMPION, preprocessing="a1b2c3d4", predicted_label="3",
        confidence=0.6, probabilities={"3": 0.6, "7": 0.4}, drawing=picture, pen_colour=None,
        background_colour=None, latency_ms=5.0, request_id="a test's",
    )  # fmt: skip
    PredictionLog(database).write([made])
    return made.id


def begun(database: Engine, model_name: str, pictures: bytes, part: str = "gate") -> Run:
    """Return a new run that took these pictures, one a byte; the one before it is over."""
    with database.begin() as connection:
        of_model = runs.c.model_name == model_name
        over = {"state": "refused", "ended_at": datetime.now(UTC)}
        connection.execute(update(runs).where(of_model, runs.c.ended_at.is_(None)).values(over))
    run = loop_runs.begin(database, model_name, ["gate"], "a test", {})
    ids = [drawn(database, model_name, bytes([one])) for one in pictures]
    with database.begin() as connection:
        chosen = [Chosen(id_, part, "7", bytes([one]) * 32) for id_, one in zip(ids, pictures, strict=True)]
        examples.put(connection, run.id, chosen)
    return run


def judge(
    database: Engine, run: Run, version: str, champion: str = CHAMPION, checks: list[dict] = ASKED
) -> None:
    candidates.put_version(
        database, run, Version(run.model_name, version, f"{version}.mar", "0" * 64, run.id, {})
    )
    verdict = VerdictRow(champion, "refused", checks, "for a test")
    verdicts.put_verdict(database, run, version, verdict)


def asked_before(database: Engine, run: Run, champion: str = CHAMPION) -> int:
    return verdicts.asked_before(database, run, champion, FEEDBACK)


def test_those_count_that_were_asked_some_of_the_same_beside_the_same_champion(
    database: Engine, model_name: str
) -> None:
    first = begun(database, model_name, b"ab")
    assert asked_before(database, first) == 0
    judge(database, first, "1.1.0")
    assert asked_before(database, first) == 0, "its own verdict is none of before"
    judge(database, begun(database, model_name, b"abc"), "1.2.0")
    # One that shares nothing, one that trained on it, and one that did not start.
    judge(database, begun(database, model_name, b"xy"), "1.3.0")
    judge(database, begun(database, model_name, b"ab", "train"), "1.4.0")
    judge(database, begun(database, model_name, b"ab"), "1.5.0", checks=ASKED[:1])
    last = begun(database, model_name, b"abcd")
    assert asked_before(database, last) == 2
    # A promotion begins anew, and another model has its own.
    assert asked_before(database, last, "1.2.0") == 0
    other = f"{model_name}-b"
    assert asked_before(database, begun(database, other, b"ab")) == 0
