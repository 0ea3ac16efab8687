"""The list of drawings: a page of rows by day, how many match, and what filters may be set to."""

from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from starlette.responses import Response

from db.drawings import MOST_COUNTED, Drawings
from db.records import HistoryRow
from ui.backend import Backend
from ui.draw.words import DIGITS
from ui.history import words
from ui.history.asked import SHOW_WORDS, TIME_WORDS, Asked, read_asked
from ui.history.export import MOST_PICTURES, MOST_ROWS
from ui.history.settled import settle
from ui.shell.views import Views
from ui.shell.visit import Visit

PAGE_ROWS = 50
NOTHING_YET = "Nothing yet. What you draw will appear here."
NOTHING_MATCHES = "No drawings match."


def show_list(views: Views, backend: Backend, drawings: Drawings, visit: Visit) -> Response:
    """Return the page that an address with filters asks for."""
    now = datetime.now(UTC)
    asked = read_asked(visit, visit.request.query_params, now)
    settle(backend.writer)
    values = _nothing() if asked is None else _found(backend, drawings, asked, now)
    return views.html(visit, "history/list.html", words=words, now=now, **values)


def _nothing() -> dict[str, Any]:
    return {"asked": None, "days": [], "counted": "No drawings", "empty": NOTHING_YET, "next": None}


def _found(backend: Backend, drawings: Drawings, asked: Asked, now: datetime) -> dict[str, Any]:
    rows = drawings.page(asked.filter, PAGE_ROWS + 1, asked.before)
    shown = rows[:PAGE_ROWS]
    last = shown[-1].prediction if len(rows) > PAGE_ROWS else None
    count = drawings.count(asked.filter)
    known = drawings.known(asked.filter.session_id)
    # What was deleted a moment ago while the database was away is in it until the writer comes to that.
    shown = [row for row in shown if not backend.recent.is_deleted(row)]
    is_filtered = asked.fields.keys() - {"of", "zone"}
    none = SHOW_WORDS["none"] if DIGITS.issuperset(known.labels) else "None of these"
    return {
        "asked": asked,
        "show_words": {**SHOW_WORDS, "none": none},
        "days": by_day(shown, now),
        "counted": counted(count),
        "empty": NOTHING_MATCHES if is_filtered or asked.before else NOTHING_YET,
        "next": asked.query_after((last.created_at, last.id)) if last else None,
        "labels": choices(known.labels, asked.filter.label),
        "true_labels": choices(known.labels, asked.filter.true_label),
        "models": choices([f"{name}/{version}" for name, version in known.models], asked.fields.get("model")),
        "times": _times(asked),
        "most_rows": MOST_ROWS,
        "most_pictures": MOST_PICTURES,
    }


def _times(asked: Asked) -> dict[str, str]:
    """Return what "When" offers: a day too, where the address has one."""
    time, since = asked.fields.get("time", ""), asked.filter.since
    is_day = time not in TIME_WORDS and since is not None
    return {**TIME_WORDS, time: f"Since {since:%Y-%m-%d}"} if is_day else TIME_WORDS


def by_day(rows: list[HistoryRow], now: datetime) -> list[tuple[str, list[HistoryRow]]]:
    """Return the rows by their day in UTC, as it is written; times.js makes that the browser's own days."""
    grouped = groupby(rows, key=lambda row: words.day(row.prediction.created_at, now))
    return [(day, list(of_day)) for day, of_day in grouped]


def counted(count: int) -> str:
    """Return how many there are in words."""
    if count > MOST_COUNTED:
        return f"More than {MOST_COUNTED:,} drawings"
    return f"{count:,} drawing{'' if count == 1 else 's'}"


def choices(known: tuple[str, ...] | list[str], chosen: str | None) -> list[str]:
    """Return what a select offers: what is known, and what is chosen even if nobody knows it."""
    return sorted({*known, *([chosen] if chosen else [])})
