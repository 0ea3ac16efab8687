"""What a model answers, and why: read from TorchServe's JSON and checked."""

import math
from dataclasses import dataclass
from typing import Any

from client.errors import Unreachable

# Maps lie over the network's frame, which has so many pixels a side.
MAP_SIDE = 28

Map = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Answer:
    """What the model made of one drawing.

    Attributes:
        label: The most probable label.
        confidence: Its probability, 0 to 1.
        probabilities: Every label's probability, in the model's order; of hundreds the likeliest
            labels alone, these first.
        model: Name of the model that answered.
        version: Its version.
        preprocessing: Fingerprint of the preprocessing that made the frame.
        label_set: The labels that it may be, likeliest first; () from archives that give no set.
        is_digit: Whether it looks like a digit at all, or of another model, like anything that it was trained
            on; None from archives that do not say.
        frame: What the network saw, a data URL of a PNG, or "" when not sent: of a drawing 28x28 (0 paper,
            255 ink), of a photograph larger and in colour.
        request_id: The id under which the request is in TorchServe's log.
        latency_ms: From the request's start to its answer.
        digit_score: How much it looks like a digit, 0 to 1; None from archives that do not say.
        has_all: Whether probabilities has all labels.
    """

    label: str
    confidence: float
    probabilities: dict[str, float]
    model: str
    version: str
    preprocessing: str
    label_set: tuple[str, ...]
    is_digit: bool | None
    frame: str
    request_id: str
    latency_ms: float
    digit_score: float | None = None
    has_all: bool = True


@dataclass(frozen=True)
class Explained:
    """Why the model answered as it did; the maps are 28 rows of 28 values, in log-odds.

    Attributes:
        label: The answer.
        runner_up: The second most probable label.
        importance: Positive where hiding the ink would make the answer less sure, 0 where there is no ink.
        tip: Positive where ink that is added moves the answer towards the runner-up, negative where ink that
            is erased does.
        box: Left, top and side of the maps' square in the image's own pixels; it may reach beyond the image.
    """

    label: str
    runner_up: str
    importance: Map
    tip: Map
    box: tuple[float, float, float]


def read_answer(body: Any, request_id: str, latency_ms: float) -> Answer:
    """Return the answer in a response's JSON; raise Unreachable where it is of another form."""
    try:
        return Answer(
            label=body["label"],
            confidence=float(body["confidence"]),
            probabilities={str(label): float(p) for label, p in _named(body)},
            model=body["model"],
            version=body["version"],
            preprocessing=body["preprocessing"],
            label_set=tuple(str(label) for label in body.get("set") or ()),
            is_digit=_looks_right(body),
            frame=body.get("frame", ""),
            request_id=request_id,
            latency_ms=latency_ms,
            digit_score=None if body.get("digit_score") is None else float(body["digit_score"]),
            has_all="probabilities" in body,
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Unreachable("The model answered in an unknown form.") from error


def _named(body: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return labels with their probabilities, as an answer has them."""
    if "probabilities" in body:
        return list(body["probabilities"].items())
    return [(one["label"], one["probability"]) for one in body["top"]]


def _looks_right(body: dict[str, Any]) -> bool | None:
    """Return what an answer says of it, in the words of models with a gate or of all others."""
    said = body.get("is_digit", body.get("is_known"))
    return None if said is None else bool(said)


def read_explained(body: Any) -> Explained:
    """Return the explanation in a response's JSON; raise Unreachable where it is of another form."""
    try:
        left, top, side = (float(value) for value in body["box"])
        if not math.isfinite(left + top + side) or side <= 0:
            raise ValueError("the maps' square lies nowhere on the drawing")
        return Explained(
            label=str(body["label"]),
            runner_up=str(body["runner_up"]),
            importance=_map(body["importance"]),
            tip=_map(body["tip"]),
            box=(left, top, side),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise Unreachable("The model explained itself in an unknown form.") from error


def _map(rows: Any) -> Map:
    """Return a map of 28 x 28 finite values; raise ValueError or TypeError for anything else."""
    values = tuple(tuple(float(value) for value in row) for row in rows)
    if len(values) != MAP_SIDE or {len(row) for row in values} != {MAP_SIDE}:
        raise ValueError(f"a map of {MAP_SIDE} x {MAP_SIDE} values was expected")
    if not all(math.isfinite(value) for row in values for value in row):
        raise ValueError("a map has a value that is not a number")
    return values
