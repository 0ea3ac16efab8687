"""The view of the models: what is served, and for operators what they can change about it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Engine
from starlette.responses import RedirectResponse, Response

from client.errors import Unreachable
from db.comparison import Comparison, Figures
from system.memory import available_bytes
from system.ports import is_loopback
from ui.backend import Backend
from ui.models import comparison_view
from ui.models.board import Board, Boards, Version
from ui.models.cards import Card, read_card
from ui.models.changes import MOST_WORKERS, Change, consequences, read_change, refusal, why_it_stays
from ui.models.comparing import Comparer
from ui.models.desk import WAIT_S, ChangeNotMade, Desk
from ui.models.facts import facts, reads
from ui.models.rollouts import Rollouts
from ui.models.soon import Soon
from ui.settings import Settings
from ui.shell.views import Views
from ui.shell.visit import Visit

MODELS = "/models"
# What the database says of versions may be so old, and a page waits so long for it.
FIGURES_AGE_S = 10.0
FIGURES_WAIT_S = 1.0


@dataclass(frozen=True)
class Shown:
    """A version as the view shows it; `facts` and `stays` are for operators."""

    version: Version
    reads: str
    card: Card | None
    facts: list[tuple[str, str]]
    stays: str


class ModelsView:
    """Answers for the view; may be used by many threads."""

    def __init__(self, views: Views, backend: Backend, engine: Engine, settings: Settings) -> None:
        self._views = views
        self._backend = backend
        self._store = settings.model_store
        self._root = settings.root_path
        self._boards = Boards(
            backend.models, backend.management, settings.model_store, settings.known_archives
        )
        comparison = Comparison(engine)
        self._figures: Soon[dict[tuple[str, str], Figures]] = Soon(
            comparison.figures, FIGURES_AGE_S, FIGURES_WAIT_S
        )
        self._rollouts = Rollouts(engine)
        self._desk = Desk(
            self._boards,
            self._rollouts,
            backend.models,
            backend.loader,
            backend.management,
            available_bytes
            if is_loopback(urlsplit(settings.management_url).hostname or "")
            else lambda: None,
        )
        self.comparer = Comparer(
            backend.inference, comparison, lambda version: backend.loader.used(version.model)
        )
        comparison_view.add_to(views, settings.root_path, self._boards, self.comparer, comparison)

    def models(self, visit: Visit) -> Response:
        """Return the list."""
        board, is_current = self._boards.board()
        figures = self._figures.get() if visit.is_operator else ({}, True)
        shown = [self._shown(version, figures) for version in board.versions] if board else []
        is_moving = board is None or any(version.is_starting for version in board.versions)
        return self._views.html(
            visit,
            "models/models.html",
            shown=shown,
            is_current=is_current,
            refused=board.refused if board else {},
            lately=[*self._desk.lately],
            rollouts=self._rollouts.shown() if visit.is_operator else [],
            job=self.comparer.job,
            most_workers=MOST_WORKERS,
            again=visit.is_operator and (is_moving or not is_current or self._desk.is_at_work),
        )

    def card(self, visit: Visit) -> Response:
        """Return a version's card."""
        board, _ = self._boards.board()
        version = board.find(visit.request.query_params.get("path", "")) if board else None
        card = read_card(self._store, version.model) if version else None
        if version is None or card is None:
            return self._nothing(visit, "No card", "That model has no card, or is no longer there.")
        return self._views.html(visit, "models/card.html", version=version, card=card)

    def confirm(self, visit: Visit) -> Response:
        """Return what a change means, and the button that makes it."""
        visit.require_operator()
        query = visit.request.query_params
        change = read_change(query.get("verb", ""), query.get("path", ""), query.get("workers", ""))
        if isinstance(change, str):
            return self._nothing(visit, "Not done", change, 400)
        try:
            board = self._boards.renewed(WAIT_S)
        except Unreachable as error:
            advice = "Nothing can be changed until it does. Try again in a moment."
            return self._nothing(visit, str(error), advice, 503)
        version = board.find(change.path)
        if version is None:
            return self._nothing(visit, "Not done", "That version is no longer there.", 404)
        why = refusal(change, version, board, self._desk.free_bytes)
        return self._confirmation(visit, change, version, board, why)

    def change(self, visit: Visit) -> Response:
        """Make a change that was confirmed, and go back to the list."""
        visit.require_operator()
        form = visit.form
        given = (form.get(name, "") for name in ("verb", "path", "workers", "despite"))
        change = read_change(*given)
        if isinstance(change, str):
            return self._nothing(visit, "Not done", change, 400)
        if change.verb == "unload" and self.comparer.job and self.comparer.job.asks(change.path):
            advice = "A comparison is using it: wait until it ends, or cancel it."
            return self._nothing(visit, "Not done", advice, 409)
        try:
            self._desk.make(change, form.get("seen", ""), _who(visit))
        except ChangeNotMade as error:
            return self._nothing(visit, "Not done", str(error), 409)
        return RedirectResponse(f"{self._root}{MODELS}", 303)

    def _confirmation(
        self, visit: Visit, change: Change, version: Version, board: Board, why: str
    ) -> Response:
        despite = "" if why or change.verb != "default" else self._rollouts.objection(version, board)
        return self._views.html(
            visit,
            "models/change.html",
            409 if why else 200,
            title=change.title(version),
            change=change,
            version=version,
            refusal=why,
            despite=despite,
            sentences=[] if why else consequences(change, version, board, self._desk.free_bytes()),
        )

    def _shown(self, version: Version, figures: tuple[dict[tuple[str, str], Figures] | None, bool]) -> Shown:
        labels = self._backend.models.labels(version.model)
        card = read_card(self._store, version.model)
        found, is_current = figures
        of_version = None
        if found is not None and is_current:
            of_version = found.get((version.model.name, version.model.version), Figures())
        return Shown(
            version,
            reads(labels, of_photos=version.model.reads_photos),
            card,
            facts(version, labels, card, of_version),
            why_it_stays(version),
        )

    def _nothing(self, visit: Visit, title: str, advice: str, status: int = 404) -> Response:
        return self._views.html(visit, "models/not_done.html", status, title=title, advice=advice)


def add_to(views: Views, backend: Backend, engine: Engine, settings: Settings) -> ModelsView:
    """Add the view of the models, and its place in the navigation; return it."""
    view = ModelsView(views, backend, engine, settings)
    views.link("/models", "Models")
    views.get("/models", view.models)
    views.get("/models/card", view.card)
    views.get("/models/change", view.confirm)
    views.post("/models/change", view.change)
    return view


def _who(visit: Visit) -> str:
    client = visit.request.client
    return visit.user_name or f"somebody at {client.host if client else 'an unknown address'}"
