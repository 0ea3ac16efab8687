"""Waits until each part of the running platform really answers, and says so."""

import io
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psycopg2
import requests
from PIL import Image, ImageDraw

from launch.errors import LaunchError
from launch.processes import Platform
from launch.readiness import local_session, wait_until_ready
from launch.settings import PROJECT, Settings
from launch.terminal import show

POSTGRES_S = 60
MIGRATIONS_S = 90
TORCHSERVE_S = 180  # the first import of torch from a slow disk takes most of it
FIRST_ANSWER_S = 60
UI_S = 120
POLL_S = 0.1


@dataclass(frozen=True)
class Clock:
    """Time since the start.

    Attributes:
        began: the start, as time.monotonic() gave it.
    """

    began: float

    def seconds(self) -> float:
        """Give the seconds since the start."""
        return time.monotonic() - self.began

    def say(self, progress: str) -> None:
        """Print a phase that is reached, with the seconds since the start."""
        show(f"{self.seconds():6.1f} s  {progress}")


def bring_up(platform: Platform, settings: Settings, environ: Mapping[str, str], clock: Clock) -> None:
    """Wait for PostgreSQL, the schema, TorchServe, a first answer and the page; they start at the same time.

    Args:
        platform: the running processes.
        settings: where they are.
        environ: their environment, with the DATABASE_URL of this run.
        clock: when the start began.

    Raises:
        LaunchError: when one of them ends, fails, or takes too long.
    """
    if not settings.database_url:
        _until("postgres", platform, POSTGRES_S, lambda: _accepts(environ["DATABASE_URL"]))
        clock.say("PostgreSQL (embedded) accepts connections")
    _migrate(environ)
    clock.say("the database schema is up to date")
    version = wait_until_ready(
        settings.management_url,
        settings.model,
        TORCHSERVE_S,
        settings.log_dir,
        lambda: _gone(platform, "torchserve"),
    )
    clock.say(f"TorchServe has a ready worker for {settings.model} {version}")
    clock.say(f'TorchServe answers "{first_answer(settings)}" to a drawn 7')
    _until("ui", platform, UI_S, lambda: _healthy(f"{settings.ui_url}/healthz"))
    clock.say("the page answers")


def first_answer(settings: Settings) -> str:
    """Give the label that TorchServe answers to a drawn digit.

    Raises:
        LaunchError: when it does not answer with one.
    """
    url = f"{settings.inference_url}/predictions/{settings.model}"
    with local_session() as session:
        try:
            answer = session.post(url, data=drawn_seven(), timeout=FIRST_ANSWER_S)
            answer.raise_for_status()
            return str(answer.json()["label"])
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise LaunchError(
                f"TorchServe did not answer a drawn digit with a label ({error})",
                f"see model.log and ts.log in {settings.log_dir}",
            ) from error


def drawn_seven() -> bytes:
    """Give a PNG of a 7 as a pen draws it: dark ink on white paper, 280x280 px."""
    paper = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(paper).line([(70, 70), (205, 70), (125, 225)], fill="black", width=18, joint="curve")
    png = io.BytesIO()
    paper.save(png, "PNG")
    return png.getvalue()


def _gone(platform: Platform, name: str) -> str | None:
    return "was stopped" if platform.stopping else platform.ended(name)


def _until(name: str, platform: Platform, timeout_s: float, ready: Callable[[], bool]) -> None:
    log = f"see {platform.log_dir / name}.log"
    deadline = time.monotonic() + timeout_s
    while not ready():
        gone = _gone(platform, name)
        if gone is not None:
            raise LaunchError(f"{name} {gone} before it was ready", log)
        if time.monotonic() > deadline:
            raise LaunchError(f"{name} was not ready within {timeout_s:g} s", log)
        time.sleep(POLL_S)


def _accepts(database_url: str) -> bool:
    try:
        psycopg2.connect(database_url, connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def _migrate(environ: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "db.migrate"],
            cwd=PROJECT,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MIGRATIONS_S,
        )
    except subprocess.TimeoutExpired:
        raise LaunchError(
            f"the database schema could not be brought up to date within {MIGRATIONS_S} s",
            "look for a session that holds a lock on its tables",
        ) from None
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise LaunchError(
            f"the database schema could not be brought up to date ({words})",
            "run `python -m db.migrate` with the same DATABASE_URL to see more",
        )


def _healthy(url: str) -> bool:
    with local_session() as session:
        try:
            return session.get(url, timeout=5).status_code == 200
        except requests.RequestException:
            return False
