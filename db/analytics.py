"""The figures that analytics show of a model's answers, read as of one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, TextClause, text

from db import drifts
from db.engine import UsesEngine, reading
from db.figures import CONFIDENCES, Figures, Judged, Mistake, Period, Seen, Share, Span

LATENCY_STEP = 1.05
WORST = 12
# In the place of a period: all of them as one.
WHOLE = -1

_CELLS = """
WITH cells AS (
    SELECT day, figure, value, count FROM daily_counts
    WHERE model_name = :name AND model_version = :version AND day >= :since
    UNION ALL
    SELECT day, figure, value, change FROM (
        SELECT day, predicted_label, set_size, is_digit, latency_step, sum(change) AS change
        FROM daily_changes WHERE model_name = :name AND model_version = :version AND day >= :since
        GROUP BY 1, 2, 3, 4, 5
    ) AS changes CROSS JOIN LATERAL (VALUES
        ('label', predicted_label), ('set_size', coalesce(set_size, 0)::text),
        ('is_digit', coalesce(is_digit::text, 'unknown')), ('latency', latency_step::text)
    ) AS changed (figure, value)
)
"""
_MODELS = text("""
SELECT model_name, model_version, min(day), max(day) FROM (
    SELECT model_name, model_version, day FROM daily_counts WHERE figure = 'is_digit'
    UNION ALL
    SELECT model_name, model_version, day FROM daily_changes
) AS seen GROUP BY 1, 2 ORDER BY 1, 2
""")
# The smallest step that the share of answers stays within: percentile_disc, but for the width of a step.
_PERIODS = text(f"""
{_CELLS}, binned AS (
    SELECT coalesce(bin, {WHOLE}) AS bin, figure, value, sum(count)::bigint AS count FROM (
        SELECT (day - :since) / :days AS bin, figure, value, count FROM cells
        WHERE figure IN ('is_digit', 'latency')
    ) AS of_days GROUP BY GROUPING SETS ((bin, figure, value), (figure, value)) HAVING sum(count) > 0
), steps AS (
    SELECT bin, value::int AS step, sum(count) OVER (PARTITION BY bin ORDER BY value::int) AS within,
           sum(count) OVER (PARTITION BY bin) AS all
    FROM binned WHERE figure = 'latency'
), latencies AS (
    SELECT bin, min(step) FILTER (WHERE within >= 0.5 * "all") AS p50,
           min(step) FILTER (WHERE within >= 0.95 * "all") AS p95
    FROM steps GROUP BY bin
)
SELECT bin, sum(count)::bigint AS drawings,
       coalesce(sum(count) FILTER (WHERE value = 'false'), 0)::bigint AS doubted, p50, p95
FROM binned JOIN latencies USING (bin) WHERE figure = 'is_digit' GROUP BY bin, p50, p95 ORDER BY bin
""")  # noqa: S608 - our own words
_VALUES = text(f"""
{_CELLS}
SELECT figure, value, coalesce(sum(count) FILTER (WHERE day >= :split), 0)::bigint AS latest,
       coalesce(sum(count) FILTER (WHERE day < :split), 0)::bigint AS earlier
FROM cells WHERE figure IN ('label', 'set_size') GROUP BY 1, 2 HAVING sum(count) > 0
""")  # noqa: S608 - our own words
_COUNTING = "kind <> 'taken_back' AND NOT is_superseded"
_OF_MODEL = f"model_name = :name AND model_version = :version AND created_at >= :since AND {_COUNTING}"
_JUDGED = text(f"""
SELECT predicted_label, true_label, width_bucket(confidence, :confidences) AS bin, is_digit, is_in_set,
       is_right, count(*) AS count, sum(confidence) AS confidence
FROM judgements WHERE {_OF_MODEL} GROUP BY 1, 2, 3, 4, 5, 6
""")  # noqa: S608 - our own words
_WORST = text(f"""
SELECT prediction_id, worst.predicted_label, worst.true_label, worst.confidence, thumbnail FROM (
    SELECT prediction_id, predicted_label, true_label, confidence FROM judgements
    WHERE {_OF_MODEL} AND NOT is_right ORDER BY confidence DESC, prediction_id LIMIT :most
) AS worst JOIN predictions ON id = prediction_id ORDER BY worst.confidence DESC, prediction_id
""")  # noqa: S608 - our own words


class Reading:
    """Reads as of one moment; made by `Analytics.reading`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def models(self) -> list[Seen]:
        """Return every version of a model that has answered, by name and version."""
        return [Seen(*row) for row in self._connection.execute(_MODELS)]

    def figures(self, name: str, version: str, span: Span) -> Figures:
        """Return the figures of one version of a model."""
        of: dict[str, Any] = {"name": name, "version": version, "since": span.since}
        whole, periods = self._periods({**of, "days": span.days})
        shares = self._rows(_VALUES, {**of, "since": span.earlier, "split": span.latest})
        judged = {**of, "since": datetime.combine(span.since, time(), UTC)}
        return Figures(
            periods=periods,
            whole=whole,
            labels=[Share(*row[1:]) for row in shares if row.figure == "label"],
            set_sizes=[Share(*row[1:]) for row in shares if row.figure == "set_size"],
            judged=[
                Judged(*row) for row in self._rows(_JUDGED, {**judged, "confidences": list(CONFIDENCES)})
            ],
            worst=[
                Mistake(row[0], row[1], row[2], row[3], None if row[4] is None else bytes(row[4]))
                for row in self._rows(_WORST, {**judged, "most": WORST})
            ],
        )

    def look(self, name: str, version: str) -> drifts.Look | None:
        """Return the latest look at whether drawings look like those of training, if there is one."""
        return drifts.latest(self._connection, (name, version))

    def _rows(self, query: TextClause, values: dict[str, Any]) -> list[Any]:
        return list(self._connection.execute(query, values))

    def _periods(self, values: dict[str, Any]) -> tuple[Period | None, list[Period]]:
        """Return all periods as one, None without drawings; and those with drawings, in their order."""
        found = {
            row.bin: Period(
                first=values["since"] + timedelta(days=max(0, row.bin) * values["days"]),
                drawings=row.drawings,
                doubted=row.doubted,
                p50_ms=_latency_ms(row.p50),
                p95_ms=_latency_ms(row.p95),
            )
            for row in self._rows(_PERIODS, values)
        }
        return found.pop(WHOLE, None), list(found.values())


class Analytics(UsesEngine):
    """Figures of what is in PostgreSQL; one instance may be used by many threads."""

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Yield what all figures are read from as of one moment.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be read now, or not within the statement timeout.
        """
        with reading(self._engine) as connection:
            yield Reading(
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            )


def _latency_ms(step: int) -> float:
    """Return the middle of a step of latencies, as far in proportion from both its ends."""
    return LATENCY_STEP ** (step + 0.5)
