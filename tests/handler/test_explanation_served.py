"""POST /explanations/<model>, asked of the real TorchServe."""

import base64
import io
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image, ImageOps

from launch.temporary import TorchServe
from training.data.drawing import STROKES, drawing, encoded, png

pytestmark = pytest.mark.integration

TIMEOUT_S = 10
FOUR = png("4")


def explanation(torchserve: TorchServe, body: bytes = FOUR, **options: Any) -> requests.Response:
    url = f"{torchserve.inference_url}/explanations/digits"
    return requests.post(url, data=body, timeout=TIMEOUT_S, **options)


def test_it_says_what_mattered_and_what_would_tip_it(torchserve: TorchServe) -> None:
    answer = explanation(torchserve).json()
    prediction = requests.post(
        f"{torchserve.inference_url}/predictions/digits", data=FOUR, timeout=TIMEOUT_S
    ).json()
    for name in ("label", "model", "version", "preprocessing"):
        assert answer[name] == prediction[name]
    by_probability = sorted(prediction["probabilities"], key=prediction["probabilities"].__getitem__)
    assert answer["runner_up"] == by_probability[-2]
    importance, tip = np.array(answer["importance"]), np.array(answer["tip"])
    assert importance.shape == tip.shape == (28, 28)
    assert importance.max() > 0
    assert np.abs(tip).max() > 0


@pytest.mark.parametrize("digit", STROKES)
def test_the_map_lies_on_the_ink_of_the_picture(torchserve: TorchServe, digit: str) -> None:
    """What mattered is ink: laid over the picture by its box, it lies on black pixels."""
    image = Image.new("L", (700, 500), 255)
    image.paste(drawing(digit).convert("L"), (390, 110))
    answer = explanation(torchserve, encoded(image)).json()
    left, top, side = answer["box"]
    importance = np.array(answer["importance"])
    rows, columns = np.nonzero(importance > 0.5 * importance.max())
    # Softened by one pixel of the frame, which is what a box may be off.
    near_ink = np.asarray(image.reduce(1)) < 128
    hits = []
    for row, column in zip(rows, columns, strict=True):
        y, x = (round(start + (cell + 0.5) * side / 28) for start, cell in ((top, row), (left, column)))
        reach = round(side / 28)
        hits.append(near_ink[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach].any())
    assert np.mean(hits) > 0.97


def test_the_three_ways_to_send_an_image_get_the_same_explanation(torchserve: TorchServe) -> None:
    url = f"{torchserve.inference_url}/explanations/digits"
    text = base64.b64encode(FOUR).decode()
    ways: list[dict[str, Any]] = [
        {"data": FOUR},
        {"files": {"data": ("four.png", FOUR, "image/png")}},
        {"json": {"image": f"data:image/png;base64,{text}"}},
    ]
    answers = [requests.post(url, timeout=TIMEOUT_S, **way).json() for way in ways]
    assert "importance" in answers[0]
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"hello", "plain text"),
        (b"", "body is empty"),
        (encoded(Image.new("L", (50, 50), 255)), "Nothing is drawn"),
        (FOUR[: len(FOUR) // 2], "truncated or corrupt"),
    ],
)
def test_a_bad_image_gets_the_same_400_as_a_prediction(
    torchserve: TorchServe, body: bytes, words: str
) -> None:
    response = explanation(torchserve, body)
    assert response.status_code == 400
    assert response.json()["type"] == "BadImage"
    assert words in response.json()["message"]


def test_a_large_turned_photo_is_explained_where_it_is_seen(torchserve: TorchServe) -> None:
    upright = Image.new("RGB", (2600, 1800), "white")
    upright.paste(drawing("4", side_px=900, pen_px=70), (1600, 100))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", exif=exif, quality=90)
    left, top, side = explanation(torchserve, turned.getvalue()).json()["box"]
    ink = ImageOps.invert(upright.convert("L")).getbbox()
    assert ink is not None
    # The ink's longer side is 20 of the frame's 28 px, and its middle not far from the frame's.
    assert abs(side / (28 / 20 * max(ink[2] - ink[0], ink[3] - ink[1])) - 1) < 0.05
    assert abs(left + side / 2 - (ink[0] + ink[2]) / 2) < 0.15 * side
    assert abs(top + side / 2 - (ink[1] + ink[3]) / 2) < 0.15 * side
