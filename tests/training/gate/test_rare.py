"""Digits that are rare among those of the recorded writers: bare ones, slashed zeros; others in each part."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from tests.training.outliers.outlier_material import material
from training.data.frames import Frames
from training.gate import rare


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rare, "COUNTS", dict.fromkeys(rare.COUNTS, 20))


@pytest.mark.usefixtures("few")
def test_each_is_one_upright_line() -> None:
    made = rare.ones("train")
    assert (made.frames.shape, made.frames.dtype) == ((20, 28, 28), np.uint8)
    assert set(made.labels) == {1}
    for frame in made.frames:
        rows, columns = (np.ptp(places) + 1 for places in np.nonzero(frame > 100))
        assert rows >= 15
        assert columns < rows


@pytest.mark.usefixtures("few")
def test_each_zero_has_a_line_through_it() -> None:
    digits = material().digits
    made = rare.slashed_zeros("train", digits)
    assert (made.frames.shape, made.frames.dtype) == ((20, 28, 28), np.uint8)
    assert set(made.labels) == {0}
    papers = [(frame < 100).astype(np.uint8) for frame in made.frames]
    apart = [cv2.connectedComponents(paper, connectivity=4)[0] - 1 for paper in papers]
    assert sum(count >= 3 for count in apart) >= 10, "around it and beside the line, but for wide pens"


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "make", [rare.ones, lambda part: rare.slashed_zeros(part, material().digits)], ids=["ones", "zeros"]
)
def test_they_are_the_same_each_time_and_others_in_each_part(make: Callable[[str], Frames]) -> None:
    by_part = {part: make(part).frames for part in rare.COUNTS}
    np.testing.assert_array_equal(by_part["train"], make("train").frames)
    every = [frame.tobytes() for frames in by_part.values() for frame in frames]
    assert len(set(every)) == len(every) == 60
