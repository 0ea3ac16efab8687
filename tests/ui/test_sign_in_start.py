"""The page starts where people have to sign in only if somebody can."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from db import embedded, passwords
from db import engine as database
from db.user_rows import Users
from system.files import PROJECT
from system.ports import free_ports
from tests.db.backing_up import migrated_database
from tests.e2e.page import answers, wait_until
from tests.services.postgres import postgres_server
from tests.ui.conftest import NO_DATABASE
from ui.check import NOBODY_CAN_SIGN_IN
from ui.sign_in import starting

pytestmark = pytest.mark.integration
__all__ = ["postgres_server"]


@pytest.fixture
def url(postgres_server: embedded.Server) -> Iterator[str]:
    with migrated_database(postgres_server.url) as url:
        yield url


def start(url: str, **env: str) -> tuple[subprocess.Popen[str], str]:
    """Start a page that other machines can reach; return its process and its address here."""
    (port,) = free_ports(1)
    environ = {**os.environ, "DATABASE_URL": url, "UI_HOST": "0.0.0.0", "UI_PORT": str(port), **env}
    command = [sys.executable, "-m", "ui"]
    process = subprocess.Popen(command, cwd=PROJECT, env=environ, stderr=subprocess.PIPE, text=True)
    return process, f"http://127.0.0.1:{port}"


def test_without_a_user_it_does_not_start_and_says_what_to_do(url: str) -> None:
    process, _ = start(url)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said == f"{starting.NO_USER}\n"
    assert re.fullmatch("cause: .*; fix: make user NAME=.*", starting.NO_USER)


def check(url: str, **env: str) -> tuple[int, str]:
    """Ask what a deployment asks; return the exit status and what is said."""
    environ = {**os.environ, "DATABASE_URL": url, "UI_HOST": "0.0.0.0", **env}
    done = subprocess.run(
        [sys.executable, "-m", "ui.check"],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


def test_a_deployment_is_told_before_it_changes_anything_whether_the_page_could_start(
    postgres_server: embedded.Server, url: str
) -> None:
    assert check(url) == (NOBODY_CAN_SIGN_IN, f"{starting.NO_USER}\n")
    # A release from before knew no users.
    assert check(postgres_server.url) == (NOBODY_CAN_SIGN_IN, f"{starting.NO_USER}\n")
    assert check(url, SIGN_IN="off") == (0, "")
    with database.opened(url) as engine:
        Users(engine).put("ada", passwords.NOBODYS)
    assert check(url) == (0, "")
    status, said = check(url, KEEP_DAYS="soon")
    assert (status, said.count("\n")) == (2, 1)
    assert "KEEP_DAYS" in said
    assert check(NO_DATABASE)[0] == 1


@pytest.mark.parametrize(("is_told", "has_user"), [(True, False), (False, True)])
def test_it_starts_where_it_is_told_or_somebody_can_sign_in(url: str, is_told: bool, has_user: bool) -> None:
    if has_user:
        with database.opened(url) as engine:
            Users(engine).put("ada", passwords.NOBODYS)
    process, address = start(url, SIGN_IN="off" if is_told else "")
    try:
        wait_until(lambda: process.poll() is not None or answers(address), "the page", 60)
        assert process.poll() is None
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_database_that_is_away_is_no_reason_not_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "WAIT_S", 0.1)
    assert starting.is_ready_for_sign_in(Users(database.create(NO_DATABASE)))
