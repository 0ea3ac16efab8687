"""Fixtures for the tests of `db/`: the real PostgreSQL, and records to write to it."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db import embedded, spool_folder
from db import engine as database
from db.drawings import Drawings
from db.log import PredictionLog
from db.records import Feedback, Prediction
from db.spool import Spool
from tests.db.backing_up import migrated_database
from tests.db.kept_table import used_folder
from tests.services.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url", "used_folder"]

# The smallest PNG there is: one white pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010100000000376ef924"
    "0000000a49444154789c63680000008200817dd3f5690000000049454e44ae426082"
)


@pytest.fixture
def url(postgres_server: embedded.Server) -> Iterator[str]:
    """The URL of a migrated database of the test's own."""
    with migrated_database(postgres_server.url) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for backups, which is not there yet."""
    return tmp_path / "backups"


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """An engine on the session's migrated database."""
    created = database.create(postgres_url, statement_timeout_ms=60_000)
    yield created
    created.dispose()


@pytest.fixture
def log(engine: Engine) -> PredictionLog:
    """The prediction log on the session's migrated database."""
    return PredictionLog(engine)


@pytest.fixture
def drawings(engine: Engine) -> Drawings:
    """The drawings of the session's migrated database."""
    return Drawings(engine)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    return spool_folder.first_free(tmp_path / "spool")


@pytest.fixture
def session_id() -> str:
    """A session that no other test writes to."""
    return uuid.uuid4().hex


@pytest.fixture
def prediction(session_id: str) -> Callable[..., Prediction]:
    """A function that makes a valid prediction of this test's session, with the given values in it."""

    def make(**values: Any) -> Prediction:
        usual: dict[str, Any] = {
            "id": uuid.uuid4(),
            "created_at": datetime.now(UTC),
            "session_id": session_id,
            "source": "sketchpad",
            "model_name": "digits",
            "model_version": "1.0.0",
            "preprocessing": "a1b2c3d4",
            "predicted_label": "7",
            "confidence": 0.993,
            "probabilities": {"1": 0.007, "7": 0.993},
            "drawing": PNG,
            "pen_colour": "#000000",
            "background_colour": None,
            "latency_ms": 12.5,
            "request_id": uuid.uuid4().hex,
        }
        return Prediction(**{**usual, **values})

    return make


@pytest.fixture
def correction(session_id: str) -> Callable[..., Feedback]:
    """A function that makes this session's feedback on a prediction."""

    def make(about: Prediction, true_label: str, **values: Any) -> Feedback:
        usual: dict[str, Any] = {"created_at": datetime.now(UTC), "session_id": session_id}
        return Feedback(prediction_id=about.id, true_label=true_label, **{**usual, **values})

    return make
