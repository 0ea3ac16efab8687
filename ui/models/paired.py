"""Two models' answers to the same drawings: who was right where, and whether that says anything."""

from dataclasses import dataclass
from math import comb

from ui.analytics.statistics import wilson

# Two-sided; and the interval holds 95 %.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Paired:
    """How many of the same drawings two models read rightly.

    Attributes:
        both: Both were right.
        only_a: Only the first was.
        only_b: Only the second was.
        neither: Neither was.
    """

    both: int = 0
    only_a: int = 0
    only_b: int = 0
    neither: int = 0

    @property
    def count(self) -> int:
        """How many drawings these are."""
        return self.both + self.only_a + self.only_b + self.neither

    @property
    def differ(self) -> int:
        """On how many drawings only one was right."""
        return self.only_a + self.only_b

    @property
    def p(self) -> float:
        """The exact two-sided McNemar test: how often equally good models differ so unevenly, or more so.

        The test takes each drawing on which only one is right for the throw of a coin (McNemar 1947,
        doi:10.1007/BF02295996; exact: the binomial distribution).
        """
        tail = sum(comb(self.differ, k) for k in range(min(self.only_a, self.only_b) + 1))
        return min(1.0, 2 * tail / 2**self.differ)

    def words(self, a: str, b: str) -> str:
        """Return what the comparison says, in a sentence or two; `a` and `b` are the models' names."""
        if not self.count:
            return "There is no drawing to compare them on."
        if not self.differ:
            return f"No difference: on all {self.count} drawings, both are right or both are wrong."
        drawings = "1 drawing" if self.differ == 1 else f"{self.differ} drawings"
        ratio = f"{max(self.only_a, self.only_b)} : {min(self.only_a, self.only_b)}"
        if self.p >= SIGNIFICANT:
            towards = "" if self.only_a == self.only_b else f" for {a if self.only_a > self.only_b else b}"
            return (
                f"No evidence of a difference: only one of them is right on {drawings}, {ratio}{towards} "
                f"(exact McNemar test, p = {self.p:.2f})."
            )
        better, worse = (a, b) if self.only_a > self.only_b else (b, a)
        p = f"p = {self.p:.3f}" if self.p >= 0.001 else "p < 0.001"
        return (
            f"{better} is better than {worse}: of {drawings} on which only one is right, {better} is right "
            f"on {max(self.only_a, self.only_b)} ({ratio}; exact McNemar test, {p})."
        )


def in_words(right: int, count: int) -> str:
    """Return a share with its interval, such as "96.0 % of 50 (86.5 to 98.9 %)"; "" of nothing."""
    of = wilson(right, count)
    if of is None:
        return ""
    low, high = of.low, of.high
    return f"{100 * right / count:.1f} % of {count:,} ({100 * low:.1f} to {100 * high:.1f} %)"
