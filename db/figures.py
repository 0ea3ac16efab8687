"""What analytics know of a model's answers."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

# Where the confidences are divided: most answers are above 0.9, so that is where it has to be looked closer.
CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Seen:
    """A version of a model that has answered, and from when to when (days in UTC)."""

    name: str
    version: str
    first: date
    last: date


@dataclass(frozen=True)
class Span:
    """Which days are asked for, in UTC.

    Attributes:
        since: The first one.
        days: So many make a period.
        latest: From this one on the labels are compared with
        earlier: those from this one on and before it.
    """

    since: date
    days: int
    latest: date
    earlier: date


@dataclass(frozen=True)
class Period:
    """Some days in a row (UTC): from `first` on, how many drawings, and how they were answered.

    Attributes:
        first: The first day.
        drawings: How many there were.
        doubted: How many of them did not look like a digit.
        p50_ms: Half were answered within this, right to 2.5 %.
        p95_ms: 95 % were answered within this, right to 2.5 %.
    """

    first: date
    drawings: int
    doubted: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Share:
    """How often a value was there: in the latest days, and in those that they are compared with."""

    value: str
    latest: int
    earlier: int


@dataclass(frozen=True)
class Judged:
    """Judged answers that are alike.

    Attributes:
        read: The label that the model gave.
        really: The right one; None where it was not a digit.
        bin: How many of `CONFIDENCES` its confidence reaches.
        is_digit: Whether the model took it for a digit; None where it does not say.
        is_in_set: Whether the right label was in the answer's set; None where there is no set, or no label.
        is_right: As `HistoryRow.is_right`.
        count: How many there are.
        confidence: The sum of their confidences.
    """

    read: str
    really: str | None
    bin: int
    is_digit: bool | None
    is_in_set: bool | None
    is_right: bool
    count: int
    confidence: float


@dataclass(frozen=True)
class Mistake:
    """A wrong answer, the right one (None: no digit), and the drawing's thumbnail, where there is one."""

    id: UUID
    read: str
    really: str | None
    confidence: float
    thumbnail: bytes | None


@dataclass(frozen=True)
class Figures:
    """All that is shown of one version of a model.

    Attributes:
        periods: Those with drawings, in their order.
        whole: All of them as one; None without drawings.
        labels: Which labels were given.
        set_sizes: How many labels the sets had; "0" where an answer had none.
        judged: The judged answers.
        worst: The wrong ones that the model was surest of.
    """

    periods: list[Period]
    whole: Period | None
    labels: list[Share]
    set_sizes: list[Share]
    judged: list[Judged]
    worst: list[Mistake]
