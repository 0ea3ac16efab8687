"""What a drawing really was, as its visitor says."""

from datetime import UTC, datetime
from html import escape
from typing import Any

from db.records import Feedback
from ui.backend import Backend
from ui.history.lookup import find


def correct(backend: Backend, session_id: str | None, prediction_id: Any, true_label: Any) -> str:
    """Record what one of the session's own drawings really was; return "", or why it is not recorded."""
    row = find(backend, session_id, prediction_id)
    if session_id is None or row is None:
        return "This drawing is not in your history, so its correction could not be kept."
    prediction = row.prediction
    if not isinstance(true_label, str) or true_label not in prediction.probabilities:
        return f"{true_label!r} is not a label of this model: choose one of the buttons."
    feedback = Feedback(prediction.id, true_label, datetime.now(UTC), session_id)
    if not (backend.writer.submit(feedback) and backend.writer.sync()):
        return "Your correction could not be kept: there is no room for it now. Try again later."
    backend.recent.judge(session_id, prediction.id, true_label)
    was = "right" if true_label == prediction.predicted_label else "wrong"
    backend.metrics.corrections.labels(was, prediction.model_name, prediction.model_version).inc()
    return ""


def complaint_html(complaint: str) -> str:
    """Return the line that says why a correction was not kept, "" when it was."""
    return f'<p class="notice" role="alert">{escape(complaint)}</p>' if complaint else ""
