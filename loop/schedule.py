"""`python -m loop.schedule`: run `python -m loop` and `python -m loop.watch` again and again, as a service.

A run of the loop every RETRAIN_EVERY_HOURS, a look at what people draw every hour. Each is a process of its
own, which gives its memory back when it ends, and may be killed for it. When the last run was the database
says, so that a restart forgets nothing; MODEL and the rest of the environment are passed on.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

from sqlalchemy import URL

from db import engine, libpq, loop_times
from db.errors import DatabaseUnavailable
from db.unprivileged import EmbeddedError
from loop.schedule_metrics import FAILED, PASSED, REFUSED, UNDECIDED, Metrics
from system import environment, processes, schedule, stopping
from system.files import PROJECT, keep_private

RETRAIN, WATCH = "retrain", "watch"
MODULES = {RETRAIN: "loop", WATCH: "loop.watch"}
WATCH_EVERY_S = 3600.0
# A run that cannot go on, since another version is tried, asks so often whether it can.
ASK_AGAIN_S = 3600.0
# By the exit status of `python -m loop`, and 0 for a look, too; any other is a failure.
OUTCOMES = {0: PASSED, 3: REFUSED, 4: UNDECIDED}
# A step is given back at once, but the gate's TorchServe takes its time to end.
STOP_S = 20


@dataclass(frozen=True)
class Settings:
    """What the environment decides.

    Attributes:
        model_name: The model that is retrained.
        every_s: The period of its runs.
        metrics_host: Where the service's metrics are served.
        metrics_port: The same.
    """

    model_name: str
    every_s: float
    metrics_host: str
    metrics_port: int

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in `env`.

        Raises:
            ValueError: It names key, value and what was expected.
        """
        return cls(
            model_name=environment.text(env, "MODEL", "digits"),
            every_s=3600 * environment.span(env, "RETRAIN_EVERY_HOURS", 24, "hours", 24 * 366),
            metrics_host=environment.text(env, "METRICS_HOST", "127.0.0.1"),
            metrics_port=environment.port(env, "LOOP_METRICS_PORT", 9189),
        )


def main() -> int:
    """Go on until a SIGTERM or Ctrl-C; return the exit status."""
    stopping.raise_on_signals()
    keep_private()
    try:
        settings = Settings.from_environment(os.environ)
        libpq.database_url()
        metrics = Metrics({RETRAIN: settings.every_s, WATCH: WATCH_EVERY_S})
        host, port = settings.metrics_host, settings.metrics_port
        schedule.serve_metrics(metrics.registry, host, port, "LOOP_METRICS_PORT")
        # It ends with this process, and so does what it has started.
        threading.Thread(target=partial(_watch, metrics), name="watch", daemon=True).start()
        schedule.repeat(
            partial(until_retrain, settings, metrics), partial(attempt, RETRAIN, metrics), settings.every_s
        )
    except (EmbeddedError, ValueError) as error:
        print(f"loop.schedule: {error}", file=sys.stderr)
        return 1
    except stopping.Stopped:
        return 0


def until_retrain(settings: Settings, metrics: Metrics) -> float:
    """Return in how many seconds the next run is due, which is while another one is under way in any case.

    Where the database is away that is now: the run itself says so, and is tried again.
    """
    try:
        found = _times(libpq.database_url(), settings.model_name)
    except (DatabaseUnavailable, EmbeddedError, ValueError):
        return 0.0
    if found.ended_at is not None:
        metrics.end(RETRAIN, found.ended_at.timestamp())
    if found.is_heard_of:
        return schedule.LOOK_AGAIN_S
    if found.waits_since is not None:
        metrics.end(RETRAIN, found.waits_since.timestamp())
        return min(ASK_AGAIN_S, settings.every_s) - (found.now - found.waits_since).total_seconds()
    if found.begun_at is None:
        return 0.0
    return settings.every_s - (found.now - found.begun_at).total_seconds()


def attempt(command: str, metrics: Metrics, retry_s: float) -> bool:
    """Run a command to its end and count how that was; return whether it did what it is for."""
    module = MODULES[command]
    status = _run(module)
    outcome = OUTCOMES.get(status, FAILED)
    metrics.count(command, outcome)
    if outcome == FAILED:
        words = f"python -m {module} ended with {status}"
        print(f"loop.schedule: {words} (retrying in {retry_s:.0f} s)", file=sys.stderr, flush=True)
        return False
    metrics.end(command, time.time())
    return True


def _watch(metrics: Metrics) -> None:
    # A restart looks again, which changes nothing: without new drawings there is no new look.
    schedule.repeat(partial(metrics.until_due, WATCH), partial(attempt, WATCH, metrics), WATCH_EVERY_S)


def _run(module: str) -> int:
    with processes.lifeline() as stdin:
        command = processes.kept([sys.executable, "-m", module], STOP_S)
        keeper = subprocess.Popen(command, cwd=PROJECT, stdin=stdin, start_new_session=True)
        try:
            return keeper.wait()
        finally:
            keeper.terminate()
            keeper.wait()


def _times(url: URL, model_name: str) -> loop_times.Times:
    with engine.opened(url, engine.STATEMENT_TIMEOUT_MS) as opened:
        return loop_times.times(opened, model_name)


if __name__ == "__main__":
    sys.exit(main())
