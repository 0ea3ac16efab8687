"""Ones that the gate learns from: bare lines, mostly by a thin pen, others in each part."""

import numpy as np
import pytest

from training.gate import ones


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ones, "COUNTS", dict.fromkeys(ones.COUNTS, 20))


@pytest.mark.usefixtures("few")
def test_each_is_one_upright_line() -> None:
    made = ones.ones("train")
    assert (made.frames.shape, made.frames.dtype) == ((20, 28, 28), np.uint8)
    assert set(made.labels) == {1}
    for frame in made.frames:
        rows, columns = (np.ptp(places) + 1 for places in np.nonzero(frame > 100))
        assert rows >= 15
        assert columns < rows


@pytest.mark.usefixtures("few")
def test_they_are_the_same_each_time_and_others_in_each_part() -> None:
    by_part = {part: ones.ones(part).frames for part in ones.COUNTS}
    np.testing.assert_array_equal(by_part["train"], ones.ones("train").frames)
    every = [frame.tobytes() for frames in by_part.values() for frame in frames]
    assert len(set(every)) == len(every) == 60
