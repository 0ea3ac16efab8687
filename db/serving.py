"""Which version of a model is to answer, which one is tried, and what was seen of it.

The rows of `serving` say how things are to be, those of `looks` how that came about. `rollout/` brings
TorchServe there, and again after each of its restarts.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from db.engine import UsesEngine, transaction
from db.schema import looks, serving

LONGEST_REASON = 2000
LOCK_KEY = 0x726F_6C6C_6F75_74  # "rollout"
# A failure that is as old counts no longer with those that come.
FORGIVEN_AFTER_S = 600
_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
_LOCK_OF = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:of, :key))")


@dataclass(frozen=True)
class Serving:
    """What is to be served of one model.

    Attributes:
        model: Its name.
        version: Answers whoever names no version.
        previous: Answered before, and stays ready for a while; None where there is none.
        candidate: The version that is tried; one that is tried no longer is named until it is taken away.
        share: For so many percent of sessions the candidate answers.
        failed_looks: How often the version that is watched failed of late.
        reason: Why things are so, in words for people.
        changed_at: Since when.
        leaving: Versions that were named above, are no longer, and are taken away.
    """

    model: str
    version: str
    previous: str | None
    candidate: str | None
    share: int
    failed_looks: int
    reason: str
    changed_at: datetime
    leaving: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """What somebody saw who looked at a version that is tried or was made the default.

    Attributes:
        version: Which one.
        share: For so many percent of sessions it answered.
        outcome: "too_few", "held", "moved_on" or "failed".
        reason: In words for people.
        numbers: What the outcome rests on.
        created_at: When it was written; of one that is not written yet, nothing.
    """

    version: str
    share: int
    outcome: str
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None


class ServingRows(UsesEngine):
    """The rows in PostgreSQL; may be used by many threads. All methods raise DatabaseUnavailable."""

    def all(self) -> list[Serving]:
        """Return what is to be served of each model that anybody has decided on, by name."""
        with transaction(self._engine) as connection:
            return [_serving(row) for row in connection.execute(select(serving).order_by("model_name"))]

    def find(self, model: str) -> Serving | None:
        """Return what is to be served of a model, None where nobody has decided on it."""
        with transaction(self._engine) as connection:
            row = connection.execute(select(serving).where(serving.c.model_name == model)).one_or_none()
        return None if row is None else _serving(row)

    def looks(self, model: str, limit: int) -> list[Look]:
        """Return the model's last looks, newest first."""
        query = select(looks).where(looks.c.model_name == model).order_by(looks.c.id.desc()).limit(limit)
        with transaction(self._engine) as connection:
            return [_look(row) for row in connection.execute(query)]

    def begin(self, model: str, version: str) -> None:
        """Let this version be what is to be served of a model, where nobody has decided on that yet."""
        values = {
            "model_name": model,
            "model_version": version,
            "reason": "It answered before the first change.",
        }
        with transaction(self._engine) as connection:
            connection.execute(insert(serving).on_conflict_do_nothing(), values)

    def change(self, seen: Serving, look: Look, **to: Any) -> Serving | None:
        """Change what is served, and write why; None, and nothing is written, where it is not as it was seen.

        Args:
            seen: How things were when it was decided.
            look: What it was decided by; its reason becomes the row's.
            to: The columns that change, by their names in the table.
        """
        columns = {
            "failed_looks": 0,
            "reason": look.reason[:LONGEST_REASON],
            "changed_at": func.now(),
            "leaving": _leaving(seen, to),
            **to,
        }
        query = update(serving).where(*_as_seen(seen)).values(columns).returning(serving)
        with transaction(self._engine) as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            _write(connection, seen.model, look)
            return _serving(row)

    def add(self, seen: Serving, look: Look) -> None:
        """Write a look that changes nothing, but that failures of before count no longer after it."""
        with transaction(self._engine) as connection:
            _write(connection, seen.model, look)
            connection.execute(update(serving).where(*_as_seen(seen)).values(failed_looks=0))

    def failed(self, seen: Serving, look: Look, apart_s: float) -> int:
        """Write a look that failed; return how many did of late.

        Args:
            seen: How things were.
            look: What failed.
            apart_s: So long after another one that failed it is the same: several pages see one moment.

        Returns:
            0 where things are not as they were seen, and where it is the same.
        """

        def failed_since(ago_s: float) -> ScalarSelect:
            ago = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, ago_s)
            return (
                select(func.count())
                .where(
                    looks.c.model_name == seen.model,
                    looks.c.model_version == look.version,
                    looks.c.outcome == "failed",
                    looks.c.created_at > func.greatest(ago, serving.c.changed_at),
                )
                .correlate(serving)
                .scalar_subquery()
            )

        count = func.least(serving.c.failed_looks, failed_since(FORGIVEN_AFTER_S)) + 1
        query = update(serving).where(*_as_seen(seen), failed_since(apart_s) == 0).values(failed_looks=count)
        of_model = select(serving.c.model_name).where(serving.c.model_name == seen.model)
        with transaction(self._engine) as connection:
            # What another page writes now is seen after it.
            connection.execute(of_model.with_for_update())
            failed = connection.scalar(query.returning(serving.c.failed_looks))
            if failed:
                _write(connection, seen.model, look)
        return failed or 0

    def set_times_right(self) -> None:
        """Set times that a wrong clock has put in the future to now: else everything waits until then."""
        with transaction(self._engine) as connection:
            for at in (serving.c.changed_at, looks.c.created_at):
                is_ahead = at > func.now() + func.make_interval(0, 0, 0, 0, 0, 1)
                connection.execute(update(at.table).where(is_ahead).values({at: func.now()}))

    def forget(self, seen: Serving, column: str) -> None:
        """Empty a column that names a version: it is served no longer."""
        with transaction(self._engine) as connection:
            connection.execute(update(serving).where(*_as_seen(seen)).values({column: None}))

    def left(self, model: str, version: str) -> None:
        """Note that a version that was leaving is served no longer."""
        query = update(serving).where(serving.c.model_name == model)
        with transaction(self._engine) as connection:
            connection.execute(query.values(leaving=func.array_remove(serving.c.leaving, version)))

    @contextmanager
    def alone(self, of: str = "") -> Iterator[bool]:
        """Yield whether nobody else is between the beginning and the end of this now, on any machine.

        What is done `of` a version of a model does not count for others, nor for what has no such.
        """
        with transaction(self._engine) as connection:
            locked = (_LOCK_OF, {"of": of, "key": LOCK_KEY}) if of else (_LOCK, {"key": LOCK_KEY})
            yield bool(connection.scalar(*locked))


