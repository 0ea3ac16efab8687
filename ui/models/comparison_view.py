"""The comparison of two versions: beginning one, how far it is, and what it found."""

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from client.errors import Unreachable
from db.comparison import Comparison
from db.errors import DatabaseUnavailable
from ui.draw.drawing import png_url
from ui.models.board import Boards
from ui.models.comparing import MOST_DRAWINGS, Comparer, Difference, Job
from ui.models.paired import in_words
from ui.shell.views import Views
from ui.shell.visit import Visit

COMPARISON = "/models/comparison"
# More pictures than anybody looks at; a page of them has 200 KB.
MOST_PICTURES = 48
BOARD_WAIT_S = 3.0


@dataclass(frozen=True)
class Group:
    """Drawings on which the two differ in the same way, each with its picture as a data URL, or ""."""

    title: str
    drawings: list[tuple[Difference, str]]


def add_to(views: Views, root: str, boards: Boards, comparer: Comparer, comparison: Comparison) -> None:
    """Add the routes of the comparison; `root` is before every path."""

    def refused(visit: Visit, advice: str, status: int) -> Response:
        return views.html(visit, "models/not_done.html", status, title="Not compared", advice=advice)

    def show(visit: Visit) -> Response:
        visit.require_operator()
        job = comparer.job
        if job is None:
            return refused(visit, "There is no comparison yet: choose two models to compare.", 404)
        a, b = job.a.model.title, job.b.model.title
        return views.html(
            visit,
            "models/comparison.html",
            job=job,
            a=a,
            b=b,
            accuracy_a=in_words(job.result.both + job.result.only_a, job.result.count),
            accuracy_b=in_words(job.result.both + job.result.only_b, job.result.count),
            words=job.result.words(a, b),
            groups=_groups(job, comparison) if job.is_over else [],
            most=MOST_DRAWINGS,
            most_pictures=MOST_PICTURES,
        )

    def begin(visit: Visit) -> Response:
        visit.require_operator()
        try:
            board = boards.renewed(BOARD_WAIT_S)
        except Unreachable as error:
            return refused(visit, f"{error}. Try again in a moment.", 503)
        chosen = [board.find(visit.form.get(name, "")) for name in ("a", "b")]
        a, b = chosen
        if a is None or b is None or a.path == b.path:
            return refused(visit, "Choose two different versions from the list.", 400)
        if not (a.is_ready and b.is_ready):
            idle = a if not a.is_ready else b
            return refused(visit, f"{idle.model.title} has no worker that can answer: load it first.", 409)
        if not comparer.begin(a, b, visit.user_name or "somebody"):
            return refused(visit, "Another comparison is under way: wait until it ends, or cancel it.", 409)
        return RedirectResponse(f"{root}{COMPARISON}", 303)

    def cancel(visit: Visit) -> Response:
        visit.require_operator()
        comparer.cancel()
        return RedirectResponse(f"{root}{COMPARISON}", 303)

    views.get("/models/comparison", show)
    views.post("/models/comparison", begin)
    views.post("/models/comparison/cancel", cancel)


def _groups(job: Job, comparison: Comparison) -> list[Group]:
    """Return the drawings on which they differ; without the database, without pictures."""
    shown = job.differences[:MOST_PICTURES]
    try:
        found = comparison.thumbnails([difference.drawing.id for difference in shown])
    except DatabaseUnavailable:
        found = {}
    urls = {id_: png_url(png) for id_, png in found.items()}
    a, b = job.a.model.title, job.b.model.title
    titles = [f"Only {a} is right", f"Only {b} is right", "Both are wrong, in different ways"]
    by_title: dict[str, list[tuple[Difference, str]]] = {title: [] for title in titles}
    for difference in shown:
        truth = difference.drawing.true_label
        place = 0 if difference.label_a == truth else 1 if difference.label_b == truth else 2
        by_title[titles[place]].append((difference, urls.get(difference.drawing.id, "")))
    return [Group(title, drawings) for title, drawings in by_title.items() if drawings]
