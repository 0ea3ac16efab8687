"""How each version of a model did by what people said, and the judged drawings that two are compared on."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Subquery, case, func, select

from db.engine import UsesEngine, reading
from db.schema import feedback, predictions

# Of all visitors' together. Both are read from the end of an index, however many there are.
NEWEST_ANSWERS = 5_000
NEWEST_JUDGEMENTS = 5_000


@dataclass(frozen=True)
class Figures:
    """How a version of a model did of late.

    Attributes:
        judged: So many of its answers were judged.
        right: And so many of these were right.
        answers: From so many of its answers come the times.
        p50_ms: Half of these took at most so long, as the page measured it; None without answers.
        p95_ms: And 95 % at most so long.
    """

    judged: int = 0
    right: int = 0
    answers: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True)
class Judged:
    """A drawing of which somebody said what it is.

    Attributes:
        id: The answer's, which is also the drawing's address in the history.
        true_label: What it is.
    """

    id: UUID
    true_label: str


class Comparison(UsesEngine):
    """Reads what models are compared by; one instance may be used by many threads.

    Every method raises DatabaseUnavailable where PostgreSQL cannot be read now.
    """

    def figures(self) -> dict[tuple[str, str], Figures]:
        """Return each version's figures, by name and version, from the newest answers and judgements."""
        newest = (
            select(predictions.c.model_name, predictions.c.model_version, predictions.c.latency_ms)
            .order_by(predictions.c.created_at.desc())
            .limit(NEWEST_ANSWERS)
            .subquery()
        )
        version = (newest.c.model_name, newest.c.model_version)
        quantiles = func.percentile_cont([0.5, 0.95]).within_group(newest.c.latency_ms)
        times = select(*version, func.count(), quantiles).group_by(*version)
        judged = _judged(NEWEST_JUDGEMENTS)
        of = (predictions.c.model_name, predictions.c.model_version)
        # The same as HistoryRow's is_right.
        is_right = case(
            (judged.c.kind == "not_a_digit", predictions.c.is_digit.is_(False)),
            else_=judged.c.true_label == predictions.c.predicted_label,
        )
        judgements = (
            select(*of, func.count(), func.count().filter(is_right))
            .join(predictions, predictions.c.id == judged.c.prediction_id)
            .where(judged.c.kind != "taken_back")
            .group_by(*of)
        )
        with reading(self._engine) as connection:
            took = {(row[0], row[1]): (row[2], *row[3]) for row in connection.execute(times)}
            said = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(judgements)}
        return {key: Figures(*said.get(key, (0, 0)), *took.get(key, (0, None, None))) for key in took | said}

    def judged(self, limit: int) -> list[Judged]:
        """Return the drawings that were judged last and have a label, newest judgement first."""
        latest = _judged(4 * limit)
        query = (
            select(latest.c.prediction_id, latest.c.true_label)
            .where(latest.c.kind == "label")
            .order_by(latest.c.id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [Judged(*row) for row in connection.execute(query)]

    def drawing(self, prediction_id: UUID) -> bytes | None:
        """Return a drawing, the image file as it was sent; None where it is gone."""
        query = select(predictions.c.drawing).where(predictions.c.id == prediction_id)
        with reading(self._engine) as connection:
            found = connection.scalar(query)
        return None if found is None else bytes(found)

    def thumbnails(self, prediction_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """Return the small pictures of these drawings, of those that have one."""
        query = select(predictions.c.id, predictions.c.thumbnail).where(
            predictions.c.id.in_(prediction_ids), predictions.c.thumbnail.is_not(None)
        )
        with reading(self._engine) as connection:
            return {row[0]: bytes(row[1]) for row in connection.execute(query)}


def _judged(limit: int) -> Subquery:
    """Return what counts of the newest judgements: the last one of each answer, by what arrived."""
    newest = select(feedback.c.id, feedback.c.prediction_id).order_by(feedback.c.id.desc()).limit(limit)
    found = newest.subquery()
    latest = select(func.max(found.c.id)).group_by(found.c.prediction_id)
    return select(feedback).where(feedback.c.id.in_(latest)).subquery()
