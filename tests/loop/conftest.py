"""Fixtures for the tests of `loop/`: the real PostgreSQL, and a model that no other test has a run of."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from db import engine
from tests.services.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def database(postgres_url: str) -> Iterator[Engine]:
    """An engine on the session's migrated database."""
    with engine.opened(postgres_url) as opened:
        yield opened


@pytest.fixture
def model_name() -> str:
    """The name of a model that no other test uses."""
    return f"model-{uuid.uuid4().hex}"
