"""What tests of the served archive ask it: drawings, and bodies that it refuses."""

import requests
from PIL import Image

from launch.temporary import TorchServe
from training.data.drawing import encoded, png

TIMEOUT_S = 30


SEVEN = png("7")


BLANK = encoded(Image.new("L", (280, 280), 255))


def predict(
    server: TorchServe, body: bytes = SEVEN, within_s: float = TIMEOUT_S, **options: object
) -> requests.Response:
    url = f"{server.inference_url}/predictions/digits"
    return requests.post(url, data=body, timeout=within_s, **options)  # type: ignore[arg-type]


REFUSED = {
    "truncated": (SEVEN[: len(SEVEN) // 2], {}, "truncated or corrupt"),
    "corrupt": (SEVEN[:60] + bytes(200) + SEVEN[260:], {}, "truncated or corrupt"),
    "text": (b"hello", {}, "plain text"),
    "empty": (b"", {}, "body is empty"),
    "one pixel": (encoded(Image.new("L", (1, 1))), {}, "Nothing is drawn"),
    "blank": (BLANK, {}, "Nothing is drawn"),
    "JSON without an image": (b'{"picture": 1}', {"Content-Type": "application/json"}, "no key 'image'"),
    "broken JSON": (b'{"image": ', {"Content-Type": "application/json"}, "not valid JSON"),
    "JSON null": (b"null", {"Content-Type": "application/json"}, "JSON null"),
    "a web form": (
        b"picture=abc",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "Content-Type: image/png",
    ),
}
