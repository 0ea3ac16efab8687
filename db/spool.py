"""Records on this machine's disk, in the order in which they came, until PostgreSQL has them."""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import UUID

from db import spool_file
from db.records import Deletion, Record
from db.spool_file import transaction
from db.spooled import Waiting, packed, read
from system import files

logger = logging.getLogger(__name__)

MAX_RECORDS = 10_000
MAX_BYTES = 256 * 1024**2
# Of those set aside the newest stay until somebody has looked at them.
MAX_BYTES_ASIDE = 64 * 1024**2
# Room that new records leave on the disk: what PostgreSQL has can only be removed by writing.
RESERVE_BYTES = 32 * 1024**2
# A log of this length is taken into the file, and so much empty room (of 4 KiB each) is given back.
LONG_LOG_BYTES = 16 * 1024**2
MANY_EMPTY_PAGES = 4096
ROW_BYTES = 1024  # for the texts of a record, and the row itself


class NoRoom(Exception):  # noqa: N818 - the name that callers read in their `except`
    """A record is not taken; the message says what there is too much of."""


class Spool:
    """One SQLite file of one process; several threads may use it.

    A record that `put` took outlives the process, however that ends, and after `sync` the machine as well.

    Args:
        path: The file; it is made where it is absent, and set aside where it is damaged.
        max_records: How many may wait.
        max_bytes: How large the waiting drawings may be together.
        log_bytes: What the database's own log may take on the same disk; 0 where that is on another.

    Raises:
        HeldError: Another process has this spool.
        SpoolError: A later version of this code wrote the file.
        sqlite3.Error, OSError: The file cannot be read or written.
    """

    def __init__(
        self, path: Path, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES, log_bytes: int = 0
    ) -> None:
        self.path = path
        self._max_records, self._max_bytes, self._log_bytes = max_records, max_bytes, log_bytes
        self.pending = self._bytes = 0  # how many records wait, and how large they are
        self._lock = threading.RLock()
        self._lock_file = spool_file.claim(path)
        try:
            spool_file.make_sound(path)
            # Who reads waits for nobody who writes.
            self._writing, self._reading = spool_file.connect(path), spool_file.connect(path)
            self._count()
        except BaseException:
            self._lock_file.close()
            raise
        self._syncing, self._log = threading.Lock(), spool_file.parts_of(path)[1]
        self._puts = self._synced_puts = 0

    @property
    def oldest_s(self) -> float:
        """How long the first of those that wait has waited, in seconds; 0 while none waits."""
        since = self._number("SELECT since FROM waiting ORDER BY id LIMIT 1")
        return max(0.0, time.time() - since) if since else 0.0

    @property
    def aside(self) -> int:
        """How many records are set aside."""
        return int(self._number("SELECT count(*) FROM set_aside"))

    @property
    def lacks_bytes(self) -> int:
        """How much more room the disk needs for all that may wait; OSError where the folder is gone."""
        copies = 2 if self._log_bytes else 1
        return max(0, copies * (self._max_bytes - self._bytes) - self._room_bytes())

    def put(self, record: Record) -> None:
        """Write a record behind those that wait, without waiting for the disk.

        Raises:
            NoRoom: It is not written: too much waits, or the disk is full.
            sqlite3.Error, OSError: Likewise, for another reason.
            TypeError: It holds what no record can.
        """
        kind, text, content = packed(record)
        size = ROW_BYTES + len(content)
        if self._room_bytes() < size:
            raise NoRoom(f"the disk is full at {self.path}")
        with self._lock:
            if self.pending >= self._max_records or self._bytes + size > self._max_bytes:
                raise NoRoom("too many records are waiting")
            self._writing.execute(
                "INSERT INTO waiting (since, size, kind, fields, content) VALUES (?, ?, ?, ?, ?)",
                (time.time(), size, kind, text, content),
            )
            self.pending += 1
            self._bytes += size
            self._puts += 1

    def sync(self) -> None:
        """Return once all that was put before is on the disk; one sync does for all who wait meanwhile.

        Raises:
            OSError: The disk failed.
        """
        wanted = self._puts
        with self._syncing:
            if self._synced_puts >= wanted:
                return
            puts = self._puts
            # What is no longer in the log was synced when it was taken into the file.
            files.sync(self._log)
            self._synced_puts = puts

    def records(self) -> Iterator[Record]:
        """Yield all that wait and can be read; nobody else may read or write meanwhile."""
        with closing(self._reading.execute("SELECT kind, fields, content FROM waiting ORDER BY id")) as rows:
            yield from (record for row in rows if not isinstance(record := read(*row), str))

    def first(self, most_records: int, most_bytes: int) -> list[Waiting]:
        """Return the first of those that wait, at least one if any waits; they stay."""
        found: list[Waiting] = []
        size = 0
        query = "SELECT id, size, kind, fields, content FROM waiting ORDER BY id LIMIT ?"
        with closing(self._reading.execute(query, (most_records,))) as rows:
            for row in rows:
                size += row[1]
                if found and size > most_bytes:
                    break
                found.append(Waiting(row[0], row[1], read(*row[2:])))
        if not found:
            self._count()
        return found

    def remove(self, written: list[Waiting]) -> None:
        """Forget records that wait one after the other."""
        with self._lock, transaction(self._writing) as connection:
            run = (written[0].id, written[-1].id)
            connection.execute("DELETE FROM waiting WHERE id BETWEEN ? AND ?", run)
        self._forgot(written)

    def set_aside(self, refused: Waiting, reason: str) -> None:
        """Keep a record, with the reason, where it holds up no other; the oldest of too many go."""
        with self._lock, transaction(self._writing) as connection:
            connection.execute(
                "INSERT INTO set_aside (since, size, kind, fields, content, refused_at, reason)"
                " SELECT since, size, kind, fields, content, ?, ? FROM waiting WHERE id = ?",
                (time.time(), reason, refused.id),
            )
            connection.execute("DELETE FROM waiting WHERE id = ?", (refused.id,))
            gone = connection.execute(
                "DELETE FROM set_aside WHERE id IN (SELECT id FROM"
                " (SELECT id, sum(size) OVER (ORDER BY id DESC) AS newer FROM set_aside) WHERE newer > ?)",
                (MAX_BYTES_ASIDE,),
            ).rowcount
        self._forgot([refused])
        if gone:
            logger.error("dropped %d records that had been set aside, to make room", gone)

    def has_aside(self, prediction_id: UUID) -> bool:
        """Return whether a prediction is set aside."""
        with self._lock:
            return spool_file.has_aside(self._writing, prediction_id)

    def forget_aside(self, deletion: Deletion) -> None:
        """Forget what was set aside of the drawings that a person wants deleted."""
        with self._lock:
            spool_file.forget_aside(self._writing, deletion)

    def tidy(self) -> None:
        """Keep the log short, and the file once nothing waits.

        Raises:
            sqlite3.Error, OSError: It cannot be done now; there may be no room even for that.
        """
        is_wide = not self.pending and self._number("PRAGMA freelist_count") > MANY_EMPTY_PAGES
        if not is_wide and self._log.stat().st_size <= LONG_LOG_BYTES:
            return
        self.sync()  # outside the lock, so that little is left to do inside
        with self._lock:
            spool_file.shorten(self._writing, give_back=is_wide)

    def take(self, other: "Spool") -> bool:
        """Put everything that another spool holds behind what is here; return False where it has no room.

        Raises:
            sqlite3.Error, OSError: Nothing is taken.
        """
        with self._lock:
            pending, size = self.pending + other.pending, self._bytes + other._bytes
            if pending > self._max_records or size > self._max_bytes or self._room_bytes() < other._bytes:
                return False
            with transaction(self._writing) as connection:
                for row in other._reading.execute("SELECT * FROM waiting ORDER BY id"):
                    connection.execute("INSERT INTO waiting VALUES (NULL, ?, ?, ?, ?, ?)", row[1:])
                for row in other._reading.execute("SELECT * FROM set_aside ORDER BY id"):
                    connection.execute("INSERT INTO set_aside VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row[1:])
            self.pending, self._bytes = pending, size
            self._puts += other.pending
        self.sync()
        return True

    def close(self, remove: bool = False) -> None:
        """Let go of the file with everything on the disk, or else remove it."""
        with self._lock:
            self._reading.close()
            self._writing.close()
            for part in spool_file.parts_of(self.path) if remove else ():
                part.unlink(missing_ok=True)
            self._lock_file.close()

    def _room_bytes(self) -> int:
        # A database on the same disk takes what waits, before it is removed here.
        for_database = self._log_bytes + self._bytes if self._log_bytes else 0
        return spool_file.free_bytes(self.path) - RESERVE_BYTES - for_database

    def _number(self, query: str) -> float:
        """Return what the query finds; 0 where it finds nothing, or the file is closed or cannot be read."""
        with self._lock, suppress(sqlite3.Error):
            found = self._writing.execute(query).fetchone()
            return found[0] if found else 0
        return 0

    def _count(self) -> None:
        """Count what waits, in case that somebody else has changed the file."""
        total = "SELECT count(*), coalesce(sum(size), 0) FROM waiting"
        with self._lock:
            self.pending, self._bytes = self._writing.execute(total).fetchone()

    def _forgot(self, gone: list[Waiting]) -> None:
        with self._lock:
            self.pending -= len(gone)
            self._bytes -= sum(waiting.size for waiting in gone)
