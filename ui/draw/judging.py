"""The question "Is it 7?", and what came of its answers."""

from typing import Any

from db.records import HistoryRow
from ui.backend import Backend
from ui.draw.words import none_of_these
from ui.history.corrections import judge


def judging_value(
    backend: Backend,
    session_id: str | None,
    prediction_id: Any,
    label: Any,
    kind: Any,
    asked: Any,
    network: bytes | None = None,
) -> dict[str, Any]:
    """Record what a person says of an answer; return what judging.js shows.

    The value has the number `asked` and what was said, and either a `complaint`, why it is not kept, or in
    `said` what is.
    """
    result = judge(backend, session_id, prediction_id, label, kind, network)
    return {
        "asked": asked if isinstance(asked, int) else 0,
        "prediction": str(prediction_id),
        "kind": str(kind),
        "label": str(label),
        "complaint": result if isinstance(result, str) else "",
        "said": _said(result) if isinstance(result, HistoryRow) else "",
    }


def _said(row: HistoryRow) -> str:
    if not row.is_judged:
        return f"Taken back. Is it {row.prediction.predicted_label}?"
    if row.is_no_digit:
        return f"Saved: {none_of_these(row.prediction.probabilities).lower()}"
    kept = f"Saved: it is {row.true_label}"
    # Not plainly wrong, then.
    return f"{kept}, which the model had not ruled out" if row.is_in_set and not row.is_right else kept
