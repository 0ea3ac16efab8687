"""What a drawing really was, as its visitor says."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from db.records import Feedback, HistoryRow
from db.schema import FEEDBACK_KINDS
from ui.backend import Backend
from ui.history.lookup import find
from ui.history.words import verdict
from ui.labels import has_label


def judge(
    backend: Backend,
    session_id: str | None,
    prediction_id: Any,
    true_label: Any,
    kind: Any = "label",
    network: bytes | None = None,
) -> HistoryRow | str:
    """Record what a person says of one of the session's own answers.

    Args:
        backend: What stands behind the page.
        session_id: Whose answer it is.
        prediction_id: Which one, as the browser names it.
        true_label: What the drawing really was; for the other kinds it is left aside.
        kind: One of `FEEDBACK_KINDS`.
        network: From which network, as `ui.networks` names it.

    Returns:
        The answer as it is judged now, or why nothing is recorded.
    """
    row = find(backend, session_id, prediction_id)
    if session_id is None or row is None:
        return "This drawing is not in your history, so your judgement could not be saved."
    return record(backend, row, session_id, true_label, kind, network)


def record(
    backend: Backend,
    row: HistoryRow,
    said_by: str,
    true_label: Any,
    kind: Any = "label",
    network: bytes | None = None,
) -> HistoryRow | str:
    """Record what a person says of an answer that they may judge; otherwise as `judge`."""
    prediction = row.prediction
    if kind not in FEEDBACK_KINDS:
        return f"{kind!r:.50} is not a kind of judgement: use {', '.join(map(repr, FEEDBACK_KINDS))}."
    if kind != "label":
        true_label = None
    elif not isinstance(true_label, str) or not has_label(backend.models, prediction, true_label):
        return f"{true_label!r:.50} is not a label of this model: choose one of its labels."
    feedback = Feedback(prediction.id, true_label, datetime.now(UTC), said_by, kind, network)
    if not (backend.writer.submit(feedback) and backend.writer.sync()):
        return "Your judgement could not be saved: there is no room right now. Try again later."
    backend.recent.judge(replace(feedback, session_id=prediction.session_id))
    result = replace(row, true_label=true_label, is_no_digit=kind == "not_a_digit")
    if result.is_judged:
        version = (prediction.model_name, prediction.model_version)
        backend.metrics.corrections.labels(verdict(result), *version).inc()
    return result
