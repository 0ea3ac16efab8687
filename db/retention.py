"""Delete what is older than the operator allows, and forget who judged or tried to sign in, bit by bit."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from db.log import DatabaseUnavailable, PredictionLog

logger = logging.getLogger(__name__)

EVERY_S = 3600.0
# A pause as long as it took follows each part, so that nobody waits for a backlog of years.
PART_ROWS = 1_000


class Retention:
    """Deletes old predictions with their feedback, and forgets, when it starts and then every hour.

    Each page may run one: rows that another is at are skipped.

    Args:
        log: Where the predictions are.
        keep_days: Older ones are deleted; None for never.
    """

    def __init__(self, log: PredictionLog, keep_days: int | None) -> None:
        self._log = log
        self._keep_days = keep_days
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._run, name="retention", daemon=True).start()

    def stop(self) -> None:
        """Stop after the part that is being deleted now."""
        self._stopping.set()

    def _run(self) -> None:
        while True:
            self._forget_networks()
            self._forget_attempts()
            if self._keep_days is not None and (deleted := self._delete(self._keep_days)):
                logger.info("deleted %d predictions older than %d days", deleted, self._keep_days)
            if self._stopping.wait(EVERY_S):
                return

    def _forget_networks(self) -> int:
        """Forget part after part until there is none; return of how many judgements."""
        return self._part_by_part(self._log.forget_networks, "networks of judgements are forgotten")

    def _forget_attempts(self) -> int:
        """Forget who has tried to sign in: else nothing did that until the next one tries."""
        return self._part_by_part(self._log.forget_attempts, "attempts to sign in are forgotten")

    def _delete(self, keep_days: int) -> int:
        """Delete part after part until none is left; return how many rows these were."""
        what = f"predictions older than {keep_days} days are deleted"
        return self._part_by_part(partial(self._log.delete_older, keep_days), what)

    def _part_by_part(self, do: Callable[[int], int], what: str) -> int:
        done, is_over = 0, False
        while not is_over:
            began = time.monotonic()
            try:
                part = do(PART_ROWS)
            except DatabaseUnavailable as error:
                logger.warning("%s later: %s", what, error)
                return done
            done += part
            is_over = part < PART_ROWS or self._stopping.wait(time.monotonic() - began)
        return done
