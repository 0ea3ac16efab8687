"""`POST /pictures`: one of many pictures, asked for and recorded as the pad's own are."""

import json
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from ui.backend import Backend
from ui.draw.outcome import NoReading, Reading, is_on_disk, predict
from ui.draw.words import words
from ui.refusal import refusal
from ui.shares import Shares, TooMany
from ui.sign_in.who import session_of

# Of all visitors so many are asked at once, in threads of their own: strokes have theirs. So many may wait.
# A browser has two at a time; a client, which may be two browsers behind one address, four.
THREADS, MOST_WAITING, OF_ONE_CLIENT = 4, 32, 4
BUSY_S, LOADING_S = 1, 2
NO_JSON = (
    'Send JSON with the picture as a data URL: {"image": "data:image/png;base64,...", "source": "upload"}.'
)


def add_to(web: FastAPI, backend: Backend) -> None:
    """Add the route: it takes what the pad sends, and "visitor" beside it."""
    threads = anyio.CapacityLimiter(THREADS)
    shares = Shares(THREADS + MOST_WAITING, OF_ONE_CLIENT)

    @web.post("/pictures")
    async def pictures(request: Request) -> JSONResponse:
        payload = await request.body()
        try:
            with shares.one(request):
                return await anyio.to_thread.run_sync(
                    _answer, backend, payload, request.scope, limiter=threads
                )
        except TooMany:
            return refusal(503, "Busy", "Too many pictures are being read: try again in a moment.", BUSY_S)


def _answer(backend: Backend, payload: bytes, scope: Scope) -> JSONResponse:
    """Return the answer to one picture; it takes as long as its prediction."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or lists in lists in lists
        return refusal(400, "BadRequest", NO_JSON)
    if not isinstance(value, dict):
        return refusal(400, "BadRequest", NO_JSON)
    found = predict(backend, value, session_of(value.get("visitor"), scope))
    if isinstance(found, Reading):
        return JSONResponse(_as_json(found, is_kept=is_on_disk(backend, found)))
    return _not_read(found)


def _as_json(reading: Reading, *, is_kept: bool) -> dict[str, Any]:
    prediction = reading.prediction
    headline, detail = words(reading)
    return {
        "prediction": str(prediction.id) if is_kept else None,
        "label": prediction.predicted_label,
        "confidence": prediction.confidence,
        "set": list(prediction.label_set or ()),
        "is_digit": prediction.is_digit,
        "model": prediction.model_name,
        "version": prediction.model_version,
        "headline": headline,
        "detail": detail,
        "is_private": reading.is_private,
        "frame": reading.frame,
    }


def _not_read(found: NoReading) -> JSONResponse:
    """Return why there is no answer, and whether there may be one later."""
    if found.loads:
        # The page's chooser has it loaded, or goes to another model where it is not there any more.
        return refusal(503, "Loading", found.title, LOADING_S, found.loads)
    if found.can_ask_again:
        return refusal(503, "Unavailable", found.title, BUSY_S)
    return refusal(400, "BadImage", found.advice or NO_JSON)
