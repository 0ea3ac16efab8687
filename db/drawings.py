"""What the history asks for: the drawings that a filter matches, in pages, and single ones."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_

from db.engine import UsesEngine, reading
from db.records import HistoryRow
from db.rows import counts, history_row, history_rows, is_judged, is_open, is_right, newest_first
from db.schema import predictions

# Beyond this it is enough to know that there are more.
MOST_COUNTED = 10_000
# Of so many newest drawings the labels and models are offered as filters.
KNOWN_ROWS = 2_000
# To one drawing: a browser may send as many as it likes.
MOST_ANSWERS = 100

SHOWN = ("all", "wrong", "doubted", "open", "none")


@dataclass(frozen=True)
class Filter:
    """Which drawings; answers that a later one replaced are never among them.

    Attributes:
        session_id: Whose; None for everybody's.
        show: One of `SHOWN`: all, those judged to be wrong, those that the model doubted (not a digit, or a
            set of several labels), those that nobody has judged, or those of which somebody said that they
            are not a digit.
        label: As what they were read; "" for any label.
        true_label: What they really were, as somebody said; "" for any, said or not.
        model: Name and version of the model that answered; None for any.
        since: The earliest time, with a time zone; None for all.
        has_label: Whether only those whose right label somebody said.
    """

    session_id: str | None
    show: str = "all"
    label: str = ""
    true_label: str = ""
    model: tuple[str, str] | None = None
    since: datetime | None = None
    has_label: bool = False


@dataclass(frozen=True)
class Known:
    """What there is to choose from.

    Attributes:
        labels: As which the newest drawings were read, sorted.
        models: Names and versions of the models that answered them, sorted.
    """

    labels: tuple[str, ...]
    models: tuple[tuple[str, str], ...]


# Where a page ends: the time and id of its last row.
Place = tuple[datetime, UUID]


class Drawings(UsesEngine):
    """The drawings in PostgreSQL; one instance may be used by many threads.

    All methods raise DatabaseUnavailable where it cannot be read now.
    """

    def page(self, wanted: Filter, limit: int, before: Place | None = None) -> list[HistoryRow]:
        """Return the newest rows that match, or those after `before`: what comes meanwhile moves no page."""
        # First which ones, from the index alone; then these few.
        ids = select(predictions.c.id).where(*_conditions(wanted)).order_by(*newest_first).limit(limit)
        if before is not None:
            ids = ids.where(tuple_(predictions.c.created_at, predictions.c.id) < tuple_(*before))
        query = history_rows().where(predictions.c.id.in_(ids)).order_by(*newest_first)
        with reading(self._engine) as connection:
            return [history_row(row) for row in connection.execute(query)]

    def count(self, wanted: Filter) -> int:
        """Return how many match, at most `MOST_COUNTED` + 1."""
        matching = select(predictions.c.id).where(*_conditions(wanted)).limit(MOST_COUNTED + 1)
        with reading(self._engine) as connection:
            return connection.scalar(select(func.count()).select_from(matching.subquery())) or 0

    def known(self, session_id: str | None) -> Known:
        """Return what filters may be set to, as of the newest drawings."""
        newest = select(
            predictions.c.model_name, predictions.c.model_version, predictions.c.predicted_label
        ).where(*_conditions(Filter(session_id)))
        newest = newest.order_by(*newest_first).limit(KNOWN_ROWS)
        with reading(self._engine) as connection:
            found = {tuple(row) for row in connection.execute(select(newest.subquery()).distinct())}
        return Known(
            tuple(sorted({label for *_, label in found})),
            tuple(sorted({(name, version) for name, version, _ in found})),
        )

    def find(self, prediction_id: UUID, session_id: str | None) -> HistoryRow | None:
        """Return a row by its id, where it is the session's; with None for the session, anybody's."""
        query = history_rows().where(*_one(prediction_id, session_id))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return history_row(row) if row else None

    def drawing(self, prediction_id: UUID, session_id: str | None) -> bytes | None:
        """Return the image file as it was sent; the session as for `find`."""
        query = select(predictions.c.drawing).where(*_one(prediction_id, session_id))
        with reading(self._engine) as connection:
            found = connection.scalar(query)
        return None if found is None else bytes(found)

    def answers(self, row: HistoryRow) -> list[HistoryRow]:
        """Return the last answers to a drawing, the earliest first, those that a later one replaced too."""
        if row.prediction.drawing_id is None:
            return [row]
        query = history_rows().where(
            predictions.c.drawing_id == row.prediction.drawing_id,
            predictions.c.session_id == row.prediction.session_id,
        )
        query = query.order_by(*newest_first).limit(MOST_ANSWERS)
        with reading(self._engine) as connection:
            return [history_row(one) for one in connection.execute(query)][::-1]


def _one(prediction_id: UUID, session_id: str | None) -> list[ColumnElement[Any]]:
    conditions: list[ColumnElement[Any]] = [predictions.c.id == prediction_id]
    if session_id is not None:
        conditions.append(predictions.c.session_id == session_id)
    return conditions


def _conditions(wanted: Filter) -> list[ColumnElement[Any]]:
    conditions: list[ColumnElement[Any]] = [counts]
    if wanted.session_id is not None:
        conditions.append(predictions.c.session_id == wanted.session_id)
    if wanted.show == "wrong":
        conditions += [is_judged, ~is_right]
    elif wanted.show == "open":
        conditions.append(is_open)
    elif wanted.show == "none":
        conditions += [is_judged, predictions.c.said == "not_a_digit"]
    elif wanted.show == "doubted":
        conditions.append(
            or_(predictions.c.is_digit.is_(False), func.cardinality(predictions.c.label_set) > 1)
        )
    if wanted.label:
        conditions.append(predictions.c.predicted_label == wanted.label)
    if wanted.has_label:
        conditions += [is_judged, predictions.c.true_label.is_not(None)]
    if wanted.true_label:
        conditions += [is_judged, predictions.c.true_label == wanted.true_label]
    if wanted.model is not None:
        name, version = wanted.model
        conditions += [predictions.c.model_name == name, predictions.c.model_version == version]
    if wanted.since is not None:
        conditions.append(predictions.c.created_at >= wanted.since)
    return conditions
