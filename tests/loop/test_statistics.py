"""Known cases of paired comparisons."""

import numpy as np
import pytest

from loop.verdict.statistics import Pairs, least_differing, limit_of, lower_bound, p_better, p_worse, pairs_of

Z = 1.6448536


@pytest.mark.parametrize(
    ("candidate", "champion", "p"),
    [(21, 9, 0.0214), (20, 10, 0.0494), (19, 11, 0.1002), (15, 15, 0.5722), (5, 0, 0.03125), (4, 0, 0.0625)],
)
def test_mcnemars_exact_test_is_the_binomial_one(candidate: int, champion: int, p: float) -> None:
    assert p_better(Pairs(1000, candidate, champion, 0)) == pytest.approx(p, abs=5e-5)
    assert p_worse(Pairs(1000, champion, candidate, 0)) == p_better(Pairs(1000, candidate, champion, 0))


def test_no_pair_that_differs_says_nothing() -> None:
    assert p_better(Pairs(100, 0, 0, 3)) == 1
    assert [least_differing(limit_of(before)) for before in (0, 1, 19)] == [6, 7, 14]


def test_the_bound_of_pictures_that_were_read_alike_says_how_few_they_are() -> None:
    for count in (100, 2492, 10_000):
        # Tango's score in closed form, where no pair differs.
        assert lower_bound(Pairs(count, 0, 0, 0)) == pytest.approx(-(Z**2) / (count + Z**2), abs=1e-7)


def test_the_bound_falls_with_what_the_champion_alone_reads() -> None:
    bounds = [lower_bound(Pairs(10_000 - count, 0, count, 0)) for count in (0, 1, 5, 20)]
    assert bounds == sorted(bounds, reverse=True)
    assert lower_bound(Pairs(0, 0, 100, 0)) == -1


def test_the_bound_is_where_the_score_of_the_likeliest_shares_is_its_quantile() -> None:
    pairs = Pairs(4900, 30, 40, 30)
    low = lower_bound(pairs)
    # The likelihood of the champion's own share, maximised by trying all.
    shares = np.linspace(1e-9 - min(low, 0.0), 0.05, 200_001)
    b, c, n = pairs.candidate, pairs.champion, pairs.count
    likelihood = b * np.log(shares + low) + c * np.log(shares) + (n - b - c) * np.log(1 - 2 * shares - low)
    share = shares[np.nanargmax(likelihood)]
    score = (b - c - n * low) / (n * (2 * share + low * (1 - low))) ** 0.5
    assert score == pytest.approx(Z, abs=1e-2)


def test_a_bound_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no picture"):
        lower_bound(Pairs(0, 0, 0, 0))


def test_pairs_are_counted() -> None:
    right = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert pairs_of(*right) == Pairs(1, 1, 1, 1)
