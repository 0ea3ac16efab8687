"""The routes of the history."""

from functools import partial

from starlette.responses import RedirectResponse, Response

from db.drawings import Drawings
from ui.backend import Backend
from ui.history import one
from ui.history.deletion import delete
from ui.history.export import export
from ui.history.labelling import show_next
from ui.history.listing import show_list
from ui.shell.views import Views
from ui.shell.visit import Visit


def add_to(views: Views, backend: Backend, drawings: Drawings) -> None:
    """Add the history to the views."""
    parts = (views, backend, drawings)
    views.link("/history", "History")
    views.get("/history", partial(show_list, *parts))
    views.post("/history/delete", partial(_delete_all, views, backend))
    views.get("/history/export", partial(export, *parts))
    views.get("/history/judge", partial(show_next, *parts))
    views.get("/history/{id}", partial(one.show_one, *parts), asks_model=True)
    views.get("/history/{id}/drawing", partial(one.show_drawing, *parts))
    views.get("/history/{id}/frame", partial(one.show_frame, *parts), asks_model=True)
    views.post("/history/{id}/judge", partial(one.judge_one, *parts))
    views.post("/history/{id}/delete", partial(one.delete_one, *parts))


def _delete_all(views: Views, backend: Backend, visit: Visit) -> Response:
    said = delete(backend, visit.session_id, "")["said"]
    if said.startswith("Nothing"):
        return views.html(visit, "shell/refusal.html", 503, title=one.NOT_DELETED, advice=said)
    return RedirectResponse(f"{views.root}/history", 303)
