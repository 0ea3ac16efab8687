"""The page as one application before a real PostgreSQL, asked by clients with and without a sign-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from db import engine as database
from db import passwords, spool_folder
from db.schema import sign_in_attempts
from db.sign_ins import SignIns
from db.user_rows import User, Users
from tests.ui.answering import ANSWER, NOBODY, answering
from ui.__main__ import build
from ui.server import before
from ui.settings import Settings, from_environment
from ui.sign_in.sessions import Sessions

PASSWORD = "correct horse battery"
# A documentation address (RFC 5737): not this machine.
ELSEWHERE = "203.0.113.7"


@dataclass(frozen=True)
class Guarded:
    """A page that people have to sign in to."""

    web: ASGIApp
    routes: list
    engine: Engine
    sessions: Sessions

    def client(self, address: str = ELSEWHERE, url: str = "http://sketch.example") -> TestClient:
        """Return a browser at an address, which follows no redirects."""
        return TestClient(self.web, url, follow_redirects=False, client=(address, 50_000))

    def user(self, name: str, role: str = "visitor") -> User:
        """Add a user with the PASSWORD."""
        return Users(self.engine).put(name, passwords.hashed(PASSWORD), role)

    def signed_in(self, name: str, address: str = ELSEWHERE) -> TestClient:
        """Return the browser of a user who has signed in."""
        client = self.client(address)
        assert sign_in(client, name).status_code == 303
        return client


def sign_in(client: TestClient, name: str, password: str = PASSWORD, **headers: str):
    return client.post("/sign-in", data={"name": name, "password": password}, headers=headers)


def built(settings: Settings, engine: Engine, sessions: Sessions | None) -> FastAPI:
    """Return the page with the sign-in of these sessions, or without one."""
    return build(settings, engine, spool_folder.first_free(settings.spool), sessions)


@contextmanager
def guarded(url: str, torchserve_url: str = NOBODY, **env: str) -> Iterator[Guarded]:
    """Run the page, with its writer, until the end of the block."""
    with TemporaryDirectory() as folder:
        yield from _guarded(url, torchserve_url, {"VAR_DIR": folder, **env})


def _guarded(url: str, torchserve_url: str, env: dict[str, str]) -> Iterator[Guarded]:
    settings = from_environment(
        {
            "DATABASE_URL": url,
            "SIGN_IN": "on",
            "TORCHSERVE_INFERENCE_URL": torchserve_url,
            "TORCHSERVE_MANAGEMENT_URL": torchserve_url,
            **env,
        }
    )
    engine = database.create(url)
    with engine.begin() as connection:
        connection.execute(delete(sign_in_attempts))  # of other tests
    sessions = Sessions(SignIns(engine))
    web = built(settings, engine, sessions)
    app = before(web, settings, sessions)
    with TestClient(app):  # runs the application's start and end
        yield Guarded(app, web.routes, engine, sessions)


@pytest.fixture(scope="module")
def page(postgres_url: str) -> Iterator[Guarded]:
    """A page with two visitors and an operator, which the tests of a file share."""
    with answering(ANSWER) as torchserve, guarded(postgres_url, torchserve.url) as running:
        for name in ("ada", "grace"):
            running.user(name)
        running.user("olga", "operator")
        yield running
