"""Two versions' answers to the same pictures: how much better the candidate is, and how sure that is."""

import itertools
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest

# One-sided: of equally good candidates one in twenty passes a test of being better, by chance.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Pairs:
    """Who read how many of the same pictures rightly.

    Attributes:
        both: both did.
        candidate: the candidate alone did.
        champion: the champion alone did.
        neither: none of them did.
    """

    both: int
    candidate: int
    champion: int
    neither: int

    @property
    def count(self) -> int:
        """How many pictures these are."""
        return self.both + self.candidate + self.champion + self.neither

    @property
    def differ(self) -> int:
        """On how many only one was right."""
        return self.candidate + self.champion

    @property
    def difference(self) -> float:
        """How much more often the candidate was right: -1..1."""
        return (self.candidate - self.champion) / self.count if self.count else 0.0


def pairs_of(candidate: np.ndarray, champion: np.ndarray) -> Pairs:
    """Return the counts of who was right: bool (pictures,) both, in the same order."""
    return Pairs(
        int((candidate & champion).sum()),
        int((candidate & ~champion).sum()),
        int((champion & ~candidate).sum()),
        int((~candidate & ~champion).sum()),
    )


def lower_bound(pairs: Pairs) -> float:
    """Return the lower bound of the difference in the share of right answers, at 95 % (one-sided): -1..1.

    Where Tango's score test of paired shares ends to doubt it (Tango 1998, Statistics in Medicine 17, 891,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B). Unlike the textbook's, the bound of
    pictures that were all read alike is not 0: it says how few they are.

    Raises:
        ValueError: there are no pictures.
    """
    if not pairs.count:
        raise ValueError("no picture was asked, so nothing is known of a difference")
    z = NormalDist().inv_cdf(1 - SIGNIFICANT)
    at = pairs.difference
    if at <= -1:
        return -1.0
    # The score falls as the assumed difference rises to the observed one, where it is 0.
    return float(brentq(lambda assumed: _score(pairs, assumed) - z, -1 + 1e-12, at, xtol=1e-9))


def _score(pairs: Pairs, assumed: float) -> float:
    """Return by how many deviations the observed difference is above an assumed one."""
    n, b, c = pairs.count, pairs.candidate, pairs.champion
    # The likeliest share of pictures that the champion alone reads, if the assumed difference were true.
    half = -b - c + (2 * n - b + c) * assumed
    root = max(0.0, half * half + 8 * n * c * assumed * (1 - assumed))
    share = (root**0.5 - half) / (4 * n)
    variance = n * (2 * share + assumed * (1 - assumed))
    above = b - c - n * assumed
    if variance <= 0:
        return 0.0 if above == 0 else float("inf")
    return above / variance**0.5


def p_better(pairs: Pairs) -> float:
    """Return how often an equally good candidate would look as good, or better: 0..1.

    The exact one-sided test of McNemar (1947, doi:10.1007/BF02295996): a picture that only one reads is the
    throw of a coin.
    """
    return _p(pairs.candidate, pairs.differ)


def p_worse(pairs: Pairs) -> float:
    """Return how often an equally good candidate would look as bad, or worse: 0..1, as `p_better`."""
    return _p(pairs.champion, pairs.differ)


def limit_of(asked_before: int) -> float:
    """Return below which p value a candidate is better, where so many were compared with the champion before.

    The k-th may use SIGNIFICANT / (k (k + 1)) of it. However many follow, that adds up to SIGNIFICANT, which
    bounds the share of champions that ever lose to one that is no better (Bonferroni's correction with
    weights; of no use is that drawings of before are asked again, and no harm).
    """
    turn = asked_before + 1
    return SIGNIFICANT / (turn * (turn + 1))


def least_differing(limit: float) -> int:
    """Return on how many pictures the two have to differ before any count of them has a p below the limit."""
    return next(count for count in itertools.count(1) if _p(count, count) < limit)


@lru_cache(maxsize=1024)  # a check asks several times for the same
def _p(heads: int, throws: int) -> float:
    return float(binomtest(heads, throws, 0.5, alternative="greater").pvalue) if throws else 1.0
