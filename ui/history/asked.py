"""Which drawings an address asks for, and the addresses that ask for others."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from db.drawings import SHOWN, Filter, Place
from ui.shell.visit import Visit

# What "show" may be, and what it is called.
SHOW_WORDS = dict(zip(SHOWN, ("All", "Wrong", "Doubted", "Not judged", "Not a digit"), strict=True))
TIME_WORDS = {"": "Any time", "today": "Today", "7": "Last 7 days", "30": "Last 30 days"}
# Kept in addresses, in this order, where they are set.
FIELDS = ("show", "label", "true", "model", "time", "zone", "of")
# Nothing that is in the database is longer.
LONGEST = 200
# East of Greenwich, in minutes; between these are all time zones.
ZONES = range(-12 * 60, 14 * 60 + 1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Asked:
    """What is in an address.

    Attributes:
        filter: Which drawings.
        before: Where the page before this one ends; None for the first.
        fields: The fields that are set, but for `before`.
        is_of_all: Whether everybody's drawings are asked for.
    """

    filter: Filter
    before: Place | None
    fields: dict[str, str]
    is_of_all: bool

    def query(self, **changes: str) -> str:
        """Return the address's query with these fields changed, from the first page on: "" or "?..."."""
        fields = {**self.fields, **changes}
        written = urlencode({name: value for name, value in fields.items() if value})
        return f"?{written}" if written else ""

    def query_after(self, place: Place) -> str:
        """Return the query of the page that follows the one that ends at a place."""
        return self.query(before=written_place(place))


def read_asked(visit: Visit, params: Mapping[str, str], now: datetime) -> Asked | None:
    """Return what the fields of an address ask for; None for a visitor without an id, who has drawn nothing.

    What a field cannot be counts as not set: addresses are typed and sent to others.

    Raises:
        NotAllowed: Everybody's drawings are asked for by somebody who is no operator.
    """
    fields = {name: params.get(name, "").strip()[:LONGEST] for name in FIELDS}
    fields = {name: value for name, value in fields.items() if value and "\0" not in value}
    is_of_all = fields.get("of") == "all"
    if is_of_all:
        visit.require_operator()
    elif visit.session_id is None:
        return None
    name, _, version = fields.get("model", "").rpartition("/")
    wanted = Filter(
        session_id=None if is_of_all else visit.session_id,
        show=fields["show"] if fields.get("show") in SHOW_WORDS else "all",
        label=fields.get("label", ""),
        true_label=fields.get("true", ""),
        model=(name, version) if name and version else None,
        since=_since(fields.get("time", ""), fields.get("zone", ""), now),
    )
    return Asked(wanted, read_place(params.get("before", "")), fields, is_of_all)


def written_place(place: Place) -> str:
    """Return a place in an address: microseconds since 1970, and the id."""
    return f"{(place[0] - EPOCH) // MICROSECOND}-{place[1].hex}"


def read_place(written: str) -> Place | None:
    """Return the place that was written so, None for anything else."""
    microseconds, _, prediction_id = written.partition("-")
    try:
        return EPOCH + int(microseconds) * MICROSECOND, UUID(prediction_id)
    except (ValueError, OverflowError):
        return None


def _since(time: str, zone: str, now: datetime) -> datetime | None:
    """Return when the time begins that is asked for; today begins at midnight where the browser is.

    A day (2026-11-26) begins at midnight in UTC, as the days of analytics do.
    """
    if time == "today":
        is_zone = zone.removeprefix("-").isdecimal() and len(zone) < 5 and int(zone) in ZONES
        east = timedelta(minutes=int(zone) if is_zone else 0)
        return (now + east).replace(hour=0, minute=0, second=0, microsecond=0) - east
    if time in TIME_WORDS:
        return now - timedelta(days=int(time)) if time else None
    try:
        return datetime.combine(date.fromisoformat(time), datetime.min.time(), UTC)
    except ValueError:
        return None
