"""`make retrain`: train the next version on what people corrected, and roll it out only if it is better.

    python -m loop

The model is MODEL's, digits by default; the database that of DATABASE_URL, or else the embedded one. It ends
with 0 only if a candidate passed, with 3 if one was refused, with 4 if there was not enough evidence or it
has to wait until another version is tried no longer.
"""

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from db import own_database
from db.loop_runs import LostError, Outcome, Run, RunningError
from loop.collect import collect
from loop.engine import NOT_ENOUGH, OUTCOME, STATEMENT_TIMEOUT_MS, Steps, run_all
from loop.gate import gate
from loop.rollout import roll_out
from loop.train import train
from system import environment
from system.files import keep_private
from system.scratch import scratch

STEPS: Steps = (("collect", collect), ("train", train), ("gate", gate), ("roll_out", roll_out))
# As a model of TorchServe may be called.
NAME = r"[A-Za-z0-9._-]{1,100}"
FAILED, REFUSED, UNDECIDED = 1, 3, 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Do a run, or what is left of one that was killed; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loop", description=__doc__.splitlines()[0])
    parser.parse_args(arguments)
    keep_private()
    logging.basicConfig(format="loop: %(message)s")
    with own_database.command(
        "loop", LostError, RunningError, stopped="stopped; the next run continues where this one stopped"
    ):
        model_name = environment.text(os.environ, "MODEL", "digits", NAME, "the name of a served model")
        with own_database.opened(STATEMENT_TIMEOUT_MS) as database, scratch("sketchserve-loop"):
            outcome = run_all(database, model_name, STEPS, own_database.caller(), {}, _tell)
    return _status(outcome)


def _tell(run: Run, outcome: Outcome | None) -> None:
    """Print what begins, or how it ended."""
    if outcome is None:
        again = f" (attempt {run.attempt})" if run.attempt > 1 else ""
        print(f"run {run.id} of {run.model_name}: {run.step.replace('_', ' ')}{again}", flush=True)
        return
    print("".join(f"  {line}\n" for line in [*_said(outcome.numbers), outcome.reason]), end="", flush=True)


def _said(numbers: Mapping[str, Any]) -> list[str]:
    """Return a line for each number, those that belong together in one."""
    return [f"{name.replace('_', ' ')}: {_words(value)}" for name, value in numbers.items()]


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        named = [(name.replace("_", " "), of) for name, of in value.items()]
        parts = [
            f"{name} ({_words(of)})" if isinstance(of, Mapping) else f"{name} {_words(of)}"
            for name, of in named
        ]
        return ", ".join(parts) or "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if type(value) is int else str(value)


def _status(outcome: Outcome) -> int:
    """Say how the run ended, in one line; return the exit status."""
    if outcome.state == "done":
        print("the candidate passed")
        return 0
    if outcome.state == "waiting":
        print(f"not yet: {outcome.reason}", file=sys.stderr)
        return UNDECIDED
    if outcome.state == "refused" and outcome.numbers.get(OUTCOME) == NOT_ENOUGH:
        print(f"not enough evidence: {outcome.reason}", file=sys.stderr)
        return UNDECIDED
    if outcome.state == "refused":
        print(f"refused: {outcome.reason}", file=sys.stderr)
        return REFUSED
    print(f"loop: {outcome.reason}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
