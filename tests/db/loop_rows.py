"""A row of each of the loop's tables, as valid as it can be."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from db.schema import metadata

TABLES = (
    "loop_runs",
    "loop_steps",
    "examples",
    "reviews",
    "model_versions",
    "verdicts",
    "serving",
    "looks",
    "drifts",
)


def rows(run_id: int, prediction_id: uuid.UUID, model_name: str = "digits") -> dict[str, dict[str, Any]]:
    """Return a row for each table but `loop_runs`, which all belong to this run and prediction."""
    now = datetime.now(UTC)
    version = {"model_name": model_name, "model_version": "1.1.0"}
    return {
        "loop_steps": {
            "run_id": run_id,
            "name": "collect",
            "position": 0,
            "state": "running",
            "attempts": 1,
            "started_at": now,
            "beat_at": now,
        },
        "examples": {
            "run_id": run_id,
            "prediction_id": prediction_id,
            "part": "train",
            "label": None,
            "picture_sha256": bytes(32),
        },
        "reviews": {
            "prediction_id": prediction_id,
            "why": "contradicted",
            "priority": 1.5,
            "decision": "label",
            "label": "7",
            "decided_at": now,
            "decided_by": "user:1",
        },
        "model_versions": {
            **version,
            "archive_sha256": "0" * 64,
            "archive": "digits-1.1.0.mar",
            "run_id": run_id,
            "made_of": {"seed": 1},
        },
        "verdicts": {
            **version,
            "champion_version": "1.0.0",
            "outcome": "passed",
            "checks": [{"name": "self-check"}],
            "reason": "all checks passed",
        },
        "serving": {
            "model_name": model_name,
            "model_version": "1.0.0",
            "candidate_version": "1.1.0",
            "candidate_share": 5,
            "reason": "promoted",
        },
        "looks": {**version, "share": 5, "outcome": "held", "reason": "too early to tell"},
        "drifts": {**version, "first_at": now, "last_at": now, "drawings": 2000, "figures": []},
    }


def add_run(engine: Engine, model_name: str = "digits", **values: Any) -> int:
    """Add a run, which waits unless told otherwise; return its id."""
    row = {"model_name": model_name, "state": "waiting", "asked_by": "a test", **values}
    runs = metadata.tables["loop_runs"]
    with engine.begin() as connection:
        return connection.execute(runs.insert().returning(runs.c.id), row).scalar_one()


def add(connection: Connection, into: Mapping[str, dict[str, Any]]) -> None:
    """Add these rows, in the order in which they refer to each other."""
    for name, row in into.items():
        connection.execute(metadata.tables[name].insert(), row)
