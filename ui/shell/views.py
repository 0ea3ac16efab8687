"""The views beside the pad: pages of their own, with addresses that can be kept and sent to others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import jinja2
from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from db.errors import DatabaseUnavailable
from ui.percent import percent
from ui.security_headers import POLICY
from ui.shell import manifest
from ui.shell.files import Files
from ui.shell.visit import NotAllowed, Visit, read_form

# Views wait for PostgreSQL: a slow one may hold this many threads and leaves the others to predictions.
THREADS = 4
# Those that ask a model wait for TorchServe, too, and have threads of their own.
MODEL_THREADS = 4
# So many requests may wait for a thread; a client that has gone does not end its own.
MOST_WAITING = 100
# Their scripts are files, unlike Gradio's; widths of bars are style attributes.
VIEW_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
AWAY = "The database is unavailable"
AWAY_ADVICE = "Drawings are still read, and what is drawn and judged is kept on disk. Try again in a moment."
BUSY = "Too many requests at once: try again in a moment"
OPERATORS = "This page is for operators"
OPERATORS_ADVICE = (
    "Ask whoever runs this site for the operator role, or open the page on the machine it runs on."
)

Answer = Callable[[Visit], Response]


class Views:
    """The frame of all views, and their routes.

    Args:
        web: the application.
        root_path: below which a proxy may ask, such as /sketch.
        has_sign_in: whether there is somebody to sign out.
        is_for_this_machine: whether only programs of this machine can ask, all of which are operators where
            nobody signs in.
    """

    def __init__(
        self, web: FastAPI, root_path: str, *, has_sign_in: bool, is_for_this_machine: bool = False
    ) -> None:
        self._web = web
        self.root = root_path  # what stands before every path, for redirects
        self._has_sign_in = has_sign_in
        self._is_for_this_machine = is_for_this_machine
        self._threads = anyio.CapacityLimiter(THREADS)
        self._model_threads = anyio.CapacityLimiter(MODEL_THREADS)
        self.files = Files()
        self.files.add_to(web)
        manifest.add_to(web, self.files)
        # "/history" and what it is called, in the order of the navigation.
        self.links: dict[str, str] = {"/": "Draw"}
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parents[1]),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._templates.globals["percent"] = percent

    def link(self, path: str, title: str) -> None:
        """Add a view to the navigation."""
        self.links[path] = title

    def get(self, path: str, answer: Answer, *, asks_model: bool = False) -> None:
        """Add what is asked for with GET; `answer` runs in a thread and may wait for the database.

        Args:
            path: as FastAPI has it.
            answer: returns the answer to a visit.
            asks_model: whether it may wait for a model as well.
        """
        threads = self._model_threads if asks_model else self._threads

        @self._web.get(path)
        async def get(request: Request) -> Response:
            return await self._answered(answer, self._visit(request, {}), threads)

    def post(self, path: str, answer: Answer) -> None:
        """Add what a form does; `answer` runs in a thread and may wait for the database."""

        @self._web.post(path)
        async def post(request: Request) -> Response:
            return await self._answered(
                answer, self._visit(request, read_form(await request.body())), self._threads
            )

    def html(self, visit: Visit, template: str, status_code: int = 200, **values: Any) -> Response:
        """Return a view: `template`, such as "history/history.html", with these values.

        A template also knows `root`, before every path; `file(name)`, the address of a script or style sheet;
        `percent(probability)`; `visit`; and `links`.
        """
        text = self._templates.get_template(template).render(
            values,
            root=self.root,
            file=lambda name: f"{self.root}/{self.files.path(name)}",
            visit=visit,
            links=self.links,
            here=f"/{visit.request.url.path.removeprefix(self.root).strip('/').partition('/')[0]}",
            has_sign_in=self._has_sign_in,
        )
        headers = {POLICY: VIEW_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(text, status_code, headers)

    def _visit(self, request: Request, form: dict[str, str]) -> Visit:
        return Visit(request, form, self._is_for_this_machine)

    async def _answered(self, answer: Answer, visit: Visit, threads: anyio.CapacityLimiter) -> Response:
        if threads.statistics().tasks_waiting >= MOST_WAITING:
            return PlainTextResponse(BUSY, 503, {"Retry-After": "2"})

        def in_thread() -> Response:
            try:
                return answer(visit)
            except DatabaseUnavailable:
                refused = self.html(visit, "shell/refusal.html", 503, title=AWAY, advice=AWAY_ADVICE)
                refused.headers["Retry-After"] = "5"
                return refused
            except NotAllowed:
                return self.html(visit, "shell/refusal.html", 403, title=OPERATORS, advice=OPERATORS_ADVICE)

        return await anyio.to_thread.run_sync(in_thread, limiter=threads)
