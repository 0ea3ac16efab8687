"""A preprocessing step switched off: it makes the difference that is meant, and leaves nothing behind."""

import io

import numpy as np
import pytest
from PIL import Image

from handler.bad_image import BadImage
from handler.fingerprint import preprocessing_fingerprint
from handler.frame import frame_of
from training import ablation
from training.ablation import STEPS, specked, without
from training.data.drawing import drawing, encoded, png

ALL = "all steps"


def shadowed(digit: str) -> bytes:
    """Give a digit on paper that is twice as bright on the right as on the left."""
    pixels = np.asarray(drawing(digit).convert("L"), float) * np.linspace(0.5, 1, 280)
    return encoded(Image.fromarray(pixels.astype(np.uint8)))


def noisy(digit: str) -> bytes:
    """Give a pale digit below so much noise that only its lines betray it."""
    pixels = np.asarray(drawing(digit, pen=(170, 170, 170)).convert("L"), float) * 0.7 + 20
    grain = np.random.default_rng(0).normal(0, 60, pixels.shape)
    return encoded(Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)))


def test_every_step_can_be_switched_off_and_comes_back() -> None:
    before, fingerprint = frame_of(png("7")), preprocessing_fingerprint()
    for step in STEPS:
        with without(step):
            assert frame_of(png("7")).shape == (28, 28)
        assert (frame_of(png("7")) == before).all()
    assert preprocessing_fingerprint() == fingerprint


def test_a_step_comes_back_after_an_error() -> None:
    before = frame_of(shadowed("7"))
    with pytest.raises(KeyError), without(next(step for step in STEPS if step.startswith("light map"))):
        raise KeyError("stopped in the middle")
    assert (frame_of(shadowed("7")) == before).all()


@pytest.mark.parametrize(
    ("start", "picture"),
    [
        ("light map", shadowed("3")),
        ("noise floor", noisy("3")),
        ("speck removal", specked(png("3"), np.random.default_rng(0))),
        ("local strength", shadowed("3")),
        ("ink box", png("3", box=(0.6, 0.6, 0.3), pen_px=6)),
        ("centre of mass", png("7")),
    ],
)
def test_without_a_step_the_frame_of_a_picture_that_needs_it_is_another(start: str, picture: bytes) -> None:
    step = next(step for step in STEPS if step.startswith(start))
    whole = frame_of(picture)
    with without(step):
        assert (frame_of(picture) != whole).any()


def test_without_alpha_a_white_pen_on_nothing_is_lost() -> None:
    white = png("3", pen=(255, 255, 255, 255), paper=(0, 0, 0, 0))
    assert frame_of(white).max() == 255
    with (
        without(next(step for step in STEPS if step.startswith("distance in alpha"))),
        pytest.raises(BadImage),
    ):
        frame_of(white)


def test_specks_lie_beside_an_unchanged_drawing() -> None:
    plain = np.asarray(Image.open(io.BytesIO(png("1"))).convert("L"), int)
    dusty = np.asarray(Image.open(io.BytesIO(specked(png("1"), np.random.default_rng(3)))), int)
    assert (dusty <= plain).all(), "dust is dark"
    assert 20 < np.count_nonzero(dusty < plain - 50) < 0.01 * plain.size


def test_the_table_has_a_line_for_each_step() -> None:
    lines = ablation.table({step: {"MNIST": 0.5, "photo": 0.25} for step in STEPS}).splitlines()
    assert lines[0] == "| without | MNIST | photo |"
    assert lines[2] == "| nothing: all steps | 50.0% | 25.0% |"
    assert len(lines) == 2 + len(STEPS)
