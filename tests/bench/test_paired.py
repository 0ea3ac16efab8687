import numpy as np
import pytest

from bench.measured import Measured
from bench.paired import markdown, ratio, ratio_of
from bench.rounds import row_of


def rows(name, rates, p50_ms):
    rounds = [Measured(rate, p50_ms, 2 * p50_ms, 1000, {}, 0.1, "wrk", 1.0) for rate in rates]
    return row_of(name, 64, rounds)


# The machine grows three times as fast meanwhile; the change is worth a tenth all the same.
SERVED = rows("as served", [1000, 1500, 2000, 2500, 3000, 3000], 20.0)
CHANGED = rows("changed", [1100, 1650, 2200, 2750, 3300, 3300], 18.0)


def test_a_ratio_is_that_within_rounds():
    found = ratio(lambda one: one.requests_per_s, CHANGED, SERVED)
    assert (found.median, found.low, found.high) == pytest.approx((1.1, 1.1, 1.1))


@pytest.mark.parametrize(
    ("count", "low", "high", "confidence"),
    # Conover's table A3: the 95 % interval of a median is from the 3rd to the 10th of 12 values.
    [(1, 0, 0, 0.0), (2, 0, 1, 0.5), (5, 0, 4, 0.9375), (6, 0, 5, 0.96875), (12, 2, 9, 0.96143)],
)
def test_the_interval_leaves_out_what_its_confidence_allows(count, low, high, confidence):
    found = ratio_of([float(value) for value in reversed(range(count))])
    assert (found.low, found.high) == (low, high)
    assert found.confidence == pytest.approx(confidence, abs=1e-4)


def test_the_interval_holds_the_median_as_often_as_it_says():
    random = np.random.default_rng(0)
    found = [ratio_of(list(random.lognormal(0, 0.5, 12))) for _ in range(2000)]
    held = np.mean([one.low <= 1 <= one.high for one in found])
    assert held == pytest.approx(found[0].confidence, abs=0.02)


def test_the_table_gives_ratios_to_what_is_served():
    table = markdown([[SERVED, CHANGED]], 0.5)
    assert "| as served | 64 | 2,250 | 20.00 | 40.00 | none | 1 | 1 |" in table
    assert "| changed | 64 | 2,475 | 18.00 | 36.00 | none | 1.100 (1.100 to 1.100) | 0.900 (0.900" in table
    assert "97% confidence" in table
    assert len({line.count("|") for line in table.splitlines() if line.startswith("|")}) == 1
