"""What changes from day to day: how much is drawn, how fast it is answered, and how much of it is doubted."""

from collections.abc import Callable
from datetime import date, timedelta

from db.figures import Period, Span
from ui.analytics.numbers import day, drawings, full_day, milliseconds, percent, whole
from ui.analytics.plots import Plot, Point, Series, Table, spread, top_of

# So many dates fit below a plot on a phone.
TICKS = 4


def volume(periods: list[Period], span: Span, last: date) -> Plot:
    """Return the plot of drawings."""
    total = sum(period.drawings for period in periods)
    return _plot(
        ("drawings", f"Drawings {_a_period(span)}", f"{drawings(total)} in all."),
        (periods, span, last),
        ("bar", "is-plain", "Drawings", lambda period: period.drawings, whole),
        axis=lambda top: whole(max(1, round(top))),
    )


def latency(periods: list[Period], span: Span, last: date) -> Plot:
    """Return the plot of how fast answers came."""
    slowest = max(periods, key=lambda period: period.p95_ms)
    words = f"Slowest {_from(slowest.first, span)}: 95 % within {milliseconds(slowest.p95_ms)}."
    return _plot(
        ("latency", f"Time to the answer {_a_period(span)}", words),
        (periods, span, last),
        ("line", "is-strong", "95 % within", lambda period: period.p95_ms, milliseconds),
        ("line", "is-plain", "half within", lambda period: period.p50_ms, milliseconds),
        axis=milliseconds,
    )


def doubt(periods: list[Period], span: Span, last: date) -> Plot:
    """Return the plot of the share that did not look like a digit."""
    doubted, total = (
        sum(period.doubted for period in periods),
        sum(period.drawings for period in periods),
    )
    return _plot(
        ("doubted", f"Doubted drawings {_a_period(span)}", f"{whole(doubted)} of {drawings(total)}."),
        (periods, span, last),
        ("bar", "is-plain", "Doubted", lambda period: period.doubted / period.drawings, percent),
        axis=lambda top: f"{100 * top:g} %",
        counts=("Number", lambda period: f"{whole(period.doubted)} of {whole(period.drawings)}"),
    )


_Of = Callable[[Period], float]
_Words = Callable[[float], str]


def _plot(
    about: tuple[str, str, str],
    over: tuple[list[Period], Span, date],
    *series: tuple[str, str, str, _Of, _Words],
    axis: _Words,
    counts: tuple[str, Callable[[Period], str]] | None = None,
) -> Plot:
    """Return a plot over time.

    Args:
        about: Its name, title and description.
        over: The periods, the days that were asked for, and the last of these.
        series: Shape, colour and name of each, its value of a period, and that in words.
        axis: The vertical axis's upper end in words.
        counts: One more column of the table.
    """
    periods, span, last = over
    places = (last - span.since).days // span.days + 1
    top = top_of(of(period) for period in periods for _, _, _, of, _ in series)
    drawn = []
    for shape, colour, name, of, words in series:
        shift = 0.5 if shape == "line" else 0.0
        points = tuple(
            Point(
                (_place(period, span) + shift) / places,
                of(period) / top,
                f"{_name(period, span)}: {words(of(period))}",
            )
            for period in periods
        )
        drawn.append(Series(shape, colour, name, points))
    rows = tuple(
        (
            full_day(period.first),
            *(words(of(period)) for _, _, _, of, words in series),
            *((counts[1](period),) if counts else ()),
        )
        for period in periods
    )
    head = (_first_day(span), *(name for _, _, name, _, _ in series), *((counts[0],) if counts else ()))
    starts = [day(span.since + timedelta(days=span.days * place)) for place in range(places)]
    return Plot(*about, axis(top), spread(starts, TICKS), 1 / places, tuple(drawn), Table(head, rows))


def _place(period: Period, span: Span) -> int:
    return (period.first - span.since).days // span.days


def _a_period(span: Span) -> str:
    return {1: "a day", 7: "a week", 30: "every 30 days"}.get(span.days, f"every {span.days} days")


def _first_day(span: Span) -> str:
    return "Day (UTC)" if span.days == 1 else f"{span.days} days from (UTC)"


def _from(first: date, span: Span) -> str:
    return f"on {day(first)}" if span.days == 1 else f"in the {span.days} days from {day(first)}"


def _name(period: Period, span: Span) -> str:
    return day(period.first) if span.days == 1 else f"{span.days} days from {day(period.first)}"
