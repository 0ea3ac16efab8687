"""The statistics of analytics: how sure a share is, and whether what is drawn has changed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# The normal distribution's 0.975 and 0.95 quantiles.
Z_95_BOTH = 1.959964
Z_95_ABOVE = 1.644854
# Siddiqi, Credit Risk Scorecards (2006): below 0.1 little change, from 0.25 on one to be looked into.
PSI_SOME = 0.1
PSI_MUCH = 0.25


@dataclass(frozen=True)
class Interval:
    """A share with its 95 % interval, all 0 to 1, and the counts it was made of."""

    share: float
    low: float
    high: float
    count: int
    of: int


def wilson(count: int, of: int) -> Interval | None:
    """Return a share with Wilson's interval, which holds near 0 and 1 and for few; None of nothing.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if of == 0:
        return None
    share, z2 = count / of, Z_95_BOTH**2
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z_95_BOTH / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of**2))
    return Interval(
        share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), count, of
    )


def stability(latest: Sequence[int], earlier: Sequence[int]) -> float | None:
    """Return the population stability index of two lists of counts, by the same values; None if one is empty.

    A value that was not there at all counts as half a drawing: the index of nothing would be infinite.
    """
    if not sum(latest) or not sum(earlier):
        return None
    shares = [
        [max(count, 0.5) / sum(max(other, 0.5) for other in counts) for count in counts]
        for counts in (latest, earlier)
    ]
    return sum((new - old) * math.log(new / old) for new, old in zip(*shares, strict=True))


def by_chance(latest: int, earlier: int, values: int) -> float:
    """Return the index that two samples of the same distribution stay below 95 times in 100.

    B. Yurdakul and J. Naranjo, "Statistical properties of the population stability index", Journal of Risk
    Model Validation 14 (2020): the index is (1/n + 1/m) times a chi-square of as many degrees of freedom as
    there are values, less one.

    Args:
        latest: How many drawings there are, at least 1.
        earlier: How many there were before, at least 1.
        values: How many different values.
    """
    return (1 / latest + 1 / earlier) * _chi_square_95(values - 1)


def _chi_square_95(degrees: int) -> float:
    """Return the 0.95 quantile of chi-square, right to 3 % (Wilson and Hilferty, PNAS 17, 1931)."""
    if degrees < 1:
        return 0.0
    part = 2 / (9 * degrees)
    return degrees * (1 - part + Z_95_ABOVE * math.sqrt(part)) ** 3
