"""From a drawing to an answer, and a record on its way to the database."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from client.answers import Answer
from client.errors import Busy, NotLoaded, PredictionError, Refused
from client.inference import Inference
from db.records import Prediction
from ui import request_id
from ui.backend import Backend
from ui.draw.drawing import (
    BadDrawing,
    Drawing,
    read_drawing,
    read_interim,
    read_keep,
    read_model_path,
)
from ui.draw.thumbnail import is_in_colour, thumbnail_of
from ui.labels import labels_told
from ui.models.listing import Model
from ui.routing import Choice, answered


@dataclass(frozen=True)
class Reading:
    """An answer to show.

    Attributes:
        prediction: What is recorded of it.
        frame: What the network saw, a data URL, or "".
        is_kept: Whether the record was taken for the history; `is_on_disk` waits for the disk.
        is_private: Whether its visitor wants nothing of it to be stored.
        is_interim: Whether the pen is still down: of that nothing is stored, and nothing said of it.
        coverage: How often the set has the right label, 0 to 1; None where the archive does not say.
        label_count: How many labels the model has, as far as it is known: an answer may leave some out.
    """

    prediction: Prediction
    frame: str
    is_kept: bool
    is_private: bool = False
    coverage: float | None = None
    is_interim: bool = False
    label_count: int = 0


@dataclass(frozen=True)
class NoReading:
    """No answer to show: why not, and what the person can do; both are "" when the paper is blank.

    Attributes:
        title: Why there is none.
        advice: What the person can do.
        loads: The path of a model that has to be loaded first; "" otherwise.
        can_ask_again: Whether the same drawing may have an answer later.
    """

    title: str
    advice: str
    loads: str = ""
    can_ask_again: bool = False


BLANK = NoReading("", "")
NOTHING = "Nothing to read yet"


def predict(backend: Backend, pad_value: Any, session_id: str | None) -> Reading | NoReading:
    """Return the model's answer to what the pad holds, and hand its record to the writer.

    Waits for TorchServe only. Without a session id the answer is shown but nothing is kept, nor where the
    visitor does not want it.
    """
    model_path, is_interim = read_model_path(pad_value), read_interim(pad_value)
    model = backend.models.find(model_path)

    def count(what: str) -> None:
        if not is_interim:
            backend.metrics.predictions.labels(what, "").inc()

    try:
        drawing = read_drawing(pad_value)
    except BadDrawing as error:
        count("refused")
        return NoReading(NOTHING, str(error))
    if drawing is None:
        return BLANK
    if model is None:
        count("unreachable")
        return not_there(model_path, backend.models.own())
    backend.loader.used(model)

    def ask(path: str, inference: Inference) -> Answer:
        return inference.predict(drawing.image, path, request_id.current())

    try:
        answer, model = answered(backend, Choice(model, session_id, "/" in model_path), ask)
    except Refused as error:
        count("refused")
        return NoReading(NOTHING, str(error))
    except PredictionError as error:
        count("busy" if isinstance(error, Busy) else "unreachable")
        return loads_again(model) if is_idle(backend, model, error) else _ask_again(drawing, error)
    backend.live.answered(model.path, answer.latency_ms)
    if not is_interim:
        backend.metrics.answered(answer)
    model = backend.models.answered_by(model, answer.version)
    told = labels_told(answer, backend.models.labels(model))
    backend.models.answered(model, told, is_in_colour=is_in_colour(answer.frame))
    prediction = recorded(drawing, answer, session_id or "")
    is_private = is_interim or not read_keep(pad_value)
    is_kept = session_id is not None and not is_private and keep(backend, prediction)
    labels = len(backend.models.labels(model))
    return Reading(prediction, answer.frame, is_kept, is_private, model.coverage, is_interim, labels)


def follow(backend: Backend, pad_value: Any, session_id: str | None) -> Reading | NoReading | None:
    """Return what `predict` does of a drawing under a moving pen; None where others would wait for it."""
    with backend.live.one() as may_be_read:
        return predict(backend, pad_value, session_id) if may_be_read else None


def keep(backend: Backend, prediction: Prediction) -> bool:
    """Hand a record to the writer and show it in the history; return whether it was taken."""
    is_kept = backend.writer.submit(prediction)
    if is_kept:
        backend.recent.add(prediction)
    return is_kept


def is_on_disk(backend: Backend, reading: Reading) -> bool:
    """Return whether an answer is kept whatever becomes of the machine; a stroke does not wait for that."""
    return reading.is_kept and backend.writer.sync()


def is_idle(backend: Backend, model: Model, error: PredictionError) -> bool:
    """Return whether a model gave no answer because it has no worker and has to be loaded first."""
    may_be = isinstance(error, (Busy, NotLoaded)) and not model.is_own
    return may_be and backend.loader.has_no_worker(model)


def _ask_again(drawing: Drawing, error: PredictionError) -> NoReading:
    """Return why there is no answer; the panel has a button that sends the same drawing again."""
    there = f"Your {'picture' if drawing.source == 'upload' else 'drawing'} is still there"
    is_busy = isinstance(error, Busy)
    advice = f"{there}. Try again in a moment." if is_busy else f"TorchServe is not responding. {there}."
    return NoReading(str(error), advice, can_ask_again=True)


def not_there(path: str, own: Model) -> NoReading:
    """Return what is said until the chooser, asked to load that model, has gone to the page's own."""
    return NoReading("That model is not available now", f"Using {own.title} instead.", loads=path)


def loads_again(model: Model) -> NoReading:
    """Return what is said while a model that was idle is loaded."""
    thing = "picture" if model.reads_photos else "drawing"
    return NoReading(
        f"{model.title} was idle and is being loaded again",
        f"Your {thing} is still there and will be read as soon as the model is ready.",
        loads=model.path,
    )


def recorded(drawing: Drawing, answer: Answer, session_id: str) -> Prediction:
    """Return the record of an answer; without a thumbnail, what the network saw is shown in its place."""
    return Prediction(
        id=uuid.uuid4(),
        created_at=datetime.now(UTC),
        session_id=session_id,
        source=drawing.source,
        model_name=answer.model,
        model_version=answer.version,
        preprocessing=answer.preprocessing,
        predicted_label=answer.label,
        confidence=answer.confidence,
        probabilities=answer.probabilities,
        drawing=drawing.image,
        pen_colour=drawing.pen_colour,
        background_colour=drawing.background_colour,
        latency_ms=answer.latency_ms,
        request_id=answer.request_id,
        is_digit=answer.is_digit,
        label_set=answer.label_set or None,
        thumbnail=drawing.thumbnail or thumbnail_of(answer.frame),
        drawing_id=drawing.id,
    )
