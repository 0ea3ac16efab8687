"""The confusion matrix of the judged answers, each of its numbers a link to the drawings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from db.figures import Judged
from ui.analytics.numbers import percent, whole
from ui.draw.words import DIGITS, none_of_these

# A larger one is no picture any more.
MOST_LABELS = 40


@dataclass(frozen=True)
class Cell:
    """Drawings of one label that were read as one label.

    Attributes:
        count: How many, in words; "" for none.
        share: Of all drawings with that label, 0 to 1.
        words: What it says, without its row and column.
        link: The history of these drawings, below the page's address; "" where there is none.
        is_right: Whether both labels are the same.
    """

    count: str
    share: float
    words: str
    link: str
    is_right: bool


@dataclass(frozen=True)
class Confusion:
    """A row for each right label: its name, its cells, and how many drawings it has.

    Attributes:
        labels: Of the columns: what was read.
        rows: By what it really was.
        left_out: How many labels are not shown, which have fewer mistakes than those that are.
        most: The commonest mistake in words; "" where there is none.
    """

    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...], str], ...]
    left_out: int
    most: str

    @property
    def has_long_labels(self) -> bool:
        """Whether the columns' headings are written downwards."""
        return any(len(label) > 3 for label in self.labels)


def confusion(
    judged: list[Judged], known: Sequence[str], model: tuple[str, str], since: date
) -> Confusion | None:
    """Return the matrix; None where nothing was judged.

    Args:
        judged: The judged answers.
        known: The model's labels in its order, as far as they are known.
        model: Its name and version.
        since: The first day (UTC) of the answers.
    """
    counts: Counter[tuple[str, str | None]] = Counter()
    for one in judged:
        counts[one.read, one.really] += one.count
    if not counts:
        return None
    labels, left_out = _shown(counts, known)
    none = none_of(known)
    rows = []
    for really in (*labels, None):
        total = sum(count for (_, other), count in counts.items() if other == really)
        if really is None and not total:
            continue
        said = {"show": "none"} if really is None else {"true": really}
        cells = tuple(
            _cell(
                counts[read, really],
                read,
                none if really is None else really,
                total,
                history_link(model, since, label=read, **said),
            )
            for read in labels
        )
        rows.append((none if really is None else really, cells, whole(total)))
    return Confusion(tuple(labels), tuple(rows), left_out, _most(counts))


def none_of(known: Sequence[str]) -> str:
    """Return what is said of what is no label's: "not a digit", too, where the labels are not known."""
    return none_of_these(known or DIGITS).lower()


def history_link(model: tuple[str, str], since: date, **filters: str) -> str:
    """Return the address, below the page's, of what a model has read since a day (UTC), whoever drew it."""
    fields = {"of": "all", **filters, "model": "/".join(model), "time": since.isoformat()}
    return f"/history?{urlencode(fields)}"


def _shown(counts: Counter[tuple[str, str | None]], known: Sequence[str]) -> tuple[list[str], int]:
    """Return the labels to show, in the model's order, and how many are left out.

    Of many, those that nobody has judged are left out first, and then those with the fewest mistakes.
    """
    there = {label for pair in counts for label in pair if label is not None}
    labels = [*known, *sorted(there.difference(known))]
    if len(labels) <= MOST_LABELS:
        return labels, 0
    mistakes: Counter[str] = Counter()
    for (read, really), count in counts.items():
        if read != really:
            mistakes[read] += count
            mistakes[really or ""] += count
    judged = [label for label in labels if label in there]
    most = set(sorted(judged, key=lambda label: -mistakes[label])[:MOST_LABELS])
    return [label for label in labels if label in most], len(labels) - len(most)


def _cell(count: int, read: str, really: str, total: int, link: str) -> Cell:
    if not count:
        return Cell("", 0.0, "", "", read == really)
    words = f"{whole(count)} ({percent(count / total)}) read as {read}, really {really}"
    return Cell(whole(count), count / total, words, link, read == really)


def _most(counts: Counter[tuple[str, str | None]]) -> str:
    wrong = {pair: count for pair, count in counts.items() if pair[0] != pair[1] and pair[1] is not None}
    if not wrong:
        return ""
    read, really = max(wrong, key=lambda pair: wrong[pair])
    return f"The most common mistake: {really} read as {read}, {whole(wrong[read, really])} times."
