"""Numbers, days and spans of days as people read them."""

from datetime import date


def whole(number: float) -> str:
    """Return a count: 12,345."""
    return f"{number:,.0f}"


def percent(share: float) -> str:
    """Return a share of 0 to 1; only what is certain is called 100 % or 0 %."""
    value = 100 * share
    if 99.95 <= value < 100:
        return "> 99.9 %"
    if 0 < value < 0.05:
        return "< 0.1 %"
    return f"{value:.1f} %"


def milliseconds(value_ms: float) -> str:
    """Return a time with two digits that say something: 41 ms, 1.2 s."""
    if value_ms >= 10_000:
        return f"{value_ms / 1000:,.0f} s"
    if value_ms >= 1000:
        return f"{value_ms / 1000:.1f} s"
    return f"{value_ms:.0f} ms" if value_ms >= 10 else f"{value_ms:.1f} ms"


def day(of: date) -> str:
    """Return a day without its year: 3 Nov."""
    return f"{of.day} {of:%b}"


def full_day(of: date) -> str:
    """Return a day: 3 Nov 2026."""
    return f"{of.day} {of:%b %Y}"


def drawings(count: int) -> str:
    """Return how many drawings: 1 drawing, 2,000 drawings."""
    return f"{whole(count)} drawing{'' if count == 1 else 's'}"
