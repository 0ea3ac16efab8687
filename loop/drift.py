"""Whether drawings look like those of training: two-sample tests, and how large each difference is.

Of thousands of drawings every difference is beyond chance, and of few a large one may be chance: so both are
asked, and a figure has drifted where it differs by more than chance and by much.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from db.drifts import Figure

# How often all looks at a version together may take chance for a difference.
ALPHA = 0.05
# Fewer say too little; see LEAST_EXPECTED.
LEAST = 200
# Of numbers, on both sides: answers are rounded by more than references.
DECIMALS = 3
# A chi-square test needs so many in each cell (Cochran, Biometrics 10, 1954); rarer values are put together.
LEAST_EXPECTED = 5
RARE = "rarer"
# Where the bins of a number are divided: at these quantiles of its reference.
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# Nearly all answers are as sure as can be; that more are not shows below.
LOW = (0.01, 0.05, *DECILES)


def of_numbers(
    name: str,
    quantiles: Sequence[float],
    count: int,
    drawn: np.ndarray,
    divided: Sequence[float] = DECILES,
) -> Figure:
    """Return how a number differs from its reference, by Kolmogorov and Smirnov's two-sample test.

    The other sample is made from the reference: as many values as it was made of, evenly along its quantiles.

    Args:
        name: of the figure.
        quantiles: of the reference, from the least value to the largest.
        count: how many values these are of.
        drawn: the drawings' values, float (LEAST or more,).
        divided: where the bins of the stability index end, quantiles of the reference.
    """
    places = (np.arange(count) + 0.5) / count
    training = np.interp(places, np.linspace(0, 1, len(quantiles)), quantiles).round(DECIMALS)
    drawn = drawn.round(DECIMALS)
    # Several are one where many values are the same.
    edges = np.unique(np.quantile(training, divided).round(DECIMALS))
    shares, counts = (
        np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        for values in (training, drawn)
    )
    return Figure(
        name=name,
        p=float(stats.ks_2samp(training, drawn, method="asymp").pvalue),
        is_beyond_chance=False,
        stability=stability(shares / count, counts),
        edges=edges.tolist(),
        values=None,
        training=_shares(shares),
        drawn=_shares(counts),
        training_spread=_spread(training),
        drawn_spread=_spread(drawn),
    )


def of_values(name: str, shares: Mapping[str, float], count: int, drawn: Mapping[str, int]) -> Figure:
    """Return how often values differ from their reference, by a chi-square test of homogeneity.

    Args:
        name: of the figure.
        shares: of each value in the reference, 0..1.
        count: how many values these are of.
        drawn: how many drawings have each value, LEAST or more together.
    """
    table = {
        value: (shares.get(value, 0.0) * count, float(drawn.get(value, 0)))
        for value in sorted({*shares, *drawn}, key=lambda value: (len(value), value))
    }
    together = _rare_together(table)
    training, counts = np.array(list(together.values())).T
    p = stats.chi2_contingency([training, counts], correction=False).pvalue if len(together) > 1 else 1.0
    return Figure(
        name=name,
        p=float(p),
        is_beyond_chance=False,
        stability=stability(training / training.sum(), counts),
        edges=None,
        values=list(together),
        training=_shares(training),
        drawn=_shares(counts),
    )


def corrected(figures: Sequence[Figure], look: int) -> list[Figure]:
    """Return the figures with p values that hold for all of them, and for all looks there will ever be.

    Holm's correction for the figures (Scandinavian Journal of Statistics 6, 1979), and for the looks ALPHA is
    spent in parts: look k has ALPHA / (k (k + 1)), and all of them together have ALPHA (spending as of Lan
    and DeMets, Biometrika 70, 1983, by Bonferroni's bound, since looks may share drawings).

    Args:
        figures: of one look, with the p values of their tests.
        look: which look at the version this is, from 1.
    """
    by_p = sorted(range(len(figures)), key=lambda index: figures[index].p)
    found, least = list(figures), 0.0
    for place, index in enumerate(by_p):
        least = max(least, figures[index].p * (len(figures) - place) * look * (look + 1))
        p = min(1.0, least)
        found[index] = Figure(**{**vars(figures[index]), "p": p, "is_beyond_chance": p <= ALPHA})
    return found


def stability(training: np.ndarray, counts: np.ndarray) -> float:
    """Return the population stability index (Siddiqi, Credit Risk Scorecards, 2006); the larger, the farther.

    What is nowhere counts as half a drawing: the index of nothing would be infinite.

    Args:
        training: shares, float (bins,), sum to 1.
        counts: of drawings, (bins,).
    """
    total = counts.sum()
    then, now = (np.maximum(shares, 0.5 / total) for shares in (training, counts / total))
    then, now = then / then.sum(), now / now.sum()
    return round(float(((now - then) * np.log(now / then)).sum()), 4)


def _rare_together(table: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Return the table of both samples with those values as one of which fewer drawings are expected."""
    then, now = (math.fsum(row[side] for row in table.values()) for side in (0, 1))
    expected = {value: sum(row) * now / (then + now) for value, row in table.items()}
    rare = {value for value in table if expected[value] < LEAST_EXPECTED}
    if rare and sum(expected[value] for value in rare) < LEAST_EXPECTED and len(rare) < len(table):
        rare.add(min(table.keys() - rare, key=lambda value: expected[value]))
    kept = {value: row for value, row in table.items() if value not in rare}
    if not rare:
        return kept
    sums = [math.fsum(table[value][side] for value in rare) for side in (0, 1)]
    # One that stands alone keeps its name.
    return {**kept, next(iter(rare)) if len(rare) == 1 else RARE: (sums[0], sums[1])}


def _shares(counts: np.ndarray) -> list[float]:
    return (counts / counts.sum()).round(5).tolist()


def _spread(values: np.ndarray) -> list[float]:
    return np.quantile(values, (0.05, 0.5, 0.95)).round(DECIMALS).tolist()
