"""The view of the history for tests: asked by visitors and operators, before the real database."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from db import engine as database
from db.drawings import Drawings
from db.log import PredictionLog
from tests.ui.signing_in import ELSEWHERE
from ui.backend import Backend
from ui.history import view
from ui.shell.views import Views
from ui.shell.visit import VISITOR

HERE = "http://127.0.0.1"


@dataclass(frozen=True)
class Viewed:
    """The history's routes before the real database."""

    web: FastAPI
    backend: Backend
    log: PredictionLog
    drawings: Drawings

    def visitor(self, session_id: str, address: str = ELSEWHERE) -> TestClient:
        """Return the browser of a visitor elsewhere, who is no operator."""
        client = TestClient(self.web, HERE, client=(address, 1), follow_redirects=False)
        client.cookies.set(VISITOR, session_id)
        return client

    def operator(self, session_id: str) -> TestClient:
        """Return the browser of somebody on this machine."""
        return self.visitor(session_id, "127.0.0.1")


@pytest.fixture
def viewed(
    make_backend: Callable[..., Backend], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Viewed]]:
    monkeypatch.setattr("ui.history.settled.WAIT_S", 30.0)  # what was said is seen, on a busy machine too
    with ExitStack() as stack:

        def make(torchserve_url: str = "http://127.0.0.1:9", database_url: str = postgres_url) -> Viewed:
            engine = stack.enter_context(database.opened(database_url))
            backend = make_backend(torchserve_url, log=PredictionLog(engine))
            backend.writer.start()
            stack.callback(backend.writer.stop)
            web = FastAPI()
            view.add_to(Views(web, "", has_sign_in=False), backend, drawings := Drawings(engine))
            return Viewed(web, backend, backend.log, drawings)

        yield make


@pytest.fixture
def session_id() -> str:
    """A visitor of whom no other test knows."""
    return uuid.uuid4().hex


def ids(text: str) -> list[str]:
    return re.findall(r'<a href="/history/([0-9a-f-]{36})">', text)
