"""The figures of the report, on answers whose figures are known."""

import pytest

from tests.training.evaluation.answers import answers
from training.evaluation import figures
from training.evaluation.figures import wilson
from training.evaluation.findings import find
from training.evaluation.questions import UNCHANGED


# Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3.
@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_the_published_one(correct: int, count: int, low: float, high: float) -> None:
    assert wilson(correct, count) == pytest.approx((low, high), abs=5e-5)


def test_wilsons_interval_of_all_correct_ends_at_one_and_has_a_width() -> None:
    low, high = wilson(20, 20)
    assert high == 1
    assert low == pytest.approx(1 - 0.1611, abs=5e-5)


@pytest.mark.parametrize(("correct", "count"), [(0, 0), (3, 2), (-1, 2)])
def test_an_impossible_share_is_named(correct: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"{correct} of {count} is not a share"):
        wilson(correct, count)


def test_a_refused_picture_counts_as_wrong() -> None:
    row = figures.row([answers([1, 2, -1, 4], [1, 2, 3, 5])])
    assert (row.pictures, row.correct, row.accuracy, row.refused) == (4, 2, 0.5, 1)


def test_sets_are_counted_over_what_was_read_and_what_is_no_digit_over_all() -> None:
    asked = answers([1, 2, -1, 4], [1, 2, 3, 5])
    asked.members[1, 7] = True
    asked.called_digits[3] = False
    row = figures.row([asked])
    assert (row.covered, row.set_size, row.no_digit) == (pytest.approx(2 / 3), pytest.approx(4 / 3), 1)


def test_right_and_wrong_answers_are_counted_that_say_it_is_a_digit() -> None:
    asked = answers([1, 2, -1, 4, 5, 6], [1, 2, 3, 5, 5, 7])
    asked.called_digits[[1, 3]] = False
    row = figures.row([asked])
    assert (row.trusted, row.misled) == (2, 1)


def test_pictures_of_the_same_digits_do_not_narrow_the_interval() -> None:
    one = answers([1, 2, 3, 4], [1, 2, 3, 5])
    once, often = figures.row([one]), figures.row([one] * 10, "all kinds", "both")
    assert (often.pictures, often.accuracy) == (40, once.accuracy)
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_a_change_is_judged_by_the_first_answer_and_not_by_the_truth() -> None:
    before = answers([1, 2, 3, -1], [1, 9, 3, 4], confidence=0.9, part="change", name=UNCHANGED)
    after = answers([1, 2, 4, -1], [1, 9, 3, 4], confidence=[0.8, 0.9, 0.91, 0], part="change", name="shift")
    change = figures.change(before, after)
    assert (change.same, change.pictures, change.share) == (2, 4, 0.5)
    # 0.9 -> 0.8; 0.9 -> 0.9; 0.9 -> (1 - 0.91) / 9; the refused one has no first answer.
    assert change.confidence_change == pytest.approx((0.1 + 0 + 0.89) / 3)


def test_rows_of_the_confusion_matrix_are_true_and_columns_answered() -> None:
    table = figures.confusion([answers([7, 7, 1, -1], [1, 7, 1, 2])])
    assert (table[1, 7], table[7, 7], table[1, 1], table.sum()) == (1, 1, 1, 3)


def test_reliability_bins_hold_every_answer_that_was_given() -> None:
    found = figures.reliability([answers([1, 1, 1, 1, -1], [1, 1, 1, 2, 1], confidence=0.75)])
    assert (found.count, found.accuracy) == ([4], [0.75])
    assert found.confidence == [pytest.approx(0.75)]
    assert found.ece == pytest.approx(0, abs=1e-9)


def test_the_worst_mistakes_name_each_digit_once_surest_first() -> None:
    plain = answers([1, 2, 3], [1, 9, 9], confidence=[0.99, 0.7, 0.6])
    photo = answers([1, 2, 3], [1, 9, 9], confidence=[0.99, 0.8, 0.5], name="photo")
    worst = find([plain, photo]).worst["strokes"]
    assert [(one.kind, one.index, one.misread, one.pictures) for one in worst] == [
        ("photo", 1, 2, 2),
        ("plain", 2, 2, 2),
    ]
    assert [(one.truth, one.answer) for one in worst] == [(9, 2), (9, 3)]


def test_answers_of_two_models_are_not_mixed() -> None:
    one, other = answers([1], [1]), answers([1], [1])
    other.model["version"] = "2.0.0"
    with pytest.raises(ValueError, match="another model"):
        find([one, other])
