"""What was done, what had to come of it, and what did."""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

# How often a record has to be in the database; "maybe" where nobody said that it was kept or was not.
Expected = Literal["once", "never", "maybe"]


@dataclass
class Stroke:
    """One drawing that was sent, told from all others by its bytes.

    Attributes:
        session: Whose it is.
        digest: MD5 of its file.
        expected: How often it has to be in the database.
        id: The page's name for it; "" where it gave none.
        corrections: What it was said to be, in that order, and how often each has to be in the database.
    """

    session: str
    digest: str
    expected: Expected = "maybe"
    id: str = ""
    corrections: dict[str, Expected] = field(default_factory=dict)


@dataclass
class Count:
    """What became of records of one kind.

    Attributes:
        accepted: How many the page said to be kept, without those deleted later.
        found: How many of these are in the database.
        doubled: How many are there more than once.
        wrong: A line for each that is not there as often as it has to be.
    """

    accepted: int = 0
    found: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)


class Journal:
    """All drawings, the last operations, how many of a kind, the promises that were broken, and the end."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self.strokes: list[Stroke] = []
        self.last: deque[str] = deque(maxlen=60)
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.slowest_s = 0.0
        # For each fault how long it took, once it was lifted, until a drawing was kept and written.
        self.whole_s: dict[str, list[float]] = {}
        self.found: dict[str, Count] = {}

    def note(self, kind: str, words: str = "") -> None:
        """Count an operation and keep its line."""
        with self._lock:
            self.counts[kind] += 1
            self.last.append(f"{time.monotonic() - self._began:7.2f} s  {kind} {words}")

    def problem(self, words: str) -> None:
        """Keep what must not be."""
        self.note("PROBLEM", words)
        self.problems.append(self.last[-1])

    def table(self) -> str:
        """Return what was found, as text."""
        lines = [f"{number:>8} {kind}" for kind, number in sorted(self.counts.items())]
        lines += ["", f"the page's slowest answer: {self.slowest_s:.1f} s"]
        lines += ["", "time until whole     times   median  longest"]
        for name, took_s in sorted(self.whole_s.items()):
            lines.append(f"{name:<18}{len(took_s):>8}{median(took_s):>7.1f} s{max(took_s):>7.1f} s")
        lines += ["", "               accepted     found   doubled      lost"]
        for name, count in self.found.items():
            numbers = (count.accepted, count.found, count.doubled, count.accepted - count.found)
            lines.append(f"{name:<13}" + "".join(f"{number:>10}" for number in numbers))
        return "\n".join(lines)
