"""What programs may ask the page by name, with `gradio_client`: the same as people do on it."""

import json
from typing import Any

import gradio as gr
from starlette.requests import Request

from client.errors import PredictionError
from client.management import path_of
from db.log import HISTORY_ROWS
from db.records import HistoryRow
from reading.piece import NoNumber
from ui import number
from ui.backend import Backend
from ui.draw.drawing import PNG_URL
from ui.draw.outcome import NoReading, is_on_disk, predict
from ui.history.corrections import judge
from ui.history.strip import read_history
from ui.routing import Choice
from ui.shares import TooMany
from ui.sign_in.who import whose


def add_endpoints(backend: Backend, desks: number.Desks) -> None:
    """Add the endpoints to the page that is being built."""

    def on_predict(
        picture: str, model: str = "", visitor: str = "", keep: bool = True, request: gr.Request | None = None
    ) -> dict[str, Any]:
        known = backend.models.named(model)
        if known is None:
            raise said_to_client(f"There is no model {model[:100]!r} here: use name/version.")
        path = path_of(known.name, known.version) if "/" in model else known.path
        value = {"image": _data_url(picture), "source": "api", "model": path, "keep": keep}
        found = predict(backend, value, whose(visitor, _asked(request)))
        if isinstance(found, NoReading) and found.loads:
            raise said_to_client(f"{known.title} is not loaded: choose it on the page first.")
        if isinstance(found, NoReading):
            raise said_to_client(f"{found.title}. {found.advice}")
        answer = _answer(HistoryRow(found.prediction, None))
        return {**answer, "frame": found.frame, "is_kept": is_on_disk(backend, found)}

    async def on_read_number(
        picture: str, model: str = "", request: gr.Request | None = None
    ) -> dict[str, Any]:
        # Not among Gradio's threads, in which strokes are answered.
        asking = _asked(request).request
        assert isinstance(asking, Request)
        try:
            return await desks.programs.at(asking, _read_number, picture, model)
        except TooMany:
            raise said_to_client(number.TOO_MANY) from None

    def on_feedback(
        prediction: str,
        label: str = "",
        kind: str = "",
        visitor: str = "",
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        asked = _asked(request)
        network = backend.networks.of(asked.request)
        judged = judge(backend, whose(visitor, asked), prediction, label, kind or "label", network)
        if isinstance(judged, str):
            raise said_to_client(judged)
        return {"is_kept": True}

    def on_history(visitor: str = "", request: gr.Request | None = None) -> list[dict[str, Any]]:
        return [_answer(row) for row in read_history(backend, whose(visitor, _asked(request))).rows]

    gr.api(on_predict, api_name="predict", queue=False, api_description=PREDICT)
    gr.api(on_read_number, api_name="read_number", queue=False, api_description=READ_NUMBER)
    gr.api(on_feedback, api_name="feedback", queue=False, api_description=FEEDBACK)
    gr.api(on_history, api_name="history", queue=False, api_description=HISTORY)


PREDICT = (
    "Read a picture (base64 or data URL). With a visitor's id, 32 hexadecimal digits, it is kept in that "
    "history; keep=False keeps nothing."
)
READ_NUMBER = "Read a picture (base64 or data URL) of several digits in one row. Nothing of it is kept."
FEEDBACK = 'Say what a drawing really was: a label, or kind="not_a_digit", or kind="taken_back".'
HISTORY = f"The visitor's last {HISTORY_ROWS} drawings, newest first."


def _read_number(desk: number.Desk, picture: str, named: str) -> dict[str, Any]:
    try:
        model = desk.model(named)
        choice = Choice(model, None, "/" in named)
        return desk.read(json.dumps({"image": picture}).encode(), choice)[0].as_json()
    except (number.NoSuchModel, NoNumber, PredictionError) as error:
        raise said_to_client(str(error)) from error


def said_to_client(message: str) -> gr.Error:
    """Return the error that carries its message to the client, and no traceback to the log."""
    return gr.Error(message, print_exception=False)


def _data_url(picture: str) -> str:
    return picture if picture.startswith("data:") else f"{PNG_URL}{picture}"


def _asked(request: gr.Request | None) -> gr.Request:
    assert request is not None, "Gradio puts it in"
    return request


def _answer(row: HistoryRow) -> dict[str, Any]:
    prediction = row.prediction
    return {
        "prediction": str(prediction.id),
        "created_at": prediction.created_at.isoformat(),
        "label": prediction.predicted_label,
        "confidence": prediction.confidence,
        "set": list(prediction.label_set or ()),
        "is_digit": prediction.is_digit,
        "probabilities": prediction.probabilities,
        "model": prediction.model_name,
        "version": prediction.model_version,
        "true_label": row.true_label,
        "is_judged_no_digit": row.is_no_digit,
    }
