"""What the judged answers say: how often the model is right, how far it can be believed, and of its sets."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from db.figures import CONFIDENCES, Judged, Share
from ui.analytics.numbers import drawings, percent, whole
from ui.analytics.plots import Plot, Point, Row, Rows, Series, Table
from ui.analytics.statistics import Interval, wilson

# Of more sizes of sets, several share a bar.
MOST_SIZES = 12


@dataclass(frozen=True)
class Doubt:
    """How doubt and judgements agree; None where nothing of the kind was judged.

    Attributes:
        of_none: Of what people called no digit: how much of it the model doubted.
        of_digits: Of what people called a digit: how much of it the model doubted.
    """

    of_none: Interval | None
    of_digits: Interval | None


def accuracy(judged: list[Judged]) -> Interval | None:
    """Return the share of right answers; of what is no digit, doubt is the right answer."""
    return share_of(judged, lambda one: one.is_right)


def coverage(judged: list[Judged]) -> Interval | None:
    """Return how often the right label was in the set, of the answers that have a set."""
    return share_of([one for one in judged if one.is_in_set is not None], lambda one: one.is_in_set is True)


def doubt(judged: list[Judged]) -> Doubt:
    """Return how doubt and judgements agree, of the answers that say whether they doubt."""
    said = [one for one in judged if one.is_digit is not None]
    none, digits = ([one for one in said if (one.really is None) is is_none] for is_none in (True, False))
    return Doubt(*(share_of(some, lambda one: one.is_digit is False) for some in (none, digits)))


def share_of(judged: list[Judged], is_so: Callable[[Judged], bool]) -> Interval | None:
    """Return the share of which something is so."""
    return wilson(sum(one.count for one in judged if is_so(one)), sum(one.count for one in judged))


def reliability(judged: list[Judged]) -> Plot | None:
    """Return the share of right labels by confidence; None where no label was judged.

    What is no digit is left out: the confidence is that of the label, given that it is a digit.
    """
    labelled = [one for one in judged if one.really is not None]
    if not labelled:
        return None
    edges = (0.0, *CONFIDENCES, 1.0)
    width = 1 / (len(edges) - 1)
    bars, whiskers, marks, rows = [], [], [], []
    off = 0.0
    for place in range(len(edges) - 1):
        within = [one for one in labelled if one.bin == place]
        right = share_of(within, lambda one: one.is_right)
        if right is None:
            continue
        mean = sum(one.confidence for one in within) / right.of
        off += abs(right.share - mean) * right.of
        name = f"{100 * edges[place]:.0f} to {100 * edges[place + 1]:.0f} %"
        words = f"{name}: {percent(right.share)} of {whole(right.of)} right, {percent(mean)} sure"
        bars.append(Point(place * width, right.share, words))
        whiskers.append(Point((place + 0.5) * width, right.high, words, low=right.low))
        marks.append(Point(place * width, mean, words))
        rows.append((name, percent(mean), percent(right.share), interval_words(right), whole(right.of)))
    off /= sum(one.count for one in labelled)
    return Plot(
        name="reliability",
        title="How often answers are right, by confidence",
        description=f"On average, confidence and share of right answers are {100 * off:.1f} points apart.",
        top="100 %",
        ticks=tuple((i * width, f"{100 * edge:.0f}") for i, edge in enumerate(edges)),
        width=width,
        series=(
            Series("bar", "is-plain", "right", tuple(bars)),
            Series("whisker", "is-ink", "95 % interval", tuple(whiskers)),
            Series("mark", "is-strong", "confidence, where bars should end", tuple(marks)),
        ),
        table=Table(("Confidence", "Mean", "Right", "95 % interval", "Judged"), tuple(rows)),
    )


def set_sizes(sizes: dict[str, int]) -> Rows | None:
    """Return how many labels the sets have, from their number by size ("0": no set); None without sets.

    Of many sizes those from 4 labels on are bars together, each bar of twice as many; the table has all.
    """
    total = sum(sizes.values())
    if not total or set(sizes) == {"0"}:
        return None
    ordered = sorted(sizes.items(), key=lambda item: int(item[0]))
    named = [(_size(size), count, percent(count / total)) for size, count in ordered]
    bars = Counter({name: count for name, count, _ in named})
    if len(ordered) > MOST_SIZES:
        bars = Counter()
        for size, count in ordered:
            bars[_sizes(int(size))] += count
    return Rows(
        name="sets",
        title="Labels per set",
        description=f"Of {drawings(total)}.",
        legend=(),
        rows=tuple(
            Row(name, (("is-plain", count / total),), percent(count / total)) for name, count in bars.items()
        ),
        table=Table(
            ("Set", "Share", "Number"), tuple((name, share, whole(count)) for name, count, share in named)
        ),
    )


def latest_sizes(shares: list[Share], *, with_earlier: bool) -> dict[str, int]:
    """Return the sizes of the sets in the days that are shown, which may be all days."""
    sizes = {share.value: share.latest + (share.earlier if with_earlier else 0) for share in shares}
    return {size: count for size, count in sizes.items() if count > 0}


def interval_words(of: Interval) -> str:
    """Return the interval: 96.1 to 98.0 %."""
    return f"{percent(of.low).removesuffix(' %')} to {percent(of.high)}"


def _sizes(size: int) -> str:
    """Return what a bar of several sizes is called: "4 to 7 labels", "8 to 15 labels"."""
    if size < 4:
        return _size(str(size))
    least = 1 << (size.bit_length() - 1)
    return f"{least} to {2 * least - 1} labels"


def _size(size: str) -> str:
    return {"0": "no set", "1": "1 label"}.get(size, f"{size} labels")
