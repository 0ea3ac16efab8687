"""All that the view shows of one version of a model."""

from dataclasses import dataclass
from datetime import date

from db.drifts import Look
from db.figures import Figures, Mistake, Period, Span
from ui.analytics import over_time
from ui.analytics.address import LATEST_DAYS
from ui.analytics.confusion import Confusion, confusion, none_of
from ui.analytics.drift import Drift, drift
from ui.analytics.judged import Doubt, accuracy, coverage, doubt, latest_sizes, reliability, set_sizes
from ui.analytics.like_training import LikeTraining, like_training
from ui.analytics.plots import Plot, Rows
from ui.analytics.statistics import Interval
from ui.models.listing import Model


@dataclass(frozen=True)
class Report:
    """What the template shows; None where there is nothing to show of a kind.

    Attributes:
        days: Which days, in words.
        whole: All days as one.
        drawings: Their plot.
        latency: That of the times to the answer.
        doubted: That of the doubted ones' share; None too where the model never says that it doubts.
        accuracy: Of the judged ones.
        reliability: Their plot.
        confusion: Their matrix.
        coverage: How often the right label was in the set.
        promise: How often the archive says that it is.
        set_sizes: How many labels the sets have.
        doubt: How doubt and judgements agree.
        drift: Of the labels.
        like_training: How drawings compare with training, whatever the days; None where nobody has looked.
        worst: Wrong answers of which the model was surest.
        none: What is said of what is no label's: "not a digit", or "none of these".
    """

    days: str
    whole: Period | None
    drawings: Plot | None
    latency: Plot | None
    doubted: Plot | None
    accuracy: Interval | None
    reliability: Plot | None
    confusion: Confusion | None
    coverage: Interval | None
    promise: float | None
    set_sizes: Rows | None
    doubt: Doubt
    drift: Drift | None
    like_training: LikeTraining | None
    worst: list[Mistake]
    none: str


def report(
    model: tuple[str, str],
    archive: Model | None,
    span: Span,
    today: date,
    figures: Figures,
    look: Look | None,
) -> Report:
    """Return what is shown.

    Args:
        model: Name and version.
        archive: The same as the page knows it, with what its archive says; None where it has none.
        span: The days that were asked for.
        today: The last of them.
        figures: What the database has.
        look: The latest look at whether drawings look like those of training.
    """
    is_all = span.latest != span.since
    # What a clock that was wrong dates into the future is counted, and has no place in the plots.
    periods = [period for period in figures.periods if period.first <= today]
    over = (periods, span, today)
    count = (today - span.since).days + 1
    earlier = "all days before" if is_all else f"the {count} before"
    return Report(
        days="all days" if is_all else f"the last {count} days",
        whole=figures.whole,
        drawings=over_time.volume(*over) if periods else None,
        latency=over_time.latency(*over) if periods else None,
        doubted=over_time.doubt(*over) if any(period.doubted for period in periods) else None,
        accuracy=accuracy(figures.judged),
        reliability=reliability(figures.judged),
        confusion=confusion(figures.judged, archive.labels if archive else (), model, span.since),
        coverage=coverage(figures.judged),
        promise=archive.coverage if archive else None,
        set_sizes=set_sizes(latest_sizes(figures.set_sizes, with_earlier=is_all)),
        doubt=doubt(figures.judged),
        drift=drift(figures.labels, f"the last {LATEST_DAYS if is_all else count} days", earlier),
        like_training=like_training(look),
        worst=figures.worst,
        none=none_of(archive.labels if archive else ()),
    )
