"""Marks are the connected areas that OpenCV finds, but for specks and what is faint throughout."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.marks import EDGE_SHARE, FAINTEST, PEAK_SHARE, SPECK_SHARE, find_marks


def by_opencv(distance: np.ndarray, floor: float, speck_share: float) -> np.ndarray:
    """Return what `find_marks` should, by its words."""
    full = np.sort(distance, axis=None)[-4:].astype(float).mean()
    low = max(EDGE_SHARE * full, floor, FAINTEST / 2)
    peak = max(PEAK_SHARE * full, 1.5 * floor, FAINTEST)
    count, labels = cv2.connectedComponents((distance > low).astype(np.uint8), connectivity=8)
    areas = [labels == number for number in range(1, count)]
    marks = [area for area in areas if (distance[area] >= peak).any()]
    amounts = [float((distance[area].astype(float) - low).sum()) for area in marks]
    kept = [area for area, amount in zip(marks, amounts, strict=True) if amount >= speck_share * max(amounts)]
    return np.any(kept, axis=0) if kept else np.zeros(distance.shape, bool)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(2, 60),
    columns=st.integers(2, 60),
    blur=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    floor=st.sampled_from([0.0, 0.2, 0.6]),
    speck_share=st.sampled_from([0.0, SPECK_SHARE, 0.5]),
)
def test_any_field_has_the_marks_that_opencv_finds(
    seed: int, rows: int, columns: int, blur: float, floor: float, speck_share: float
) -> None:
    distance = np.random.default_rng(seed).random((rows, columns), np.float32) ** 4
    if blur:
        distance = cv2.GaussianBlur(distance, (0, 0), blur)
    found = find_marks(distance, floor, speck_share)
    assert (found == by_opencv(distance, floor, speck_share)).all()


@pytest.mark.parametrize("turned", range(4))
def test_what_meets_at_its_end_alone_is_one_mark(turned: int) -> None:
    # A spiral, a comb and a fork: their runs are joined late, when some have been joined before.
    spiral = np.zeros((13, 13), np.float32)
    spiral[0, :] = spiral[:, 12] = spiral[12, 2:] = spiral[2:, 2] = spiral[2, 2:11] = spiral[2:11, 10] = 1
    comb = np.zeros((9, 13), np.float32)
    comb[:, ::2] = comb[8, :] = 1
    fork = np.eye(13, dtype=np.float32) + np.eye(13, dtype=np.float32)[::-1]
    for shape in (spiral, comb, fork):
        # Only one cell is strong: where a part were cut off, it would be left out.
        shape[shape > 0] = 0.1
        shape[tuple(np.argwhere(shape > 0)[0])] = 1
        distance = np.ascontiguousarray(np.rot90(shape, turned))
        assert (find_marks(distance, 0.0, 0.0) == (distance > 0)).all()


def test_blank_paper_has_none() -> None:
    assert not find_marks(np.zeros((20, 30), np.float32), 0.0, SPECK_SHARE).any()
