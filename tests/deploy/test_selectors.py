"""Reading what a query asks for."""

import pytest

from tests.deploy.selectors import metric, selectors


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("up", ["up"]),
        ("sum by (le) (rate(a_bucket[5m] offset 1d)) / 1e6", ["a_bucket"]),
        ('absent(up{job="a"} == 1) or vector(0)', ['up{job="a"}']),
        ('a{x=~"}|sum (b)"} and on () sum(s:b:rate5m) > 14.4 * 0.001', ['a{x=~"}|sum (b)"}', "s:b:rate5m"]),
        ("predict_linear(a[6h], 2 * 86400) > 1 unless a", ["a"]),
    ],
)
def test_series_are_told_from_functions_labels_and_numbers(expr: str, expected: list[str]) -> None:
    assert selectors(expr) == expected


def test_the_series_of_a_histogram_are_one_metric() -> None:
    assert [metric('a_bucket{le="1"}'), metric("a_sum"), metric("a_total")] == ["a", "a", "a_total"]
