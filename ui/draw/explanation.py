"""Why a drawing was read as it was: the maps of TorchServe's explanation, and words for them."""

from math import log
from typing import Any

from client.answers import Explained
from client.errors import PredictionError, Refused, Unexplained
from client.management import path_of
from ui import request_id
from ui.backend import Backend
from ui.draw.outcome import is_idle
from ui.history.lookup import drawing_of, find
from ui.models.listing import Model

# In log-odds. A map is coloured by its own strongest value: below this, the words say how little that is.
DOUBLE_ODDS = log(2)
# What was drawn is not known then: a stroke would take a picture's place.
NOT_KEPT = "This answer was not stored. Add a stroke, or choose the picture again, then ask why."
LOADS_AGAIN = "{} was idle and is being loaded again. Ask why once it has read your {}."


def explain(backend: Backend, session_id: str | None, prediction_id: Any, asked: Any) -> dict[str, Any]:
    """Return why one of the session's own drawings got its answer, as explanation.js shows it.

    The very model that answered is asked again, by name and version. The value has the number `asked` of the
    question, and either both maps, their box in the drawing's own pixels, words, and whether it is a
    photograph, or a `complaint`; with a complaint there may be `loads`, the path of the model that has to be
    loaded first.
    """
    value: dict[str, Any] = {"asked": asked if isinstance(asked, int) else 0}
    row = find(backend, session_id, prediction_id)
    drawing = drawing_of(backend, row) if row else None
    if row is None or drawing is None:
        return {**value, "complaint": NOT_KEPT}
    prediction = row.prediction
    path = path_of(prediction.model_name, prediction.model_version)
    model = backend.models.find(path)
    if model is not None:
        backend.loader.used(model)
    try:
        explained = backend.inference.explain(drawing, path, request_id.current())
    except (Refused, Unexplained) as error:  # and would be the next time, too
        return {**value, "complaint": str(error)}
    except PredictionError as error:
        if model is not None and is_idle(backend, model, error):
            return {**value, "complaint": _loads_again(model), "loads": model.path}
        return {**value, "complaint": f"{error} Try again in a moment."}
    return {
        **value,
        "label": explained.label,
        "runner_up": explained.runner_up,
        "importance": explained.importance,
        "tip": explained.tip,
        "box": explained.box,
        "importance_note": _importance_note(explained),
        "tip_note": _tip_note(explained),
        "is_photo": model is not None and model.reads_photos,
    }


def _loads_again(model: Model) -> str:
    return LOADS_AGAIN.format(model.title, "picture" if model.reads_photos else "drawing")


def _importance_note(explained: Explained) -> str:
    if max(map(max, explained.importance)) < DOUBLE_ODDS:
        return f"No single part decided it: without any one of them, {explained.label} is hardly less likely."
    return ""


def _tip_note(explained: Explained) -> str:
    if max(abs(value) for row in explained.tip for value in row) < DOUBLE_ODDS:
        return f"Small changes do little: {explained.runner_up} is far off."
    return ""
