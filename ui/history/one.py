"""One drawing: what it was read as and why, all answers to it, and what may be done with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from client.answers import Answer
from client.errors import PredictionError
from client.management import path_of
from db.drawings import Drawings
from db.records import HistoryRow
from ui import request_id
from ui.backend import Backend
from ui.draw.explanation import explain
from ui.draw.words import none_of_these
from ui.history import picture, words
from ui.history.corrections import record
from ui.history.deletion import delete
from ui.history.settled import settle
from ui.labels import with_all_labels
from ui.models.listing import Model
from ui.shell.views import Views
from ui.shell.visit import Visit

# So many bars; the others are below "more".
BARS = 10
# More labels than these are chosen from a list.
BUTTONS = 12
GONE = "Drawing not found"
GONE_ADVICE = "It was deleted, or it belongs to somebody else."
# Whose word it is where an operator has no id: their browser has never opened the pad.
OPERATOR = "operator"
NOT_KEPT = "That could not be saved"
NOT_DELETED = "That could not be deleted"


@dataclass(frozen=True)
class Found:
    """A drawing that who asks may see, and its file."""

    row: HistoryRow
    image: bytes


def find(backend: Backend, drawings: Drawings, visit: Visit) -> HistoryRow | None:
    """Return the row that an address names, where it is the visitor's own or an operator asks."""
    try:
        wanted = UUID(visit.request.path_params["id"])
    except ValueError:
        return None
    session_id = None if visit.is_operator else visit.session_id
    if session_id is None and not visit.is_operator:
        return None
    settle(backend.writer)
    row = drawings.find(wanted, session_id)
    return None if row is None or backend.recent.is_deleted(row) else row


def find_with_image(backend: Backend, drawings: Drawings, visit: Visit) -> Found | None:
    """Return the same with its file."""
    row = find(backend, drawings, visit)
    image = drawings.drawing(row.prediction.id, row.prediction.session_id) if row else None
    return Found(row, image) if row and image else None


def gone(views: Views, visit: Visit) -> Response:
    """Return what is said where there is no such drawing, whether it was deleted or is another's."""
    return views.html(visit, "shell/refusal.html", 404, title=GONE, advice=GONE_ADVICE)


def show_one(views: Views, backend: Backend, drawings: Drawings, visit: Visit) -> Response:
    """Return a drawing's page; `?why=` explains it, `?ask=` has another model read it."""
    found = find_with_image(backend, drawings, visit)
    if found is None:
        return gone(views, visit)
    row, params = with_all_labels(backend.models, found.row), visit.request.query_params
    prediction = row.prediction
    models = [model for model in backend.models.listing().models if model.is_own or model.ready_workers]
    answered_by = backend.models.known(path_of(prediction.model_name, prediction.model_version))
    is_shown = picture.media_type(found.image)[0] != picture.SAVED
    now = datetime.now(UTC)
    return views.html(
        visit,
        "history/one.html",
        row=row,
        words=words,
        day=words.day(prediction.created_at, now),
        is_shown=is_shown,
        size=picture.size_px(found.image) if is_shown else None,
        is_photo=answered_by is not None and answered_by.reads_photos,
        bars=sorted(prediction.probabilities.items(), key=lambda one: -one[1]),
        most_bars=BARS,
        most_buttons=BUTTONS,
        none_of_these=none_of_these(row.prediction.probabilities),
        answers=drawings.answers(row),
        is_own=prediction.session_id == visit.session_id,
        why=_why(backend, found) if params.get("why") else None,
        view="tip" if params.get("why") == "tip" else "importance",
        models=models,
        asked=params.get("ask", ""),
        other=_ask_other(backend, models, found.image, params["ask"]) if params.get("ask") else None,
    )


def show_drawing(views: Views, backend: Backend, drawings: Drawings, visit: Visit) -> Response:
    """Return a drawing's file as it was sent."""
    found = find_with_image(backend, drawings, visit)
    if found is None:
        return gone(views, visit)
    return picture.drawing_response(found.image, str(found.row.prediction.id))


def show_frame(views: Views, backend: Backend, drawings: Drawings, visit: Visit) -> Response:
    """Return what the network saw, for which the very model that answered is asked again."""
    found = find_with_image(backend, drawings, visit)
    if found is None:
        return gone(views, visit)
    prediction = found.row.prediction
    path = path_of(prediction.model_name, prediction.model_version)
    try:
        frame = backend.inference.predict(found.image, path, request_id.current()).frame
    except PredictionError:
        frame = ""
    png = picture.png_of(frame)
    return picture.drawing_response(png, "frame") if png else gone(views, visit)


def judge_one(views: Views, backend: Backend, drawings: Drawings, visit: Visit) -> Response:
    """Record what is said of a drawing, and return to it."""
    row = find(backend, drawings, visit)
    if row is None:
        return gone(views, visit)
    kind = visit.form.get("kind") or "label"
    said_by = visit.session_id or OPERATOR
    network = backend.networks.of(visit.request)
    result = record(backend, row, said_by, visit.form.get("label"), kind, network)
    if isinstance(result, str):
        return views.html(visit, "shell/refusal.html", 400, title=NOT_KEPT, advice=result)
    if visit.form.get("then") == "judge":
        query = visit.form.get("query", "")
        # A query alone: what else a form says leads nowhere.
        return RedirectResponse(f"{views.root}/history/judge{query if query.startswith('?') else ''}", 303)
    return RedirectResponse(f"{views.root}/history/{row.prediction.id}", 303)


def delete_one(views: Views, backend: Backend, drawings: Drawings, visit: Visit) -> Response:
    """Delete a drawing with all that was said of it, and return to the list."""
    row = find(backend, drawings, visit)
    if row is None:
        return gone(views, visit)
    said = delete(backend, row.prediction.session_id, str(row.prediction.id))["said"]
    if not backend.recent.is_deleted(row):
        return views.html(visit, "shell/refusal.html", 503, title=NOT_DELETED, advice=said)
    return RedirectResponse(f"{views.root}/history", 303)


def _why(backend: Backend, found: Found) -> dict[str, Any]:
    """Return the maps as pictures and where they lie, in percent of the drawing; or a complaint."""
    prediction = found.row.prediction
    value = explain(backend, prediction.session_id, str(prediction.id), 0)
    size = picture.size_px(found.image)
    if "complaint" in value or size is None:
        return {"complaint": value.get("complaint", "This drawing cannot be shown with an explanation.")}
    left, top, side = value["box"]
    return {
        **value,
        "complaint": "",
        "importance_url": picture.map_url(value["importance"], picture.MATTERED),
        "tip_url": picture.map_url(value["tip"], picture.ADD, picture.ERASE),
        "left": 100 * left / size[0],
        "top": 100 * top / size[1],
        "width": 100 * side / size[0],
        "height": 100 * side / size[1],
    }


def _ask_other(backend: Backend, models: list[Model], image: bytes, path: str) -> Answer | str:
    """Return what another model that is loaded makes of the drawing, or why it says nothing."""
    model = next((model for model in models if model.path == path), None)
    if model is None:
        return "That model is not loaded: choose it on Draw first."
    backend.loader.used(model)
    try:
        return backend.inference.predict(image, model.path, request_id.current())
    except PredictionError as error:
        return str(error)
