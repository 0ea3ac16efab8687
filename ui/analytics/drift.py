"""Whether other labels are given now than before."""

from dataclasses import dataclass

from db.figures import Share
from ui.analytics.numbers import percent, whole
from ui.analytics.plots import MOST_ROWS, Rows, Table, side_by_side
from ui.analytics.statistics import PSI_MUCH, PSI_SOME, by_chance, stability


@dataclass(frozen=True)
class Drift:
    """The labels of the latest days beside those of the days before, and what is to be thought of it."""

    verdict: str
    is_much: bool
    figures: str
    rows: Rows


def drift(shares: list[Share], latest_days: str, earlier_days: str) -> Drift | None:
    """Return how the labels have changed; None where there are none in one of the two spans.

    Args:
        shares: How often each label was given.
        latest_days: Which days these are, in words,
        earlier_days: and which days they are compared with.
    """
    ordered = sorted(shares, key=lambda share: (len(share.value), share.value))
    latest, earlier = [share.latest for share in ordered], [share.earlier for share in ordered]
    index = stability(latest, earlier)
    if index is None:
        return None
    chance = by_chance(sum(latest), sum(earlier), len(ordered))
    both = [(share.value, share.latest / sum(latest), share.earlier / sum(earlier)) for share in ordered]
    table = Table(
        ("Label", "Share now", "Before", "Number now", "Before"),
        tuple(
            (label, percent(now), percent(before), whole(share.latest), whole(share.earlier))
            for share, (label, now, before) in zip(ordered, both, strict=True)
        ),
    )
    description = f"The labels of {latest_days}, compared with those of {earlier_days}."
    if len(ordered) > MOST_ROWS:
        description += f" Of {len(ordered)} labels, the {MOST_ROWS} that changed most; the table has all."
    return Drift(
        verdict=_verdict(index, chance),
        is_much=index >= PSI_MUCH and index > chance,
        figures=f"Population stability index {index:.3f}; "
        f"chance alone stays below {chance:.3f} in 95 of 100 cases.",
        rows=Rows(
            "labels",
            "Labels now and before",
            description,
            (("is-strong", "now"), ("is-plain", "before")),
            side_by_side(both, "before"),
            table,
        ),
    )


def _verdict(index: float, chance: float) -> str:
    if index <= chance:
        return "No more than chance"
    if index < PSI_SOME:
        return "Little change"
    return "Some change" if index < PSI_MUCH else "Much has changed"