def _as_seen(seen: Serving) -> tuple[Any, ...]:
    return (
        serving.c.model_name == seen.model,
        serving.c.model_version == seen.version,
        serving.c.previous_version.is_not_distinct_from(seen.previous),
        serving.c.candidate_version.is_not_distinct_from(seen.candidate),
        serving.c.candidate_share == seen.share,
    )


def _leaving(seen: Serving, to: Mapping[str, Any]) -> list[str]:
    """Return the versions that were named, and are no longer after a change."""
    named = {
        "model_version": seen.version,
        "previous_version": seen.previous,
        "candidate_version": seen.candidate,
    }
    before, after = {*seen.leaving, *named.values()}, {to.get(key, version) for key, version in named.items()}
    return sorted(version for version in before - after if version)


def _write(connection: Connection, model: str, look: Look) -> None:
    values = {
        "model_name": model,
        "model_version": look.version,
        "share": look.share,
        "outcome": look.outcome,
        "numbers": look.numbers,
        "reason": look.reason[:LONGEST_REASON],
    }
    connection.execute(insert(looks), values)


def _serving(row: Row) -> Serving:
    return Serving(
        model=row.model_name,
        version=row.model_version,
        previous=row.previous_version,
        candidate=row.candidate_version,
        share=row.candidate_share,
        failed_looks=row.failed_looks,
        reason=row.reason,
        changed_at=row.changed_at.astimezone(UTC),
        leaving=tuple(row.leaving),
    )


def _look(row: Row) -> Look:
    at = row.created_at.astimezone(UTC)
    return Look(row.model_version, row.share, row.outcome, row.reason, row.numbers, at)
