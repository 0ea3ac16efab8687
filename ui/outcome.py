"""From a drawing to an answer and a record on its way to the database; corrections likewise."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from db.log import DatabaseUnavailable, PredictionLog
from db.records import Feedback, HistoryRow, Prediction
from db.writer import Writer
from ui.drawing import BadDrawing, Drawing, read_drawing
from ui.metrics import Metrics
from ui.recent import Recent
from ui.thumbnails import Thumbnails
from ui.torchserve import Answer, Busy, PredictionError, Refused, TorchServe


@dataclass(frozen=True)
class Backend:
    """What stands behind the page, made once when it starts."""

    torchserve: TorchServe
    model: str
    log: PredictionLog
    writer: Writer
    recent: Recent
    thumbnails: Thumbnails
    metrics: Metrics


@dataclass(frozen=True)
class Reading:
    """An answer to show, and whether its record was taken for the history."""

    prediction: Prediction
    frame: str
    is_kept: bool


@dataclass(frozen=True)
class NoReading:
    """No answer to show: why not, and what the person can do; both are "" when the paper is blank."""

    title: str
    advice: str


BLANK = NoReading("", "")


def predict(backend: Backend, pad_value: Any, session_id: str | None) -> Reading | NoReading:
    """Return the model's answer to what the pad holds, and hand its record to the writer.

    Waits for TorchServe only. Without a session id the answer is shown but nothing is kept.
    """
    try:
        drawing = read_drawing(pad_value)
        if drawing is None:
            return BLANK
        answer = backend.torchserve.predict(drawing.image, backend.model)
    except (BadDrawing, Refused) as error:
        backend.metrics.predictions.labels("refused", "").inc()
        return NoReading("Nothing to read yet", str(error))
    except Busy as error:
        backend.metrics.predictions.labels("busy", "").inc()
        return NoReading(str(error), "Your drawing is still there: add a stroke in a moment to ask again.")
    except PredictionError as error:
        backend.metrics.predictions.labels("unreachable", "").inc()
        return NoReading(str(error), "Your drawing is still there: the next stroke asks again.")
    backend.metrics.predictions.labels("answered", answer.label).inc()
    backend.metrics.latency_s.observe(answer.latency_ms / 1000)
    prediction = _record(drawing, answer, session_id or "")
    if session_id is None:
        return Reading(prediction, answer.frame, is_kept=False)
    backend.recent.add(HistoryRow(prediction, true_label=None))
    return Reading(prediction, answer.frame, is_kept=backend.writer.submit(prediction))


def correct(backend: Backend, session_id: str | None, prediction_id: Any, true_label: Any) -> str:
    """Record what one of the session's own drawings really was; return "", or why it is not recorded."""
    row = _find(backend, session_id, prediction_id)
    if session_id is None or row is None:
        return "This drawing is not in your history, so its correction could not be kept."
    prediction = row.prediction
    if not isinstance(true_label, str) or true_label not in prediction.probabilities:
        return f"{true_label!r} is not a label of this model: choose one of the buttons."
    feedback = Feedback(prediction.id, true_label, datetime.now(UTC), session_id)
    if not backend.writer.submit(feedback):
        return "Your correction could not be kept: too many records wait for the database. Try again later."
    backend.recent.judge(session_id, prediction.id, true_label)
    was = "right" if true_label == prediction.predicted_label else "wrong"
    backend.metrics.corrections.labels(was).inc()
    return ""


def _find(backend: Backend, session_id: str | None, prediction_id: Any) -> HistoryRow | None:
    """Return one of the session's rows, from memory or, after a restart of the page, from the database."""
    try:
        wanted = uuid.UUID(str(prediction_id))
    except ValueError:
        return None
    if session_id is None:
        return None
    known = backend.recent.find(session_id, wanted)
    if known is not None or backend.writer.paused:
        return known
    try:
        backend.recent.merge(session_id, backend.log.history(session_id))
    except DatabaseUnavailable:
        return None
    return backend.recent.find(session_id, wanted)


def _record(drawing: Drawing, answer: Answer, session_id: str) -> Prediction:
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
    )
