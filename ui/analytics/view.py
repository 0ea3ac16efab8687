"""The view at /analytics: which model and which days are shown, and the page."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from client.management import path_of
from db.analytics import Analytics
from db.figures import Seen
from ui.analytics import address, judged, numbers
from ui.analytics.address import Asked
from ui.analytics.once import Busy, Once
from ui.analytics.report import Report, report
from ui.backend import Backend
from ui.history import words
from ui.shell.views import Views
from ui.shell.visit import Visit

BUSY = "Somebody else is loading the figures"
BUSY_ADVICE = "They are loaded for one person at a time, to keep the page fast. Try again in a moment."
NO_SUCH = "No such figures"


@dataclass(frozen=True)
class Shown:
    """What was read: the model that is shown, all that can be chosen, and the figures."""

    model: tuple[str, str]
    models: list[tuple[str, str]]
    report: Report


def add_to(views: Views, backend: Backend, analytics: Analytics) -> None:
    """Add the view, for operators."""
    once = Once()
    views.link("/analytics", "Analytics")

    def show(visit: Visit) -> Response:
        visit.require_operator()
        try:
            asked = address.read(visit.request.query_params)
            shown: Shown = once.get(asked, lambda: read(backend, analytics, asked))
        except ValueError as error:
            return views.html(visit, "shell/refusal.html", 400, title=NO_SUCH, advice=str(error))
        except Busy:
            refused = views.html(visit, "shell/refusal.html", 503, title=BUSY, advice=BUSY_ADVICE)
            refused.headers["Retry-After"] = "2"
            return refused
        return views.html(visit, "analytics/analytics.html", **_values(shown, asked))

    views.get("/analytics", show)


def read(backend: Backend, analytics: Analytics, asked: Asked) -> Shown:
    """Return what is shown, from the database as of one moment.

    Raises:
        DatabaseUnavailable: It cannot be read now.
    """
    own = backend.models.own()
    today = datetime.now(UTC).date()
    with analytics.reading() as reading:
        seen = reading.models()
        name, version = asked.model or _own((own.name, own.version), seen)
        known = {(one.name, one.version): one for one in seen}
        span = address.span_of(asked.days, known.get((name, version)), today)
        figures = reading.figures(name, version, span)
        look = reading.look(name, version)
    archive = backend.models.find(path_of(name, version)) if version else None
    models = [*known] if (name, version) in known else [(name, version), *known]
    return Shown((name, version), models, report((name, version), archive, span, today, figures, look))


def _own(own: tuple[str, str], seen: list[Seen]) -> tuple[str, str]:
    """Return the page's own model; where nobody says which version, the one that answered last."""
    name, version = own
    versions = [one for one in seen if one.name == name]
    if version or not versions:
        return own
    return name, max(versions, key=lambda one: one.last).version


def _values(shown: Shown, asked: Asked) -> dict[str, Any]:
    """Return what the template knows."""
    return {
        "report": shown.report,
        "title": " ".join(shown.model).rstrip(),
        "models": [
            (address.written(model), " ".join(model).rstrip(), model == shown.model) for model in shown.models
        ],
        "ranges": [
            (
                address.link(shown.model, days),
                "All days" if days == "all" else f"{days} days",
                days == asked.days,
            )
            for days in address.RANGES
        ],
        "days": asked.days,
        "numbers": numbers,
        "interval": judged.interval_words,
        "picture": words.source,
    }
