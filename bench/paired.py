"""What a change is worth, from rounds in which changed and unchanged were measured one after the other.

The ratio is taken within each round, so that what the machine does to both drops out of it; of the ratios
the median is told, with an interval that assumes nothing about how they are distributed.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb

from bench.findings import failures_in_words
from bench.measured import Measured
from bench.rounds import Row

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ratio:
    """A figure of one server by that of another, over all rounds.

    Attributes:
        median: of the rounds' ratios.
        low: the interval's lower end.
        high: its upper end.
        confidence: how probable it is that the interval holds the median of ever more rounds, 0..1.
    """

    median: float
    low: float
    high: float
    confidence: float

    def __str__(self) -> str:
        """Give it in words."""
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"


def ratio(figure: Callable[[Measured], float], row: Row, served: Row) -> Ratio:
    """Give a figure of one server by that of another that was measured in the same rounds."""
    return ratio_of(
        [figure(one) / figure(other) for one, other in zip(row.rounds, served.rounds, strict=True)]
    )


def ratio_of(ratios: Sequence[float]) -> Ratio:
    """Give the median of the ratios with the narrowest pair of them that holds it with CONFIDENCE.

    Each of n is above the true median or not like the toss of a coin, so that the k-th smallest and the k-th
    largest enclose it but for 2 * P(fewer than k of n heads): Conover, Practical Nonparametric Statistics,
    section 3.2. With fewer than six ratios it is all of them, and `confidence` says how little that is.
    """
    ordered, count = sorted(ratios), len(ratios)
    outside, skipped = 2 * 0.5**count, 0
    while skipped + 1 < count / 2:
        wider = outside + 2 * comb(count, skipped + 1) * 0.5**count
        if wider > 1 - CONFIDENCE:
            break
        outside, skipped = wider, skipped + 1
    return Ratio(statistics.median(ordered), ordered[skipped], ordered[-1 - skipped], 1 - outside)


def markdown(compared: Sequence[Sequence[Row]], load_before: float) -> str:
    """Give the table: in each group the first row is what the others are compared with.

    Args:
        compared: groups of rows that were measured in the same rounds.
        load_before: the machine's load average before the run.
    """
    lines = [
        "| archive | clients | requests/s | p50 ms | p99 ms | refused or lost | requests/s by those as "
        "served | p50 by that as served |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for served, *others in compared:
        lines.append(f"{_figures(served)} | 1 | 1 |")
        for row in others:
            rate, p50 = ratio(_rate, row, served), ratio(_p50, row, served)
            lines.append(f"{_figures(row)} | {rate} | {p50} |")
    served, other = compared[0][:2]
    rounds = len(served.rounds)
    sure = ratio(_rate, other, served).confidence
    lines += [
        "",
        f"Medians of {rounds} rounds; ratios are taken within a round, in brackets the interval that holds "
        f"their median with {sure:.0%} confidence. What differs less than the two that are served alike is "
        f"noise. One server ran at a time. Load average before the run: {load_before:.1f}.",
        "",
    ]
    return "\n".join(lines)


def _figures(row: Row) -> str:
    return (
        f"| {row.server} | {row.clients} | {row.requests_per_s:,.0f} | {row.p50_ms:.2f} | {row.p99_ms:.2f} | "
        f"{failures_in_words(row.failures)}"
    )


def _rate(measured: Measured) -> float:
    return measured.requests_per_s


def _p50(measured: Measured) -> float:
    return measured.p50_ms
