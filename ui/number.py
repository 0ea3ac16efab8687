"""`POST /read`: several digits on one picture, read as a string."""

from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from client.errors import Busy, PredictionError
from reading.number import Digit, Number
from reading.piece import NoNumber
from reading.reader import Reader
from ui import request_id
from ui.backend import Backend
from ui.shares import Shares, TooMany

# Threads of their own, since all others may be waiting for TorchServe; so many requests may wait for one, and
# one client may have so many of these places.
THREADS, MOST_WAITING, OF_ONE_CLIENT = 8, 32, 8
BUSY_S, AWAY_S = 1, 5


def add_to(web: FastAPI, backend: Backend, reader: Reader) -> None:
    """Add the route; nothing of what comes there is stored."""
    threads = anyio.CapacityLimiter(THREADS)
    shares = Shares(THREADS + MOST_WAITING, OF_ONE_CLIENT)

    @web.post("/read")
    async def read(request: Request, model: str = "") -> JSONResponse:
        payload = await request.body()
        try:
            with shares.one(request):
                return await anyio.to_thread.run_sync(
                    _answer, backend, reader, payload, _type(request), model, limiter=threads
                )
        except TooMany:
            return _error(503, "Busy", "Too many numbers are being read: try again in a moment.", BUSY_S)


def _answer(backend: Backend, reader: Reader, payload: bytes, media_type: str, named: str) -> JSONResponse:
    """Return the answer to one request; it takes as long as its predictions."""
    if media_type == "multipart/form-data":
        return _error(
            400, "BadImage", "A form came: send the image as the raw body (curl --data-binary @number.png)."
        )
    model = backend.models.named(named)
    if model is None:
        words = (
            f"There is no model {named[:100]!r} here; another than the page's own is named as name/version."
        )
        return _error(404, "ModelNotFound", words)
    backend.loader.used(model)
    try:
        number = reader.read(payload, model.path, request_id.current())
    except NoNumber as error:
        return _error(400, "BadImage", str(error))
    except Busy as error:
        return _error(503, "Busy", str(error), BUSY_S)
    except PredictionError as error:
        return _error(503, "Unavailable", str(error), AWAY_S)
    return JSONResponse(as_json(number))


def as_json(number: Number) -> dict[str, Any]:
    """Return what is answered for a number."""
    answers = [digit.answer for digit in number.digits if digit.answer is not None]
    return {
        "text": number.text,
        "is_sure": number.is_sure,
        "digits": [_digit(digit) for digit in number.digits],
        "model": answers[0].model if answers else None,
        "version": answers[0].version if answers else None,
    }


def _digit(digit: Digit) -> dict[str, Any]:
    answer = digit.answer
    return {
        "label": digit.label,
        "confidence": 0.0 if answer is None else answer.confidence,
        "set": [] if answer is None else list(answer.label_set),
        "is_digit": False if answer is None else answer.is_digit,
        "is_sure": digit.is_sure,
        "box": [round(value, 1) for value in digit.box],
    }


def _type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _error(code: int, kind: str, message: str, retry_after_s: int | None = None) -> JSONResponse:
    headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return JSONResponse({"code": code, "type": kind, "message": message}, code, headers)
