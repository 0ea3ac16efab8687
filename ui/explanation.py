"""Why a drawing was read as it was: the maps of TorchServe's explanation, and words for them."""

import uuid
from contextlib import suppress
from math import log
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ui.outcome import Backend
from ui.torchserve import Explained, PredictionError

FOLDER = Path(__file__).parent
# In log-odds. A map is coloured by its own strongest value: below this, the words say how little that is.
DOUBLE_ODDS = log(2)


def explanation_panel() -> gr.HTML:
    """Return the panel; its event `ask` comes with `asked` and `prediction`, its value is `explain`'s."""
    return gr.HTML(
        value={},
        html_template=(FOLDER / "explanation.html").read_text(encoding="utf-8"),
        js_on_load=(FOLDER / "explanation.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="why",
    )


def explain(backend: Backend, session_id: str | None, prediction_id: Any, asked: Any) -> dict[str, Any]:
    """Return why one of the session's own drawings got its answer, as explanation.js shows it.

    The very model that answered is asked again, by name and version. The value has the number `asked` of the
    question, and either both maps, their box in the drawing's own pixels and words, or a `complaint`.
    """
    value: dict[str, Any] = {"asked": asked if isinstance(asked, int) else 0}
    row = None
    with suppress(ValueError):  # what is no id was never given out
        row = backend.recent.find(session_id or "", uuid.UUID(str(prediction_id)))
    if row is None:
        return {**value, "complaint": "This answer is no longer at hand. Add a stroke, then ask again."}
    prediction = row.prediction
    model = f"{quote(prediction.model_name, safe='')}/{quote(prediction.model_version, safe='')}"
    try:
        explained = backend.torchserve.explain(prediction.drawing, model)
    except PredictionError as error:
        return {**value, "complaint": str(error)}
    return {
        **value,
        "label": explained.label,
        "runner_up": explained.runner_up,
        "importance": explained.importance,
        "tip": explained.tip,
        "box": explained.box,
        "importance_note": _importance_note(explained),
        "tip_note": _tip_note(explained),
    }


def _importance_note(explained: Explained) -> str:
    if max(map(max, explained.importance)) < DOUBLE_ODDS:
        return f"No piece of it was needed: without any one, {explained.label} is hardly less likely."
    return ""


def _tip_note(explained: Explained) -> str:
    if max(abs(value) for row in explained.tip for value in row) < DOUBLE_ODDS:
        return f"Neither does much: {explained.runner_up} is far off."
    return ""
