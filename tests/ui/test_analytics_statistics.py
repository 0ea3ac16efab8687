"""The statistics of analytics, against figures that others give, and numbers as people read them."""

from datetime import date

import pytest
from scipy.stats import binomtest, chi2

from ui.analytics import numbers
from ui.analytics.plots import spread, top_of
from ui.analytics.statistics import by_chance, stability, wilson


@pytest.mark.parametrize(("count", "of"), [(0, 1), (1, 1), (0, 5), (5, 5), (9, 10), (81, 263), (999, 1000)])
def test_wilsons_interval_is_that_of_scipy(count: int, of: int) -> None:
    found = wilson(count, of)
    scipys = binomtest(count, of).proportion_ci(method="wilson")
    assert found is not None
    assert (found.share, found.count, found.of) == (count / of, count, of)
    assert (found.low, found.high) == pytest.approx((scipys.low, scipys.high), abs=1e-6)
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_of_nothing_there_is_no_share() -> None:
    assert wilson(0, 0) is None


def test_the_stability_index_is_that_of_a_hand() -> None:
    # (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5)
    assert stability([60, 40], [500, 500]) == pytest.approx(0.1 * 0.18232156 + 0.1 * 0.22314355)
    assert stability([5, 5], [50, 50]) == 0
    assert stability([5, 0], [5, 5]) == pytest.approx((5 / 5.5 - 0.5) * 1.1 * 0 + 0.941871, abs=1e-4)
    assert stability([], []) is None
    assert stability([0, 0], [1, 2]) is None
    assert stability([1, 2], [0, 0]) is None


@pytest.mark.parametrize("values", [2, 3, 10, 30, 100])
def test_chance_is_a_chi_square(values: int) -> None:
    expected = (1 / 200 + 1 / 1000) * chi2.ppf(0.95, values - 1)
    assert by_chance(200, 1000, values) == pytest.approx(expected, rel=0.03)


def test_of_one_value_chance_changes_nothing() -> None:
    assert by_chance(10, 10, 1) == 0


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0.0 %"), (1, "100.0 %"), (0.9996, "> 99.9 %"), (0.0004, "< 0.1 %"), (0.5, "50.0 %")],
)
def test_only_what_is_certain_is_called_so(share: float, words: str) -> None:
    assert numbers.percent(share) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.52, "0.5 ms"), (41.4, "41 ms"), (1234, "1.2 s"), (61_000, "61 s")]
)
def test_times_have_two_digits_that_say_something(value: float, words: str) -> None:
    assert numbers.milliseconds(value) == words


def test_counts_and_days_are_written_for_people() -> None:
    assert numbers.drawings(1) == "1 drawing"
    assert numbers.drawings(1_234_567) == "1,234,567 drawings"
    assert numbers.full_day(date(2026, 3, 2)) == "2 Mar 2026"


@pytest.mark.parametrize(
    ("values", "top"),
    [((), 1), ((0,), 1), ((1,), 1), ((3, 11), 20), ((0.031,), 0.05), ((10,), 10), ((51,), 100)],
)
def test_an_axis_has_room_for_all_values(values: tuple[float, ...], top: float) -> None:
    assert top_of(values) == pytest.approx(top)


def test_an_axis_names_its_ends_and_some_between() -> None:
    assert spread(["a"], 4) == ((0.5, "a"),)
    assert [name for _, name in spread([str(i) for i in range(30)], 4)] == ["0", "10", "19", "29"]
    assert [name for _, name in spread(["a", "b", "c"], 4)] == ["a", "b", "c"]
