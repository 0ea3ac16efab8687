"""Wait until each part of the running platform really answers, and say so."""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from client.errors import PredictionError
from client.inference import Inference
from client.management import path_of
from launch.errors import LaunchError
from launch.parts import TORCHSERVE_S
from launch.processes import Part, Platform
from launch.readiness import management_of, wait_until_ready
from launch.settings import Settings
from launch.terminal import show
from system.files import PROJECT
from system.processes import kept, lifeline, until
from training.data.drawing import png

MIGRATIONS_S = 90
FIRST_ANSWER_S = 60


@dataclass(frozen=True)
class Clock:
    """Time since the start.

    Attributes:
        began: the start, as time.monotonic() gave it.
    """

    began: float

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.began

    def say(self, progress: str) -> None:
        """Print a phase that is reached, with the seconds since the start."""
        show(f"{self.seconds():6.1f} s  {progress}")


def bring_up(platform: Platform, settings: Settings, parts: Mapping[str, Part], clock: Clock) -> None:
    """Wait for PostgreSQL, the schema, TorchServe, a first answer and the page; they start at the same time.

    Args:
        platform: the running processes.
        settings: where they are.
        parts: what runs, by name.
        clock: when the start began.

    Raises:
        LaunchError: when one of them ends, fails, or takes too long.
    """
    if "postgres" in parts:
        _until_ready(platform, parts["postgres"])
        clock.say("PostgreSQL (embedded) accepts connections")
    # The page's environment is the one that knows the database.
    _migrate(parts["ui"].environ)
    clock.say("the database schema is up to date")
    version = wait_until_ready(
        management_of(settings), settings.model, TORCHSERVE_S, settings.log_dir, lambda: _stopped(platform)
    )
    clock.say(f"TorchServe has a ready worker for {settings.model} {version}")
    clock.say(f'TorchServe answers "{first_answer(settings)}" to a drawn 7')
    _until_ready(platform, parts["ui"])
    clock.say("the page answers")


def first_answer(settings: Settings) -> str:
    """Return the label that TorchServe answers to a drawn digit.

    Raises:
        LaunchError: when it does not answer with one.
    """
    inference = Inference(settings.inference_url, timeout_s=FIRST_ANSWER_S)
    try:
        return inference.predict(png("7"), path_of(settings.model)).label
    except PredictionError as error:
        raise LaunchError(
            f"TorchServe did not answer a drawn digit with a label ({error})",
            f"see model.log and ts.log in {settings.log_dir}",
        ) from error


def _stopped(platform: Platform) -> str | None:
    # Also where one of them has ended: that stops all, and is what will be told.
    return "was stopped" if platform.stopping else None


def _until_ready(platform: Platform, part: Part) -> None:
    log = f"see {platform.log_dir / part.name}.log"
    if not until(lambda: platform.stopping or part.is_ready(), part.ready_s):
        raise LaunchError(f"{part.name} was not ready within {part.ready_s:g} s", log)
    if platform.stopping:
        raise LaunchError(f"{part.name} was stopped before it was ready", log)


def _migrate(environ: Mapping[str, str]) -> None:
    try:
        with lifeline() as stdin:
            done = subprocess.run(
                kept([sys.executable, "-m", "db.migrate"]),
                cwd=PROJECT,
                env=environ,
                stdin=stdin,
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
