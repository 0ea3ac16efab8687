"""How often somebody may still try to sign in, on whichever page: counted where all pages see it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.engine import UsesEngine, transaction
from db.schema import sign_in_attempts as table

# Of what has all its attempts again, so much is removed at once.
FORGOTTEN_AT_ONCE = 1000


@dataclass(frozen=True)
class Limit:
    """So many attempts within so many seconds, of which each comes back by itself.

    Attributes:
        of: Whose; only its hash is kept.
        most: How many attempts.
        within_s: After so many seconds without one all are there again.
    """

    of: str
    most: int
    within_s: float

    @property
    def each_s(self) -> float:
        """After how many seconds one attempt comes back."""
        return self.within_s / self.most

    @property
    def key_hash(self) -> bytes:
        """By which it is kept."""
        return hashlib.sha256(self.of.encode("utf-8", "replace")).digest()


class Attempts(UsesEngine):
    """The attempts in PostgreSQL, by its own clock; for many threads. All methods raise DatabaseUnavailable.

    Of each limit one time is kept, at which it is full again, and an attempt moves that on (a leaky bucket as
    a meter: ITU-T I.371, annex A).
    """

    def wait_s(self, limit: Limit) -> float:
        """Return after how many seconds there is an attempt, 0 where there is one now."""
        query = select(_seconds_until(_full_at(limit))).where(table.c.key_hash == limit.key_hash)
        with transaction(self._engine) as connection:
            left_s = connection.scalar(query)
        return max(0.0, float(left_s or 0.0) + limit.each_s - limit.within_s)

    def take(self, limits: Sequence[Limit]) -> float:
        """Take an attempt of each, and return 0; or none, and return after how many seconds there will be."""
        with transaction(self._engine) as connection:
            forget(connection, FORGOTTEN_AT_ONCE)  # alone: so nobody waits for each other in a ring
        with transaction(self._engine) as connection:
            wait_s = max(_taken(connection, limit) for limit in limits)
            if wait_s:
                connection.rollback()
        return wait_s

    def give_back(self, limits: Sequence[Limit]) -> None:
        """Give one attempt back to each."""
        with transaction(self._engine) as connection:
            for limit in limits:
                earlier = table.c.full_at - _seconds(limit.each_s)
                is_it = table.c.key_hash == limit.key_hash
                connection.execute(update(table).where(is_it).values(full_at=earlier))


def forget(connection: Connection, most: int) -> int:
    """Remove at most so many that have all their attempts again, past what others hold; return how many."""
    full = select(table.c.key_hash).where(table.c.full_at <= func.now()).limit(most)
    gone = table.c.key_hash.in_(full.with_for_update(skip_locked=True))
    return connection.execute(delete(table).where(gone)).rowcount


def _taken(connection: Connection, limit: Limit) -> float:
    """Take an attempt; return how many seconds too early that is, 0 where it is not."""
    each = _seconds(limit.each_s)
    first = insert(table).values(key_hash=limit.key_hash, full_at=func.now() + each)
    later = func.greatest(func.now(), _full_at(limit)) + each
    taken = first.on_conflict_do_update(index_elements=["key_hash"], set_={"full_at": later})
    left_s = connection.scalar(taken.returning(_seconds_until(table.c.full_at)))
    return max(0.0, float(left_s or 0.0) - limit.within_s)


def _full_at(limit: Limit) -> ColumnElement[Any]:
    """Return when the limit is full again: now, where a clock that was ahead, and is set back, has said when.

    An attempt moves it at most `within_s` ahead. Twice that leaves room for transactions that began earlier.
    """
    is_of_another_clock = table.c.full_at > func.now() + _seconds(2 * limit.within_s)
    return case((is_of_another_clock, func.now()), else_=table.c.full_at)


def _seconds(count: float) -> ColumnElement[Any]:
    return func.make_interval(0, 0, 0, 0, 0, 0, count)


def _seconds_until(at: ColumnElement[Any]) -> ColumnElement[Any]:
    seconds: ColumnElement[Any] = func.extract("epoch", at - func.now())
    return seconds
