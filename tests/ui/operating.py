"""The view of the models for tests: asked by operators and visitors, before a TorchServe that is played."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from db import engine as database
from db.user_rows import User
from tests.ui.managing import Managing
from tests.ui.several_models import backend as models_and_loader
from ui.backend import Backend
from ui.limits import Limits
from ui.models import view
from ui.settings import from_environment
from ui.shell.views import Views
from ui.sign_in.who import USER

# A documentation address (RFC 5737): not this machine.
ELSEWHERE = "203.0.113.7"
NO_DATABASE = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
# The second model of the `store` fixture, as the page names it.
VIT = "digits-vit/1.0.0"


@dataclass
class Operating:
    """A page with the view of the models.

    Attributes:
        torchserve: What is behind it.
        view: Answers for the view.
        client: Makes a browser at an address, signed in as somebody or without sign-in.
    """

    torchserve: Managing
    view: view.ModelsView
    client: Callable[..., TestClient]


def operating(backend: Backend, torchserve: Managing, store: Path, url: str = NO_DATABASE) -> Operating:
    """Return a page before a TorchServe with this model store."""
    web = FastAPI()
    settings = from_environment(
        {
            "DATABASE_URL": url,
            "MODEL_STORE": str(store),
            "VAR_DIR": str(store),
            "TORCHSERVE_MANAGEMENT_URL": torchserve.url,
        }
    )
    views = Views(web, "", has_sign_in=False)
    shown = view.add_to(views, backend, database.create(url), settings)

    def client(user: User | None = None, address: str = "127.0.0.1") -> TestClient:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and user is not None:
                scope[USER] = user
            await Limits(web)(scope, receive, send)

        return TestClient(app, "http://127.0.0.1", follow_redirects=False, client=(address, 1))

    return Operating(torchserve, shown, client)


def change(client: TestClient, verb: str, path: str, workers: int = 0) -> Any:
    """Go through a change as an operator does: look at the confirmation, then press its button."""
    asked = client.get("/models/change", params={"verb": verb, "path": path, "workers": str(workers)})
    assert asked.status_code == 200, asked.text
    return client.post("/models/change", data=fields(asked.text))


def fields(html: str) -> dict[str, str]:
    """Return the hidden fields of the page's form."""
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html)
    }


def words(html: str) -> str:
    """Return the text of a page, without its marks."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


@contextmanager
def slow(torchserve: Managing, seconds: float) -> Iterator[None]:
    """Have it answer so late."""
    before, torchserve.answer_s = torchserve.answer_s, seconds
    try:
        yield
    finally:
        torchserve.answer_s = before


@pytest.fixture
def page(
    make_backend: Callable[..., Backend], torchserve: Managing, store: Path, monkeypatch: pytest.MonkeyPatch
) -> Operating:
    """A page whose TorchServe has the first of two models loaded, and that waits until a change is made."""
    monkeypatch.setattr("ui.models.desk.WAIT_S", 60.0)
    return operating_at(make_backend, torchserve, store)


def operating_at(make_backend: Callable[..., Backend], torchserve: Managing, store: Path) -> Operating:
    models, loader = models_and_loader(torchserve.url, store)
    return operating(replace(make_backend(torchserve.url), models=models, loader=loader), torchserve, store)
