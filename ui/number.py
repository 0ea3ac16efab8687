"""`POST /read`: several digits on one picture, read as a string, for programs and for the pad."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

import anyio.to_thread
import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from client.errors import Busy, PredictionError
from client.inference import Inference
from reading.finder import Finder
from reading.number import Number
from reading.piece import NoNumber
from reading.reader import Reader
from ui import request_id
from ui.backend import Backend
from ui.draw.drawing import BadDrawing
from ui.draw.number import Asked, digits_shown, read_asked
from ui.draw.outcome import NoReading, is_idle, loads_again, not_there
from ui.models.listing import Model
from ui.refusal import refusal
from ui.routing import Choice, answered
from ui.shares import Shares, TooMany
from ui.sign_in.who import whose

# Threads of their own, since all others may be waiting for TorchServe; so many requests may wait for one, and
# one client may have so many of these places.
THREADS, MOST_WAITING, OF_ONE_CLIENT = 8, 32, 8
BUSY_S, AWAY_S = 1, 5
# Before the pad gives up by itself (AWAY_MS in ui/draw/pad/numbers.js): so it hears why, nothing is stored.
PAD_WITHIN_S = 15.0
TOO_MANY = "Too many numbers are being read: try again in a moment."
# With this header the pad says whose number it is, and which digits were on the paper before.
FROM_PAD = "X-Sketchserve-Pad"

Result = TypeVar("Result")


class NoSuchModel(LookupError):  # noqa: N818 - an answer, not a fault
    """There is no model of that name; the message says how to name one."""


class Desk:
    """Reads numbers for some of those who ask, with places and threads of their own.

    Args:
        backend: What stands behind the page.
        finder: Finds the pieces, for all desks.
    """

    def __init__(self, backend: Backend, finder: Finder) -> None:
        self.backend = backend
        self._reader = Reader(backend.inference, finder)
        self._threads = anyio.CapacityLimiter(THREADS)
        self._shares = Shares(THREADS + MOST_WAITING, OF_ONE_CLIENT)

    async def at(self, request: Request, work: Callable[..., Result], *args: Any) -> Result:
        """Return what `work` gives of this desk and `args`, in one of its threads.

        Raises:
            TooMany: There is no place for who asks.
        """
        with self._shares.one(request):
            return await anyio.to_thread.run_sync(work, self, *args, limiter=self._threads)

    def model(self, named: str) -> Model:
        """Return the model that is meant; raise NoSuchModel where there is none."""
        model = self.backend.models.named(named)
        if model is None:
            words = f"There is no model {named[:100]!r} here"
            raise NoSuchModel(f"{words}: use name/version, or leave it out for the page's own.")
        return model

    def read(self, payload: bytes, choice: Choice, until: float | None = None) -> tuple[Number, Model]:
        """Return the number in a body, as `Reader.read` does, and the model that read it."""
        self.backend.loader.used(choice.model)

        def ask(path: str, inference: Inference) -> Number:
            return self._reader.read(payload, path, request_id.current(), until, inference)

        return answered(self.backend, choice, ask)

    def close(self) -> None:
        """End what it has begun."""
        self._reader.close()


class Desks:
    """A desk for those who write at the pad, and one for programs and lists of pictures.

    These so hold up nobody who writes.
    """

    def __init__(self, backend: Backend) -> None:
        finder = Finder()
        self.pad, self.programs = Desk(backend, finder), Desk(backend, finder)

    def close(self) -> None:
        """End the process beside, and what was begun."""
        self.pad.close()
        self.programs.close()


def add_to(web: FastAPI, desks: Desks) -> None:
    """Add the route; nothing of what programs send there is stored."""

    @web.post("/read")
    async def read(request: Request, model: str = "") -> JSONResponse:
        until = time.monotonic() + PAD_WITHIN_S
        payload = await request.body()
        said = request.headers.get(FROM_PAD)
        try:
            if said is None:
                return await desks.programs.at(request, _answer, request, payload, model)
            asked = read_asked(said)
            session_id = whose(asked.visitor, gr.Request(request))
            desk, end = (desks.programs, None) if asked.is_listed else (desks.pad, until)
            with desk.backend.live.one() if asked.is_interim else nullcontext(True) as may_be_read:
                if not may_be_read:
                    raise TooMany
                return await desk.at(request, _answer, request, payload, model, asked, session_id, end)
        except BadDrawing as error:
            return refusal(400, "BadRequest", str(error))
        except TooMany:
            return refusal(503, "Busy", TOO_MANY, BUSY_S)


def _answer(
    desk: Desk,
    request: Request,
    payload: bytes,
    named: str,
    asked: Asked | None = None,
    session_id: str | None = None,
    until: float | None = None,
) -> JSONResponse:
    """Return the answer to one request; it takes as long as its predictions."""
    if _type(request) == "multipart/form-data":
        return refusal(
            400,
            "BadImage",
            "The body is a form: send the image as the raw body (curl --data-binary @number.png).",
        )
    model: Model | None = None
    of_pad = desk.backend.metrics.predictions if asked and not asked.is_interim else None
    try:
        model = desk.model(named)
        number, model = desk.read(payload, Choice(model, session_id, "/" in named), until)
    except NoSuchModel as error:
        if asked:
            return _loaded_first(404, "ModelNotFound", not_there(named, desk.backend.models.own()))
        return refusal(404, "ModelNotFound", str(error))
    except NoNumber as error:
        if of_pad:
            of_pad.labels("refused", "").inc()
        return refusal(400, "BadImage", str(error))
    except PredictionError as error:
        is_busy = isinstance(error, Busy)
        if of_pad:
            of_pad.labels("busy" if is_busy else "unreachable", "").inc()
        kind, after_s = ("Busy", BUSY_S) if is_busy else ("Unavailable", AWAY_S)
        if asked and model and is_idle(desk.backend, model, error):
            return _loaded_first(503, kind, loads_again(model), after_s)
        return refusal(503, kind, str(error), after_s)
    said = number.as_json()
    desk.backend.live.answered(model.path, *(one.answer.latency_ms for one in number.digits if one.answer))
    if asked is not None:
        shown = digits_shown(desk.backend, number, model, asked, session_id)
        said["digits"] = [{**digit, **more} for digit, more in zip(said["digits"], shown, strict=True)]
    return JSONResponse(said)


def _loaded_first(code: int, kind: str, why: NoReading, after_s: int | None = None) -> JSONResponse:
    """Return what the pad is told, in the digit panel's words, so that it has a model loaded."""
    return refusal(code, kind, f"{why.title}. {why.advice}", after_s, why.loads)


def _type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
