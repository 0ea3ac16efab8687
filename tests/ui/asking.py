"""A page asked as its own script in the browser asks it: one drawing, one answer."""

import base64
from typing import Any

import requests

from tests.ui.answering import SESSION

# The pad's event is the first that the page defines.
STROKE = 0


def stroke(image: bytes, session_id: str = SESSION) -> dict[str, Any]:
    """Return what the pad sends when the pen lifts."""
    value = {
        "image": "data:image/png;base64," + base64.b64encode(image).decode(),
        "source": "sketchpad",
        "pen": "#1c1b22",
        "paper": "#ffffff",
    }
    return {"data": [value, session_id], "fn_index": STROKE, "session_hash": "asking"}


def ask(url: str, image: bytes, session_id: str = SESSION, **headers: str) -> requests.Response:
    """Send a drawing as the pad does."""
    body = stroke(image, session_id)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return requests.post(f"{url}/gradio_api/run/predict", json=body, headers=named, timeout=60)
