"""What a run of the loop is, how a step of it ends, and why somebody may not do it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class RunningError(Exception):
    """The model's run is being done by somebody; the message says by whom, and what to do."""


class LostError(Exception):
    """Another process has gone on with this run, because this one was silent for too long."""


@dataclass(frozen=True)
class Run:
    """A run, and the step of it that its holder is to do.

    Attributes:
        id: The run's.
        model_name: As registered in TorchServe.
        created_at: When it was asked for: what is judged later is the next run's.
        settings: What it was asked for with.
        step: The step's name.
        attempt: How often the step was begun, this time included.
    """

    id: int
    model_name: str
    created_at: datetime
    settings: dict[str, Any] = field(default_factory=dict)
    step: str = ""
    attempt: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a step ended.

    Attributes:
        state: "done"; "refused", after which the run does not go on; or "failed".
        numbers: What was counted and measured, as JSON has it.
        reason: One line for people.
    """

    state: str
    numbers: dict[str, Any]
    reason: str
