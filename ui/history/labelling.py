"""Judging many drawings one after the other, by keyboard or touch: those that nobody has judged."""

from dataclasses import replace
from datetime import UTC, datetime

from starlette.responses import RedirectResponse, Response

from db.drawings import Drawings
from ui.backend import Backend
from ui.draw.words import none_of_these
from ui.history import words
from ui.history.asked import read_asked
from ui.history.listing import counted
from ui.history.one import BUTTONS
from ui.history.settled import settle
from ui.labels import with_all_labels
from ui.shell.views import Views
from ui.shell.visit import Visit

# On one page: their pictures are loaded while the first one is judged.
AT_ONCE = 20
ALL_JUDGED = "All of them have been judged."
PASSED_OVER = "That was the last one. The rest were skipped."


def show_next(views: Views, backend: Backend, drawings: Drawings, visit: Visit) -> Response:
    """Return the next drawings that nobody has judged; without scripts one of them is judged at a time."""
    asked = read_asked(visit, visit.request.query_params, datetime.now(UTC))
    if asked is None:
        return RedirectResponse(f"{views.root}/history", 303)
    settle(backend.writer)
    wanted = replace(asked.filter, show="open", true_label="")
    rows = drawings.page(wanted, AT_ONCE, asked.before)
    last = rows[-1].prediction if rows else None
    after = asked.query_after((last.created_at, last.id)) if last else ""
    count = drawings.count(wanted)
    return views.html(
        visit,
        "history/labelling.html",
        query=asked.query(),
        rows=[with_all_labels(backend.models, row) for row in rows if not backend.recent.is_deleted(row)],
        left=f"{counted(count)} not judged",
        next=f"{views.root}/history/judge{after}" if after else "",
        action_of=lambda prediction: f"{views.root}/history/{prediction.id}/judge",
        and_then_fields={"then": "judge", "query": asked.query()},
        empty=PASSED_OVER if asked.before and count else ALL_JUDGED,
        again=f"{views.root}/history/judge{asked.query()}" if asked.before and count else "",
        words=words,
        most_buttons=BUTTONS,
        none_of_these=none_of_these,
    )
