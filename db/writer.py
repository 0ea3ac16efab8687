"""The background writer: a prediction never waits for the database, nor fails with it, nor is lost."""

import logging
import math
import sqlite3
import threading
import time

from db import spool_folder
from db.errors import PredictionGone, describe
from db.log import DatabaseUnavailable, PredictionLog, RecordRejected
from db.records import Deletion, Record
from db.spool import NoRoom, Spool
from db.spooled import Waiting

logger = logging.getLogger(__name__)

# One transaction, and mostly one statement: large enough to catch up quickly. A server that is too slow to
# end it within its timeout gets half as many after each try, and one more after each that it ends.
BATCH_RECORDS = 100
BATCH_BYTES = 4 * 1024 * 1024
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0
# How often it is looked whether another page has ended and left records.
LOOK_S = 30.0


class Writer:
    """A spool on disk and one thread that empties it into the prediction log, in order.

    While the database is away every record keeps its place and the same ones are tried again. A record
    that the database refuses is logged and set aside in the spool, so that it does not hold up the others;
    of a drawing that was deleted meanwhile no correction is kept.

    Attributes:
        spool: Where the records wait; it is closed when the writer has stopped.
        paused: Whether the database is away, so that records wait.
        written: How many records the database has taken since the start.
        dropped: How many were turned away because there was no room or the writer was stopping.
        rejected: How many the database itself has refused since the start.
    """

    def __init__(self, log: PredictionLog, spool: Spool) -> None:
        self._log = log
        self.spool = spool
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._give_up_at = float("inf")
        self._thread: threading.Thread | None = None
        self.paused = False
        self.written = 0
        self.dropped = 0
        self._dropped_at = -math.inf
        self.rejected = 0
        self._look_at = 0.0
        self._housekeeping_fails_until = 0.0
        self._batch_records = BATCH_RECORDS

    @property
    def pending(self) -> int:
        """How many records wait."""
        return self.spool.pending

    @property
    def oldest_s(self) -> float:
        """How long the oldest of the records that wait has waited, in seconds; 0 while none waits."""
        return self.spool.oldest_s

    @property
    def dropped_ago_s(self) -> float:
        """How many seconds ago a record was turned away; infinite while none was."""
        return time.monotonic() - self._dropped_at

    def start(self) -> None:
        """Begin to write; what was submitted before is written first.

        Raises:
            RuntimeError: It was started before.
        """
        if self._thread is not None:
            raise RuntimeError("this Writer was started before: create a new one")
        self._thread = threading.Thread(target=self._run, name="prediction-writer", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> int:
        """Write what still waits, for at most `timeout_s`; return how many wait for the next start."""
        with self._changed:
            self._give_up_at = time.monotonic() + timeout_s
            self._stopping.set()
            self._changed.notify_all()
        if self._thread is None:
            self.spool.close()
        else:
            self._thread.join(timeout_s)
        if waiting := self.spool.pending:
            logger.warning("left %d records in %s for the next start", waiting, self.spool.path)
        return waiting

    def submit(self, record: Record) -> bool:
        """Put a record into the spool; return False where there is no room or the writer is stopping.

        It is written before this returns, so that it outlives the process; `sync` waits for the disk.
        """
        try:
            if self._stopping.is_set():
                raise NoRoom("the writer is stopping")
            self.spool.put(record)
        except (NoRoom, sqlite3.Error, OSError, TypeError) as error:
            with self._changed:
                self.dropped += 1
                self._dropped_at = time.monotonic()
            waiting = self.spool.pending
            logger.error("%s was not recorded: %s (%d records waiting)", describe(record), error, waiting)
            return False
        with self._changed:
            self._changed.notify_all()
        return True

    def sync(self) -> bool:
        """Wait until all that was submitted is on the disk; return False where the disk fails."""
        try:
            self.spool.sync()
        except OSError as error:
            logger.error("the spool %s could not be written to disk: %s", self.spool.path, error)
            return False
        return True

    def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._is_over():
            try:
                self._keep_house()
                if batch := self._next_batch():
                    self._write(batch)
            except DatabaseUnavailable as error:
                self._set_paused(True, str(error))
                self._batch_records = max(1, self._batch_records // 2)
                retry_s = self._wait_before_retry(retry_s)
            except (sqlite3.Error, OSError) as error:
                self._set_paused(True, f"written records cannot be removed from the spool: {error}")
                retry_s = self._wait_before_retry(retry_s)
            except Exception as error:
                # A defect must not end the thread while records wait: say what it is, keep them, go on.
                logger.exception("writing failed unexpectedly")
                self._set_paused(True, repr(error))
                retry_s = self._wait_before_retry(LAST_RETRY_S)
            else:
                self._set_paused(False)
                self._batch_records = min(self._batch_records + 1, BATCH_RECORDS)
                retry_s = FIRST_RETRY_S
        self.spool.close()

    def _is_over(self) -> bool:
        is_in_vain = time.monotonic() >= self._give_up_at
        return self._stopping.is_set() and (is_in_vain or not self.spool.pending)

    def _wait_before_retry(self, retry_s: float) -> float:
        """Wait, and return how long to wait the next time; while stopping, tries are short and frequent."""
        self.sync()
        if self._stopping.wait(retry_s):
            time.sleep(FIRST_RETRY_S)
        return min(2 * retry_s, LAST_RETRY_S)

    def _keep_house(self) -> None:
        """Keep the spool small, and from time to time take over what an ended page left."""
        now = time.monotonic()
        if now < self._housekeeping_fails_until:
            return
        try:
            self.spool.tidy()
            if now >= self._look_at:
                self._look_at = now + LOOK_S
                spool_folder.take_over_others(self.spool)
        except (sqlite3.Error, OSError) as error:
            self._housekeeping_fails_until = self._look_at = now + LOOK_S
            logger.warning("the spool %s cannot be tidied up: %s", self.spool.path, error)

    def _next_batch(self) -> list[Waiting]:
        """Return the records to write next, which stay in the spool; none when something else is due."""
        with self._changed:
            while not self.spool.pending and not self._stopping.is_set():
                if not self._changed.wait(max(0.0, self._look_at - time.monotonic())):
                    return []
        return self.spool.first(self._batch_records, BATCH_BYTES)

    def _write(self, batch: list[Waiting]) -> None:
        """Write the records, or else take one out of the way that cannot be written."""
        records = [waiting.record for waiting in batch if not isinstance(waiting.record, str)]
        if len(records) < len(batch):
            unreadable = next(waiting for waiting in batch if isinstance(waiting.record, str))
            self._set_aside(unreadable, str(unreadable.record))
            return
        try:
            self._log.write(records)
        except RecordRejected as refusal:
            refused = next(waiting for waiting in batch if waiting.record is refusal.record)
            if isinstance(refusal, PredictionGone) and not self.spool.has_aside(refusal.prediction_id):
                logger.info("dropped %s: it was deleted before", describe(refusal.record))
                self.spool.remove([refused])
            else:
                self._set_aside(refused, refusal.reason, str(refusal))
        else:
            for record in records:
                if isinstance(record, Deletion):
                    self.spool.forget_aside(record)
            self.spool.remove(batch)
            self.written += len(batch)

    def _set_aside(self, refused: Waiting, reason: str, message: str = "") -> None:
        logger.error("%s (set aside in %s)", message or reason, self.spool.path)
        self.spool.set_aside(refused, reason)
        self.rejected += 1

    def _set_paused(self, paused: bool, reason: str = "") -> None:
        if paused and not self.paused:
            logger.warning("history is paused, records are waiting in %s: %s", self.spool.path, reason)
        elif self.paused and not paused:
            logger.warning("history continues: PostgreSQL is back")
        self.paused = paused
