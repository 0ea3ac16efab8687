"""What takes a while to find out, for pages that must not wait for it."""

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Soon(Generic[T]):
    """A value that is found out in a thread of its own, once for all who ask meanwhile.

    Args:
        find: Finds it out; what it raises is logged, and counts as no answer.
        max_age_s: So long a value is given out without looking again.
        wait_s: So long who asks waits for it.
    """

    def __init__(self, find: Callable[[], T], max_age_s: float, wait_s: float) -> None:
        self._find = find
        self._max_age_s = max_age_s
        self._wait_s = wait_s
        self._found: T | None = None
        self._found_at = -math.inf
        self._looking: Future[T | None] | None = None
        self._lock = threading.Lock()

    def get(self) -> tuple[T | None, bool]:
        """Return the value, None where there never was one, and whether it is as of now."""
        with self._lock:
            if time.monotonic() - self._found_at <= self._max_age_s:
                return self._found, True
            looking = self._looking or self._look()
        return self._waited_for(looking, self._wait_s)

    def renewed(self, wait_s: float) -> T | None:
        """Return the value as it is from now on, not as somebody found it before; None if it takes longer."""
        deadline = time.monotonic() + wait_s
        with self._lock:
            before = self._looking
        if before is not None:
            self._waited_for(before, wait_s)
        with self._lock:
            looking = self._looking if self._looking not in (None, before) else self._look()
        found, is_current = self._waited_for(looking, deadline - time.monotonic())
        return found if is_current else None

    def _look(self) -> Future[T | None]:
        """Begin to find it out; the lock is held."""
        looking: Future[T | None] = Future()
        self._looking = looking

        def find() -> None:
            found = None
            try:
                found = self._find()
            except Exception as error:
                logger.warning("%s", error)
            with self._lock:
                if found is not None:
                    self._found, self._found_at = found, time.monotonic()
                if self._looking is looking:
                    self._looking = None
            looking.set_result(found)

        threading.Thread(target=find, name="look", daemon=True).start()
        return looking

    def _waited_for(self, looking: Future[T | None], wait_s: float) -> tuple[T | None, bool]:
        try:
            found = looking.result(max(0.0, wait_s))
        except TooLate:
            found = None
        return (self._found, False) if found is None else (found, True)
