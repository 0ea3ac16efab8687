"""Look at whether drawings resemble those of training: what is looked at, and what was found."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, func, select

from db.engine import reading, transaction
from db.rows import counts, newest_first
from db.schema import drifts, predictions

# Drawings that are read at once: each may be some MB.
AT_ONCE = 50
# So many more rows are looked at than are wanted: those of sessions that have had their share are left out.
MORE_ROWS = 10


@dataclass(frozen=True)
class Figure:
    """How one figure of drawings compares with training.

    Attributes:
        name: Which figure: ink_share, stroke_width_px, aspect, confidence, labels, set_sizes.
        p: How probable so large a difference is by chance, 0 to 1, corrected for all figures and looks.
        is_beyond_chance: Whether that is less than all looks together may be wrong about.
        stability: The population stability index: how large the difference is.
        edges: Where the bins of a number are divided; its shares are one more. None for values.
        values: The values by their names; None for a number.
        training: The share of each bin or value in training.
        drawn: The same of the drawings.
        training_spread: Of a number: what 5, 50 and 95 % are below.
        drawn_spread: The same of the drawings.
    """

    name: str
    p: float
    is_beyond_chance: bool
    stability: float
    edges: list[float] | None
    values: list[str] | None
    training: list[float]
    drawn: list[float]
    training_spread: list[float] | None = None
    drawn_spread: list[float] | None = None


@dataclass(frozen=True)
class Look:
    """A look at the drawings of a version of a model.

    Attributes:
        model_name: As registered in TorchServe.
        model_version: Of the model.
        first_at: When the oldest drawing was made.
        last_at: When the newest was.
        drawings: How many were looked at.
        figures: What was found.
    """

    model_name: str
    model_version: str
    first_at: datetime
    last_at: datetime
    drawings: int
    figures: list[Figure]


@dataclass(frozen=True)
class Drawn:
    """An answer that is looked at: when, how sure, which label, how many in its set (None: it has none)."""

    id: UUID
    created_at: datetime
    confidence: float
    label: str
    set_size: int | None


def newest(
    engine: Engine, model: tuple[str, str], between: tuple[datetime, datetime], most: int, of_a_session: int
) -> list[Drawn]:
    """Return the newest answers of a version, the newest first.

    Args:
        engine: Of the database.
        model: Name and version.
        between: The earliest and the latest time, with time zones.
        most: How many at most.
        of_a_session: How many of one session at most: one hand is not a sample of all hands.

    Raises:
        DatabaseUnavailable: They cannot be read now.
    """
    some = (
        select(predictions.c.id, predictions.c.created_at, predictions.c.session_id)
        .where(
            predictions.c.model_name == model[0],
            predictions.c.model_version == model[1],
            predictions.c.created_at.between(*between),
            counts,
        )
        .order_by(*newest_first)
        .limit(MORE_ROWS * most)
        .subquery()
    )
    order = (some.c.created_at.desc(), some.c.id.desc())
    place = func.row_number().over(partition_by=some.c.session_id, order_by=order).label("place")
    placed = select(some.c.id, place).subquery()
    query = (
        select(
            predictions.c.id,
            predictions.c.created_at,
            predictions.c.confidence,
            predictions.c.predicted_label,
            func.cardinality(predictions.c.label_set),
        )
        .join(placed, placed.c.id == predictions.c.id)
        .where(placed.c.place <= of_a_session)
        .order_by(*newest_first)
        .limit(most)
    )
    with reading(engine) as connection:
        return [Drawn(*row) for row in connection.execute(query)]


def pictures(engine: Engine, drawn: Sequence[Drawn]) -> Iterator[bytes]:
    """Yield the pictures of these answers, in any order; those that were deleted meanwhile are left out.

    Raises:
        DatabaseUnavailable: They cannot be read now.
    """
    ids = [one.id for one in drawn]
    for start in range(0, len(ids), AT_ONCE):
        query = select(predictions.c.drawing).where(predictions.c.id.in_(ids[start : start + AT_ONCE]))
        with reading(engine) as connection:
            found = connection.execute(query).scalars().all()
        yield from (bytes(picture) for picture in found)


def looks_before(engine: Engine, model: tuple[str, str], until: datetime) -> tuple[int, datetime | None]:
    """Return how often a version was looked at, and when the newest drawing was made that was looked at.

    Looks at what is dated later than `until` count, and say nothing of the time: a clock was ahead then.

    Raises:
        DatabaseUnavailable: They cannot be read now.
    """
    last_at = func.max(drifts.c.last_at).filter(drifts.c.last_at <= until)
    query = select(func.count(), last_at).where(*_of(model))
    with reading(engine) as connection:
        count, last_at = connection.execute(query).one()
    return count, last_at


def add(engine: Engine, look: Look) -> None:
    """Keep a look.

    Raises:
        DatabaseUnavailable: It is not kept.
    """
    with transaction(engine) as connection:
        connection.execute(drifts.insert(), asdict(look))


def latest(connection: Connection, model: tuple[str, str]) -> Look | None:
    """Return the latest look at a version; None where nobody has looked yet."""
    query = select(drifts).where(*_of(model)).order_by(drifts.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return _look(row._mapping) if row else None


def latest_of_each(engine: Engine, since: datetime) -> list[Look]:
    """Return the latest look at each version whose drawings go on until `since` or later.

    Raises:
        DatabaseUnavailable: They cannot be read now.
    """
    version = (drifts.c.model_name, drifts.c.model_version)
    ids = select(func.max(drifts.c.id)).where(drifts.c.last_at >= since).group_by(*version)
    query = select(drifts).where(drifts.c.id.in_(ids)).order_by(*version)
    with reading(engine) as connection:
        return [_look(row._mapping) for row in connection.execute(query)]


def _of(model: tuple[str, str]) -> tuple[Any, ...]:
    return drifts.c.model_name == model[0], drifts.c.model_version == model[1]


def _look(row: Any) -> Look:
    """Return a row; what newer code may add to a figure is left out."""
    known = Figure.__dataclass_fields__
    figures = [Figure(**{name: one[name] for name in known if name in one}) for one in row["figures"]]
    return Look(
        row["model_name"], row["model_version"], row["first_at"], row["last_at"], row["drawings"], figures
    )
