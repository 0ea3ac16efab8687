"""What the address asks for: /analytics?model=digits/1.0.0&days=30."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from db.figures import Seen, Span

# In the order of the page; None is all days.
RANGES: dict[str, int | None] = {"7": 7, "30": 30, "90": 90, "all": None}
USUAL = "30"
# With all days, the labels of so many are compared with those before.
LATEST_DAYS = 30
# No more bars than these fit on a phone: else each is for more days.
MOST_BARS = 100


@dataclass(frozen=True)
class Asked:
    """What is asked for: name and version of a model, None for the page's own; and a key of `RANGES`."""

    model: tuple[str, str] | None
    days: str


def read(query: Mapping[str, str]) -> Asked:
    """Return what an address asks for.

    Raises:
        ValueError: It asks for what there is not; the message says what is accepted.
    """
    days = query.get("days", USUAL)
    if days not in RANGES:
        raise ValueError(f"days={days:.40} is not a span of days: choose one of {', '.join(RANGES)}.")
    path = query.get("model", "")
    name, _, version = path.rpartition("/")
    if path and not (name and version and path.isprintable()):
        raise ValueError(f"model={path:.100} is not a version of a model: write it as name/version.")
    return Asked((name, version) if path else None, days)


def written(model: tuple[str, str]) -> str:
    """Return a model as it is in an address; "", which is the page's own, where nobody knows its version."""
    return "/".join(model) if model[1] else ""


def link(model: tuple[str, str], days: str) -> str:
    """Return the address, below the page's, of a model's analytics."""
    return f"/analytics?{urlencode({'model': written(model), 'days': days})}"


def span_of(days: str, seen: Seen | None, today: date) -> Span:
    """Return the days of a key of `RANGES` for a version of a model that was seen, or was not."""
    if (count := RANGES[days]) is not None:
        since = today - timedelta(days=count - 1)
        return Span(since, 1, latest=since, earlier=since - timedelta(days=count))
    first = min(seen.first, today) if seen else today
    count = (today - first).days + 1
    width = next((width for width in (1, 7, 30) if count <= width * MOST_BARS), 365)
    return Span(first, width, latest=today - timedelta(days=LATEST_DAYS - 1), earlier=first)
