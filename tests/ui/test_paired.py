"""What two models' answers to the same drawings say."""

import pytest
from scipy.stats import binomtest

from ui.analytics.statistics import wilson
from ui.models.paired import Paired, in_words


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (5, 3), (9, 1), (15, 5), (7, 7), (300, 200)])
def test_p_is_that_of_the_exact_binomial_test(only_a: int, only_b: int) -> None:
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert Paired(100, only_a, only_b, 4).p == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("paired", "says"),
    [
        (Paired(), "There is no drawing to compare them on."),
        (
            Paired(9, 0, 0, 3),
            "No difference: on all 12 drawings, both are right or both are wrong.",
        ),
        (
            Paired(9, 5, 3, 0),
            "No evidence of a difference: only one of them is right on 8 drawings, 5 : 3 for A",
        ),
        (
            Paired(9, 4, 4, 0),
            "No evidence of a difference: only one of them is right on 8 drawings, 4 : 4 (exact",
        ),
        (
            Paired(9, 1, 0, 0),
            "No evidence of a difference: only one of them is right on 1 drawing, 1 : 0 for A",
        ),
        (
            Paired(9, 1, 9, 0),
            "B is better than A: of 10 drawings on which only one is right, B is right on 9 (9 : 1;",
        ),
    ],
)
def test_the_words_claim_no_more_than_the_test(paired: Paired, says: str) -> None:
    assert paired.words("A", "B").startswith(says)


def test_the_interval_is_wilson_s() -> None:
    # Agresti and Coull 1998: 0 of 10 gives 0 to 0.278, 9 of 10 gives 0.596 to 0.982.
    for right, ends in ((0, (0, 0.2775)), (9, (0.5958, 0.9821))):
        of = wilson(right, 10)
        assert of is not None
        assert (of.low, of.high) == pytest.approx(ends, abs=1e-4)
    assert in_words(48, 50) == "96.0 % of 50 (86.5 to 98.9 %)"
    assert in_words(0, 0) == ""
