"""The review queue: operators say what drawings are, one after the other, and that is gold for the loop."""

from functools import partial
from uuid import UUID

from sqlalchemy import Engine
from starlette.responses import RedirectResponse, Response

from db import reviews
from db.records import HistoryRow, Summary
from db.schema import DECISIONS
from ui.backend import Backend
from ui.draw.words import none_of_these
from ui.history import words
from ui.history.listing import counted
from ui.history.one import BUTTONS, NOT_KEPT, OPERATOR, gone
from ui.labels import has_label, with_all_labels
from ui.percent import percent
from ui.shell.views import Views
from ui.shell.visit import Visit

# On one page: their pictures are loaded while the first one is judged.
AT_ONCE = 20
EMPTY = "Nothing to review: make retrain fills the queue."
ELSEWHERE = "Other operators are reviewing all that is left."
TAKEN_BACK = "taken_back"


def add_to(views: Views, backend: Backend, engine: Engine) -> None:
    """Add the review queue to the views."""
    views.get("/review", partial(_show, views, backend, engine))
    views.post("/review/{id}", partial(_decide, views, backend, engine))


def _show(views: Views, backend: Backend, engine: Engine, visit: Visit) -> Response:
    visit.require_operator()
    queue = reviews.queue(engine, AT_ONCE, visit.session_id or OPERATOR)
    waiting = [one for one in queue if not backend.recent.is_deleted(one.row)]
    count = reviews.count(engine)
    whys = {one.row.prediction.id: one.why for one in waiting}
    return views.html(
        visit,
        "review/review.html",
        query="",
        left=f"{counted(count)} to review",
        rows=[with_all_labels(backend.models, one.row) for one in waiting],
        next="",
        action_of=lambda prediction: f"{views.root}/review/{prediction.id}",
        and_then_fields={},
        why=lambda row: _why(row, whys[row.prediction.id]),
        empty=ELSEWHERE if count and not queue else EMPTY,
        again="",
        words=words,
        most_buttons=BUTTONS,
        none_of_these=none_of_these,
    )


def _why(row: HistoryRow, why: str) -> str:
    """Return what was claimed, and why an operator is asked."""
    said = words.really(row)
    claim = f"Said to be {said}" if said else "Nobody has said what it is"
    return {
        "contradicted": f"{claim} by one person, and something else by another",
        "improbable": f"{claim}, but the model gave that {_share(row.prediction, row.true_label)}",
        "untrusted": f"{claim}, by somebody whose other judgements look wrong",
        "over_cap": f"{claim}, like many others",
    }.get(why, claim)


def _share(prediction: Summary, label: str | None) -> str:
    return "next to nothing" if label is None else percent(prediction.probabilities.get(label, 0.0))


def _decide(views: Views, backend: Backend, engine: Engine, visit: Visit) -> Response:
    visit.require_operator()
    try:
        wanted = UUID(visit.request.path_params["id"])
    except ValueError:
        return gone(views, visit)
    answered = reviews.answered(engine, wanted)
    if answered is None:
        return gone(views, visit)
    kind, label = visit.form.get("kind") or "label", visit.form.get("label")
    if kind not in (*DECISIONS, TAKEN_BACK) or (
        kind == "label" and not has_label(backend.models, answered, label)
    ):
        said = f"{label if kind == 'label' else kind!r:.50} is not an answer here: choose one of the buttons."
        return views.html(visit, "shell/refusal.html", 400, title=NOT_KEPT, advice=said)
    by = visit.session_id or OPERATOR
    reviews.decide(engine, wanted, None if kind == TAKEN_BACK else kind, label, by)
    return RedirectResponse(f"{views.root}/review", 303)
