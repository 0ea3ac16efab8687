"""What a plot is made of: shares of its width and height, and words. How it is drawn says plots.html."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ui.analytics.numbers import percent

# Of more values those are shown whose share has changed most; the table has all.
MOST_ROWS = 12


@dataclass(frozen=True)
class Table:
    """The same figures to read and to copy: a heading for each column, and the rows."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Point:
    """One value.

    Attributes:
        place: Where it is, of the width, 0 to 1; where a bar begins.
        height: How high, 0 to 1.
        words: What it is.
        low: Where its interval begins, for whiskers; they end at `height`.
    """

    place: float
    height: float
    words: str = ""
    low: float = 0.0


@dataclass(frozen=True)
class Series:
    """Values that are drawn alike: as "bar", "line", "whisker" or "mark", in the colour of a class."""

    shape: str
    colour: str
    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Plot:
    """A plot over a horizontal axis.

    Attributes:
        name: Of its own on the page.
        title: What it shows.
        description: The same in a sentence, with its most important figures.
        top: What the upper end of the vertical axis says; the lower one is 0.
        ticks: What is written where (0 to 1) below the horizontal axis.
        width: Of a bar with its gap, 0 to 1.
        series: What is drawn, the first one at the bottom.
        table: All figures.
    """

    name: str
    title: str
    description: str
    top: str
    ticks: tuple[tuple[float, str], ...]
    width: float
    series: tuple[Series, ...]
    table: Table


@dataclass(frozen=True)
class Row:
    """One line of a list with bars: its name, a bar for each series (colour and 0 to 1), and words."""

    name: str
    bars: tuple[tuple[str, float], ...]
    words: str


@dataclass(frozen=True)
class Rows:
    """A list with bars, for names that do not fit below an axis."""

    name: str
    title: str
    description: str
    legend: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    table: Table


def side_by_side(shares: Sequence[tuple[str, float, float]], before: str) -> tuple[Row, ...]:
    """Return rows of names with their shares now and before, the latter in words, in the order given."""
    moved = sorted(shares, key=lambda share: -abs(share[1] - share[2]))[:MOST_ROWS]
    highest = max(max(now, then) for _, now, then in shares)
    return tuple(
        Row(
            name,
            (("is-strong", now / highest), ("is-plain", then / highest)),
            f"{percent(now)}, {before} {percent(then)}",
        )
        for name, now, then in shares
        if (name, now, then) in moved
    )


def top_of(values: Iterable[float]) -> float:
    """Return where an axis ends that has room for the values: the next 1, 2 or 5 times a power of ten."""
    highest = max(values, default=0.0)
    if highest <= 0:
        return 1.0
    power = 1.0
    while power > highest:
        power /= 10
    while power * 10 < highest:
        power *= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= highest)


def spread(names: Sequence[str], most: int) -> tuple[tuple[float, str], ...]:
    """Return up to `most` of the names, each at the middle of its place, with the first and the last."""
    count = len(names)
    shown = sorted({round(i * (count - 1) / max(1, min(most, count) - 1)) for i in range(min(most, count))})
    return tuple(((i + 0.5) / count, names[i]) for i in shown)
