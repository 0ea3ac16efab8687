"""The page: layout and wiring, nothing else."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import gradio as gr
from anyio import CapacityLimiter, to_thread

from ui.backend import Backend
from ui.draw import explanation, judging, outcome
from ui.draw.canvas import DrawingPad
from ui.draw.drawing import read_model_path, read_sent
from ui.draw.reading import reading_html
from ui.endpoints import add_endpoints
from ui.history import deletion
from ui.history.strip import history_html, notice_html, read_history
from ui.models import chooser
from ui.models.listing import Model
from ui.number import Desks
from ui.sign_in.account import account, account_html
from ui.sign_in.who import may_load_models, whose

FOLDER = Path(__file__).parent
# While the database is away, the page looks this often whether it is back.
LOOK_AGAIN_S = 2.0
# History waits for PostgreSQL: a slow one may hold this many threads and leaves the others to predictions.
HISTORY_CONCURRENCY = 4
# Beyond so many that wait for these, a history stays as it is until it is asked for again.
HISTORY_WAITING = 200
# So many visitors may wait for a model to load, each in a thread.
LOADING_CONCURRENCY = 8
LOADING_QUEUE = 200
# What tells the part that asked.
FAILED = """() => document.dispatchEvent(new CustomEvent("sketchserve-failed", { detail: "%s" }))"""


def build_page(
    backend: Backend, desks: Desks, *, has_sign_in: bool = False, links: Mapping[str, str] | None = None
) -> gr.Blocks:
    """Return the page; give it to `gr.mount_gradio_app` with `theme()`, `page_css()` and no footer links.

    Args:
        backend: What stands behind it.
        desks: They read numbers.
        has_sign_in: Whether there is somebody to sign out.
        links: The paths of the views, and what they are called; the page itself is "/".
    """

    def on_stroke(pad_value: object, visitor_id: object, request: gr.Request) -> str:
        return answered(pad_value, outcome.predict(backend, pad_value, whose(visitor_id, request)))

    def on_live(pad_value: object, visitor_id: object, request: gr.Request) -> Any:
        result = outcome.follow(backend, pad_value, whose(visitor_id, request))
        return gr.skip() if result is None else answered(pad_value, result)

    def answered(pad_value: object, result: outcome.Reading | outcome.NoReading) -> str:
        model = backend.models.find(read_model_path(pad_value)) or backend.models.own()
        return panel(result, model, read_sent(pad_value))

    def panel(result: outcome.Reading | outcome.NoReading, model: Model, sent: int = 0) -> str:
        return reading_html(result, backend.models.labels(model), sent, of_photos=model.reads_photos)

    def on_choose(event: gr.EventData, request: gr.Request) -> Iterator[str]:
        may_load = may_load_models(request)
        for shown in chooser.choose(
            backend.models, backend.loader, event.wanted, event.active, may_load=may_load
        ):
            yield chooser.chooser_html(shown, event.asked)

    def on_judge(visitor_id: object, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        kind, asked = getattr(event, "kind", "label"), getattr(event, "asked", 0)
        session_id, network = whose(visitor_id, request), backend.networks.of(request.request)
        return judging.judging_value(backend, session_id, event.prediction, event.label, kind, asked, network)

    def on_forget(visitor_id: object, event: gr.EventData, request: gr.Request) -> dict[str, str]:
        return deletion.delete(backend, whose(visitor_id, request), event.prediction)

    def on_ask(visitor_id: object, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        return explanation.explain(backend, whose(visitor_id, request), event.prediction, event.asked)

    async def show_history(
        visitor_id: object, request: gr.Request, was_paused: bool = False
    ) -> tuple[Any, Any, Any]:
        if history_threads.statistics().tasks_waiting >= HISTORY_WAITING:
            return gr.skip(), gr.skip(), gr.skip()
        session_id = whose(visitor_id, request)
        shown = await to_thread.run_sync(read_history, backend, session_id, limiter=history_threads)
        return history_html(shown), notice_html(shown, was_paused), gr.Timer(active=shown.is_paused)

    async def look_again(visitor_id: object, request: gr.Request) -> tuple[Any, Any, Any]:
        return await show_history(visitor_id, request, was_paused=True)

    history_threads = CapacityLimiter(HISTORY_CONCURRENCY)
    own = backend.models.own()
    with gr.Blocks(title="Sketchserve", analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_id="top", equal_height=False):
            _part(masthead_html(links or {"/": "Draw"}), "shell/manifest", "masthead")
            choice = _part(
                chooser.chooser_html(chooser.Chooser(backend.models.listing(), own)),
                "models/chooser",
                "chooser",
            )
            signed_in = account() if has_sign_in else None
        # Its value is put in by visitor.js at the moment when an event is sent.
        who = gr.Textbox(visible=False)
        with gr.Row(elem_id="desk", equal_height=False):
            with gr.Column(min_width=300, elem_id="left"):
                pad = DrawingPad()
                why = _part({}, "draw/explanation", "why", html_template=_read("draw/explanation.html"))
            with gr.Column(min_width=300, elem_id="right"):
                gr.HTML(_read("draw/number.html"), apply_default_css=False, elem_id="number")
                reading = _part(panel(outcome.BLANK, own), "draw/reading", "reading")
                judge = _part({}, "draw/judging", "judge", html_template=_read("draw/judging.html"))
        notice = gr.HTML("", apply_default_css=False, elem_id="notice")
        strip = _part("", "history/strip", "history")
        privacy = _part({}, "history/privacy", "privacy", html_template=_read("history/privacy.html"))
        timer = gr.Timer(LOOK_AGAIN_S, active=False)

        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        quiet: dict[str, Any] = {**hidden, "js": _read("visitor.js")}
        # Not through the queue, whose event stream ends when a visitor's last event is done: an event that
        # joins at that moment waits for ever, since the browser takes the ending stream for an open one.
        plain: dict[str, Any] = {**quiet, "queue": False}
        history_outputs = [strip, notice, timer]
        # One plain request and answer per stroke, outside the queue. One at a time per visitor, and the
        # newest drawing after it: an old answer can never overwrite a newer one.
        stroke = pad.stroke(on_stroke, [pad, who], [reading], trigger_mode="always_last", **plain)
        stroke.then(show_history, [who], history_outputs, trigger_mode="always_last", **plain)
        # While the pen moves. The pad waits for its end before it sends more: no answer overtakes another.
        live = pad.live(on_live, [pad, who], [reading], trigger_mode="once", **plain)
        # Of a failure, such as a proxy's 502, `then` does not hear: the pad would wait for ever.
        for ended in (live.then, live.failure):
            ended(None, [reading], js=_read("draw/followed.js"))
        judged = judge.judge(on_judge, [who], [judge], trigger_mode="multiple", **plain)
        judged.then(show_history, [who], history_outputs, trigger_mode="always_last", **plain)
        forgotten = privacy.forget(on_forget, [who], [privacy], trigger_mode="multiple", **plain)
        forgotten.then(show_history, [who], history_outputs, trigger_mode="always_last", **plain)
        # Another tab of this browser has changed something.
        strip.look(show_history, [who], history_outputs, trigger_mode="always_last", **plain)
        # Beside the strokes: while a model explains one drawing, the next is answered.
        asked = why.ask(on_ask, [who], [why], trigger_mode="multiple", **plain)
        # It comes from the browser as the page appears, and when another model is wanted: one at a time, and
        # the only one in the queue.
        chosen = choice.choose(
            on_choose,
            None,
            [choice],
            trigger_mode="multiple",
            concurrency_limit=LOADING_CONCURRENCY,
            **hidden,
        )
        # Gradio's `then` hears of no failure, such as a proxy's 502, and of plain requests nobody is told.
        told = {"stroke": stroke, "judge": judged, "forget": forgotten, "ask": asked, "choose": chosen}
        for name, event in told.items():
            event.failure(None, js=FAILED % name)
        page.load(show_history, [who], history_outputs, **plain)
        if signed_in is not None:
            page.load(account_html, None, [signed_in], queue=False, **hidden)
        timer.tick(look_again, [who], history_outputs, **plain)
        add_endpoints(backend, desks)
    page.queue(max_size=LOADING_QUEUE, api_open=False)
    return page


def theme() -> gr.themes.Base:
    """Return the page's theme: system fonts, so that nothing is loaded from elsewhere."""
    return gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="stone",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )


def masthead_html(links: Mapping[str, str]) -> str:
    """Return the page's name and the way to the other views, which are beside it."""
    written = [
        '<a href="./" aria-current="page">Draw</a>' if path == "/" else f'<a href=".{path}">{title}</a>'
        for path, title in links.items()
    ]
    return Template(_read("head.html")).substitute(links="".join(written))


def page_css() -> str:
    """Return the style sheet of everything but the pad, which brings its own."""
    shared = ("shell/colours.css", "shell/masthead.css", "page.css")
    of_drawing = ("reading", "judging", "explanation", "number")
    return "".join(map(_read, (*shared, *(f"draw/{name}.css" for name in of_drawing))))


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _part(value: object, script: str, elem_id: str, **options: Any) -> gr.HTML:
    """Return a part of the page with a script of its own."""
    script = _read(f"{script}.js")
    return gr.HTML(value, js_on_load=script, apply_default_css=False, elem_id=elem_id, **options)
