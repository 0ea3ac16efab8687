"""Do the steps of a run, one after the other; a step that is killed is started again by the next process.

A step is a function that may be killed at any moment and be done again: what it writes is written in one
transaction, or aside and then renamed, and the second time it finds what it found the first time.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine

from db import loop_runs
from db.errors import DatabaseUnavailable
from db.loop_runs import LostError, Outcome, Run

logger = logging.getLogger(__name__)

BEAT_S = 10.0
# Collecting reads and hashes 100,000 drawings in one statement, which takes 20 s where nothing else runs.
STATEMENT_TIMEOUT_MS = 600_000
# In a step's numbers, where it refused because it cannot tell yet.
OUTCOME, NOT_ENOUGH = "outcome", "not_enough_evidence"

Step = Callable[[Run, Engine], Outcome]
Steps = tuple[tuple[str, Step], ...]


class StepError(Exception):
    """A step cannot be done; the message says why and what to do."""


class NotYetError(Exception):
    """A step has to wait, and so does its run; the message says for what."""


def not_enough(numbers: dict[str, Any], reason: str) -> Outcome:
    """Return the outcome of a step that cannot tell yet: the run ends, and nothing was found to be worse."""
    return Outcome("refused", {**numbers, OUTCOME: NOT_ENOUGH}, reason)


def run_all(
    database: Engine,
    model_name: str,
    steps: Steps,
    asked_by: str,
    settings: Mapping[str, Any],
    tell: Callable[[Run, Outcome | None], None],
) -> Outcome:
    """Do a new run of the model, or what is left of one that was killed; return how its last step ended.

    Args:
        database: Where the rows are.
        model_name: As registered in TorchServe.
        steps: Their names and what does them, in their order.
        asked_by: Who wants it.
        settings: What it is asked for with; one that was killed keeps its own.
        tell: Told of each step, with None as it begins and then with how it ended.

    Returns:
        The outcome; its state is "waiting" where the step is to be done later, by whoever comes then.

    Raises:
        DatabaseUnavailable: The run may be gone on with.
        LostError, RunningError: Another process is at it.
    """
    functions = dict(steps)
    run: Run | None = loop_runs.begin(database, model_name, list(functions), asked_by, settings)
    outcome = Outcome("failed", {}, "there was no step to do")
    while run is not None:
        tell(run, None)
        outcome = _done(run, database, functions.get(run.step, _unknown))
        tell(run, outcome)
        if outcome.state != "done":
            break
        run = loop_runs.claim(database, run)
    return outcome


def _done(run: Run, database: Engine, step: Step) -> Outcome:
    """Do the step and record how it ended."""
    if run.attempt > loop_runs.MOST_ATTEMPTS:
        outcome = Outcome(
            "failed", {}, f"{run.step} was started {run.attempt - 1} times, and killed each time"
        )
    else:
        try:
            with _beating(run, database):
                outcome = step(run, database)
        except StepError as error:
            outcome = Outcome("failed", {}, str(error))
        except NotYetError as error:
            loop_runs.release(database, run, str(error))
            return Outcome("waiting", {}, str(error))
        except BaseException as error:
            with suppress(DatabaseUnavailable, LostError):
                if isinstance(error, Exception) and not isinstance(error, DatabaseUnavailable | LostError):
                    foreseen_by_nobody = Outcome("failed", {}, f"{type(error).__name__}: {error}")
                    loop_runs.finish(database, run, foreseen_by_nobody)
                else:
                    # It may be gone on with, at once.
                    loop_runs.release(database, run)
            raise
    loop_runs.finish(database, run, outcome)
    return outcome


def _unknown(run: Run, _database: Engine) -> Outcome:
    raise StepError(f"this code has no step {run.step!r}: the run was started by another version")


@contextmanager
def _beating(run: Run, database: Engine) -> Iterator[None]:
    """Say again and again that the step is being done, in a thread."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S):
            try:
                loop_runs.beat(database, run)
            except DatabaseUnavailable as error:
                logger.warning("run %d could not report that it is alive: %s", run.id, error)
            except LostError:
                return  # `finish` says so

    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
