"""What frames look like in numbers: drawings of known measures have these."""

import cv2
import numpy as np
import pytest

from training.data.features import CHUNK, features


def line(width_px: float, degrees: float) -> np.ndarray:
    """Return the frame of a straight line through the middle, 18 px long, with soft edges: uint8 (28, 28)."""
    large = np.zeros((280, 280), np.uint8)
    half = 90 * np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    start, end = (tuple(np.int32(140 + sign * half).tolist()) for sign in (-1, 1))
    cv2.line(large, start, end, 255, round(width_px * 10))
    return cv2.resize(large, (28, 28), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90])
@pytest.mark.parametrize("width_px", [2.0, 3.0, 4.0])
def test_a_line_is_about_as_wide_as_it_was_drawn_whatever_its_direction(
    width_px: float, degrees: float
) -> None:
    (found,) = features(line(width_px, degrees)[None])["stroke_width_px"]
    with_ends = width_px / (1 + width_px / 18)  # its two ends are edges too
    assert found == pytest.approx(with_ends, rel=0.15)


def test_ink_at_the_frames_edge_has_an_edge_too() -> None:
    inside, outside = np.zeros((2, 28, 28), np.uint8)
    inside[:, 12:15] = outside[:, :3] = 255
    found = features(np.stack([inside, outside]))["stroke_width_px"]
    assert found[0] == pytest.approx(found[1], rel=0.01)


def test_the_share_of_ink_is_the_mean_of_the_frame() -> None:
    frame = np.zeros((1, 28, 28), np.uint8)
    frame[:, :7] = 255
    assert features(frame)["ink_share"].tolist() == pytest.approx([0.25])


def test_the_aspect_is_that_of_the_inks_box_without_its_soft_edges() -> None:
    frame = np.zeros((1, 28, 28), np.uint8)
    frame[0, 4:24, 9:14] = 255
    frame[0, 4:24, 14] = 40
    assert features(frame)["aspect"].tolist() == [5 / 20]


def test_a_scaled_pen_scales_all_but_the_aspect() -> None:
    thin, thick = features(line(2, 30)[None]), features(line(4, 30)[None])
    assert thick["ink_share"] > 1.8 * thin["ink_share"]
    assert thick["stroke_width_px"] > 1.6 * thin["stroke_width_px"]


def test_many_frames_have_each_its_own_figures() -> None:
    frames = np.stack([line(1 + index % 5, 17 * index) for index in range(10)])
    many = np.tile(frames, (CHUNK // 10 + 2, 1, 1))
    for name, values in features(many).items():
        assert values.shape == (len(many),)
        assert values[:10].tolist() == pytest.approx(features(frames)[name].tolist())
        assert values[-10:].tolist() == pytest.approx(values[:10].tolist())


def test_of_pictures_of_things_only_the_brightness_means_something() -> None:
    assert list(features(line(3, 0)[None], "picture")) == ["ink_share"]
