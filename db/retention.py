"""Deletes what is older than the operator says, a little at a time; off by default."""

import logging
import threading
import time

from db.log import DatabaseUnavailable, PredictionLog

logger = logging.getLogger(__name__)

EVERY_S = 3600.0
# A pause as long as it took follows each part, so that nobody waits for a backlog of years.
PART_ROWS = 1_000


class Retention:
    """Deletes old predictions with their feedback, when it starts and then every hour.

    Each page may run one: rows that another is deleting are skipped.

    Args:
        log: Where the predictions are.
        keep_days: Older ones are deleted; None for never.
    """

    def __init__(self, log: PredictionLog, keep_days: int | None) -> None:
        self._log = log
        self._keep_days = keep_days
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, in a thread of its own, where anything is to be deleted at all."""
        if self._keep_days is not None:
            threading.Thread(target=self._run, args=(self._keep_days,), name="retention", daemon=True).start()

    def stop(self) -> None:
        """Stop after the part that is being deleted now."""
        self._stopping.set()

    def _run(self, keep_days: int) -> None:
        while True:
            deleted = self._delete(keep_days)
            if deleted:
                logger.info("%d predictions older than %d days are deleted", deleted, keep_days)
            if self._stopping.wait(EVERY_S):
                return

    def _delete(self, keep_days: int) -> int:
        """Delete part after part until none is left; return how many rows these were."""
        deleted, is_over = 0, False
        while not is_over:
            began = time.monotonic()
            try:
                part = self._log.delete_older(keep_days, PART_ROWS)
            except DatabaseUnavailable as error:
                logger.warning("predictions older than %d days are deleted later: %s", keep_days, error)
                return deleted
            deleted += part
            is_over = part < PART_ROWS or self._stopping.wait(time.monotonic() - began)
        return deleted
