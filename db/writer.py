"""The background writer: a prediction never waits for the database, nor fails with it."""

import logging
import math
import threading
import time
from collections import deque
from dataclasses import dataclass

from db.errors import describe
from db.log import DatabaseUnavailable, PredictionLog, RecordRejected
from db.records import Prediction, Record

logger = logging.getLogger(__name__)

MAX_RECORDS = 10_000
MAX_BYTES = 256 * 1024 * 1024
# One transaction: small enough to finish within the statement timeout, large enough to catch up quickly.
BATCH_RECORDS = 100
BATCH_BYTES = 16 * 1024 * 1024
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0


@dataclass(frozen=True)
class _Waiting:
    record: Record
    since: float  # by the monotonic clock


class Writer:
    """A queue in memory and one thread that empties it into the prediction log, in order.

    What waits here is lost when the process is killed; a durable spool would take the queue's place.
    While the database is away every record keeps its place and the same ones are tried again. A record
    that the database refuses is logged and leaves the queue, so that it does not hold up the others.

    Args:
        log: Where the records go.
        max_records: How many may wait.
        max_bytes: How large the waiting drawings may be together.
    """

    def __init__(
        self, log: PredictionLog, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._log = log
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._queue: deque[_Waiting] = deque()
        self._queue_bytes = 0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._give_up_at = float("inf")
        self._thread: threading.Thread | None = None
        self._paused = False
        self._written = 0
        self._dropped = 0
        self._dropped_at = -math.inf
        self._rejected = 0

    @property
    def paused(self) -> bool:
        """Whether the database is away, so that records wait."""
        return self._paused

    @property
    def pending(self) -> int:
        """How many records wait."""
        return len(self._queue)

    @property
    def oldest_s(self) -> float:
        """How long the oldest of the records that wait has waited, in seconds; 0 while none waits."""
        with self._changed:
            return time.monotonic() - self._queue[0].since if self._queue else 0.0

    @property
    def written(self) -> int:
        """How many records the database has taken since the start."""
        return self._written

    @property
    def dropped(self) -> int:
        """How many records were turned away because the queue was full or the writer was stopping."""
        return self._dropped

    @property
    def dropped_ago_s(self) -> float:
        """How many seconds ago a record was turned away; infinite while none was."""
        return time.monotonic() - self._dropped_at

    @property
    def rejected(self) -> int:
        """How many records the database itself refused."""
        return self._rejected

    def start(self) -> None:
        """Begin to write; what was submitted before is written first.

        Raises:
            RuntimeError: It was started before.
        """
        if self._thread is not None:
            raise RuntimeError("this Writer was started before: make a new one")
        self._thread = threading.Thread(target=self._run, name="prediction-writer", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> int:
        """Write what still waits, for at most `timeout_s`; return how many records could not be written."""
        with self._changed:
            self._give_up_at = time.monotonic() + timeout_s
            self._stopping.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        if self._queue:
            logger.error("stopped with %d records not written to PostgreSQL", len(self._queue))
        return len(self._queue)

    def submit(self, record: Record) -> bool:
        """Queue a record at once; return False where there is no room for it or the writer is stopping."""
        size = _size(record)
        with self._changed:
            full = len(self._queue) >= self._max_records or self._queue_bytes + size > self._max_bytes
            if not full and not self._stopping.is_set():
                self._queue.append(_Waiting(record, time.monotonic()))
                self._queue_bytes += size
                self._changed.notify_all()
                return True
            self._dropped += 1
            self._dropped_at = time.monotonic()
            waiting = len(self._queue)
        reason = "the queue is full" if full else "the writer is stopping"
        logger.error("%s is not recorded: %s (%d records wait)", describe(record), reason, waiting)
        return False

    def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        while batch := self._next_batch():
            try:
                self._log.write(batch)
            except RecordRejected as refusal:
                logger.error("%s", refusal)
                self._remove(refusal.record)
                self._rejected += 1
                self._set_paused(False)
            except DatabaseUnavailable as error:
                self._set_paused(True, str(error))
                retry_s = self._wait_before_retry(retry_s)
            except Exception as error:
                # A defect must not end the thread while records wait: say what it is, keep them, go on.
                logger.exception("writing failed in an unforeseen way")
                self._set_paused(True, repr(error))
                retry_s = self._wait_before_retry(LAST_RETRY_S)
            else:
                self._remove_first(len(batch))
                self._written += len(batch)
                self._set_paused(False)
                retry_s = FIRST_RETRY_S

    def _wait_before_retry(self, retry_s: float) -> float:
        """Wait, and return how long to wait the next time; while stopping, tries are short and frequent."""
        if self._stopping.wait(retry_s):
            time.sleep(FIRST_RETRY_S)
        return min(2 * retry_s, LAST_RETRY_S)

    def _next_batch(self) -> list[Record]:
        """Return the records to write next, which stay in the queue; none when it is time to end."""
        with self._changed:
            while not self._queue and not self._stopping.is_set():
                self._changed.wait()
            if time.monotonic() >= self._give_up_at:
                return []
            batch: list[Record] = []
            size = 0
            for waiting in self._queue:
                size += _size(waiting.record)
                if batch and (len(batch) == BATCH_RECORDS or size > BATCH_BYTES):
                    break
                batch.append(waiting.record)
            return batch

    def _remove_first(self, count: int) -> None:
        with self._changed:
            for _ in range(count):
                self._queue_bytes -= _size(self._queue.popleft().record)

    def _remove(self, record: Record) -> None:
        with self._changed:
            self._queue.remove(next(waiting for waiting in self._queue if waiting.record is record))
            self._queue_bytes -= _size(record)

    def _set_paused(self, paused: bool, reason: str = "") -> None:
        if paused and not self._paused:
            logger.warning("history is paused, records wait in memory: %s", reason)
        elif self._paused and not paused:
            logger.warning("history continues: PostgreSQL is back")
        self._paused = paused


def _size(record: Record) -> int:
    """Return about how many bytes a record keeps in memory: its drawing, and a kilobyte for the rest."""
    return 1024 + (len(record.drawing) if isinstance(record, Prediction) else 0)
