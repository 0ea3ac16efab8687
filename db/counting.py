"""Add up the changes that triggers note, so that analytics read a few counts a day and not every change."""

import logging
import threading

from sqlalchemy import Connection, Engine, text

from db.engine import transaction
from db.errors import DatabaseUnavailable

logger = logging.getLogger(__name__)

# So that analytics have few changes to read for themselves: some thousands where a thousand drawings come
# in a second.
EVERY_S = 5.0
# As long as a part takes, so that nobody waits for a backlog.
PAUSE_S = 0.5
# A part takes 0.3 s, and ends well within the statement timeout.
PART_ROWS = 50_000
LOCK_KEY = 0x636F_756E_7473  # "counts"

# Another page that counts now has them all.
_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
_COUNT = text("""
WITH taken AS (
    DELETE FROM daily_changes
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM daily_changes LIMIT :limit)) RETURNING *
), counted AS (
    INSERT INTO daily_counts
    SELECT model_name, model_version, day, figure, value, sum(change)
    FROM taken CROSS JOIN LATERAL (VALUES
        ('label', predicted_label), ('set_size', coalesce(set_size, 0)::text),
        ('is_digit', coalesce(is_digit::text, 'unknown')), ('latency', latency_step::text)
    ) AS cells (figure, value)
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (model_name, model_version, day, figure, value)
    DO UPDATE SET count = daily_counts.count + excluded.count
)
SELECT count(*) FROM taken
""")
_FORGET_EMPTY = text("DELETE FROM daily_counts WHERE count = 0")


class Counting:
    """Adds all changes up, when it starts and then every few seconds; each page may run one.

    Args:
        engine: Where they are.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._run, name="counting", daemon=True).start()

    def stop(self) -> None:
        """Stop after the part that is being counted now."""
        self._stopping.set()

    def _run(self) -> None:
        is_away = False
        while not self._stopping.is_set():
            try:
                is_over = count(self._engine) < PART_ROWS
                if is_away:
                    logger.warning("counting changes again: PostgreSQL is back")
                is_away = False
            except DatabaseUnavailable as error:
                if not is_away:
                    logger.warning("changes will be counted later: %s", error)
                is_away = is_over = True
            self._stopping.wait(EVERY_S if is_over else PAUSE_S)


def count(engine: Engine, limit: int = PART_ROWS) -> int:
    """Add up to `limit` changes to the counts, in one transaction; return how many these were.

    Raises:
        DatabaseUnavailable: None is added.
    """
    with transaction(engine) as connection:
        return add_up(connection, limit)


def add_up(connection: Connection, limit: int = PART_ROWS) -> int:
    """Do as `count` does, in a transaction that has begun: what it deletes itself never waits for others."""
    if not connection.scalar(_LOCK, {"key": LOCK_KEY}):
        return 0
    counted = connection.scalar(_COUNT, {"limit": limit}) or 0
    if counted:
        connection.execute(_FORGET_EMPTY)
    return counted
