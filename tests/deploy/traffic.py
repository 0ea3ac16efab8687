"""What visitors and API users do, so that every metric has something to say."""

import base64
import io
import re
from typing import Any

import requests
from PIL import Image, ImageDraw

from launch.temporary import TorchServe
from tests.management import manage
from tests.ui.answering import SESSION
from tests.ui.asking import STROKE
from training.data.drawing import png

# A model of this name is loaded without a worker: who asks it gets a 503.
IDLE = "idle"


def drawn_zigzag() -> bytes:
    """Return a PNG of a zigzag, which is no digit and leaves several labels open."""
    paper = Image.new("RGB", (280, 280), "white")
    points = [(30 + step % 2 * 220, 30 + step * 22) for step in range(11)]
    ImageDraw.Draw(paper).line(points, fill="black", width=10)
    png = io.BytesIO()
    paper.save(png, "PNG")
    return png.getvalue()


def load_idle_model(torchserve: TorchServe) -> None:
    """Register a second model and take its workers away."""
    assert manage(torchserve, "POST", url="digits.mar", model_name=IDLE).ok
    assert manage(torchserve, "PUT", f"/{IDLE}", min_worker=0, max_worker=0, synchronous="true").ok


def ask_torchserve(torchserve: TorchServe) -> list[int]:
    """Send a digit, a zigzag, what is no image, and a digit to a model without workers; return the codes."""
    asked = [
        ("digits", png("7")),
        ("digits", drawn_zigzag()),
        ("digits", b"no image"),
        (IDLE, png("7")),
    ]
    return [
        requests.post(f"{torchserve.inference_url}/predictions/{model}", data=body, timeout=60).status_code
        for model, body in asked
    ]


def visit_page(page_url: str) -> None:
    """Draw a digit and call its answer right, draw a zigzag and correct its answer, and ask in vain twice."""
    assert _judged(page_url, _drawn(page_url, png("7")), "7")
    assert _judged(page_url, _drawn(page_url, drawn_zigzag()), "1")
    _drawn(page_url, b"no image")
    _drawn(page_url, png("7"), model="none/such")


def _drawn(page_url: str, image: bytes, **more: str) -> str:
    value = {
        "image": f"data:image/png;base64,{base64.b64encode(image).decode()}",
        "source": "sketchpad",
        **more,
    }
    return _event(page_url, STROKE, [value, SESSION])


def _judged(page_url: str, reading: str, label: str) -> bool:
    """Say what the drawing of that reading was; return whether the page took it."""
    prediction = re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", reading)
    assert prediction is not None, reading
    said = {"prediction": prediction.group(), "label": label}
    config = requests.get(f"{page_url}/config", timeout=60).json()
    (judge,) = [
        one["id"] for one in config["dependencies"] if any(name == "judge" for _, name in one["targets"])
    ]
    return '"complaint":""' in _event(page_url, judge, [SESSION], event_data=said)


def _event(page_url: str, number: int, data: list[Any], **more: Any) -> str:
    body = {"data": data, "fn_index": number, "session_hash": "traffic", **more}
    answer = requests.post(f"{page_url}/gradio_api/run/predict", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.text
