"""Pictures with more on them than a digit: what is around it stays beside it, and other hands keep labels."""

import numpy as np
import pytest

from handler.decode import decode
from tests.training.outliers.outlier_material import material
from training.data import sheet
from training.data.hands import FORMS, other_hand
from training.data.papers import _beyond, _outwards
from training.data.rendered import OTHER_KINDS
from training.data.strokes import Drawn
from training.outliers import papers

NOTHING = Drawn(-1, 0, ())


def laid(drawn: Drawn, seed: int) -> sheet.Sheet:
    return sheet.laid(drawn, np.random.default_rng(seed), looks=(0.4, 0.3, 0.3), margin=0.06)


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_a_picture_of_every_kind_is_a_file_and_the_same_for_the_same_seed(kind: str) -> None:
    for seed, drawn in enumerate(material().digits[:4]):
        picture, again = (OTHER_KINDS[kind](drawn, np.random.default_rng(seed)) for _ in range(2))
        assert (picture.decoded() == again.decoded()).all()
        assert np.abs(decode(picture.encoded()).astype(int) - picture.decoded()).max() <= 2
        assert picture.decoded()[..., :3].std() > 2


def test_a_drawing_lies_inside_its_sheet_at_the_margin_that_was_asked_for() -> None:
    for seed in range(30):
        one = laid(material().digits[seed % 10], seed)
        border = np.concatenate([one.cover[0], one.cover[-1], one.cover[:, 0], one.cover[:, -1]])
        assert border.max() == 0
        assert (one.low > 0).all()
        assert (one.high < np.array(one.size)).all()


@pytest.mark.parametrize("way", ["desk", "corner", "scanner", "letterbox", "frame", "pasted"])
def test_what_lies_beside_the_sheet_covers_nothing_of_the_drawing(way: str) -> None:
    for seed in range(20):
        one, random = laid(material().digits[seed % 10], seed), np.random.default_rng(seed)
        beyond = _beyond(one, _outwards(way, random), random)
        assert beyond[one.cover > 0.5].max() <= 0
        assert beyond.max() > -0.1 * max(one.size), "it reaches the picture, or nearly"


@pytest.mark.parametrize("label", range(10))
def test_another_hand_writes_the_same_digit_in_another_form(label: int) -> None:
    digit = material().digits[label]
    forms = [other_hand(digit, np.random.default_rng(seed)) for seed in range(12)]
    assert {one.label for one in forms} == {label}
    assert all(np.isfinite(np.concatenate(one.strokes)).all() for one in forms)
    points = {tuple(np.round(np.concatenate(one.strokes)[:9].ravel(), 3)) for one in forms}
    assert len(points) == 12, "no two alike"
    if label in FORMS:
        shapes = {tuple(len(stroke) for stroke in one.strokes) for one in forms}
        assert len(shapes) > 1


def test_most_zeros_of_other_hands_are_slashed() -> None:
    zeros = [other_hand(material().digits[0], np.random.default_rng(seed)) for seed in range(40)]
    assert sum(len(zero.strokes) == 2 for zero in zeros) > 20


def test_paper_and_marks_can_be_drawn_without_a_digit() -> None:
    for draw in (papers.empty, papers.mark):
        for seed in range(8):
            assert draw(np.random.default_rng(seed)).decoded()[..., :3].std() >= 0
    assert laid(NOTHING, 1).cover.max() == 0
