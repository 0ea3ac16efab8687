"""Which models got workers through a page and may lose them again, and when a visitor asked each last."""

import logging
import threading
import time
from contextlib import suppress

from db.errors import DatabaseUnavailable
from db.model_uses import ModelUses, Use

logger = logging.getLogger(__name__)

# A model loses its workers after the idle time and at most so much of it again; so often it is looked.
LOOK_EVERY = 0.25


class InUse:
    """Kept here, and at each look exchanged with other pages; may be used by many threads.

    Args:
        idle_s: A model that nobody asked for so long is idle.
        shared: Where pages tell each other; None where there is one.
    """

    def __init__(self, idle_s: float, shared: ModelUses | None) -> None:
        self._shared = shared
        # What visitors of other pages asked since they last looked is not known here.
        self._idle_s = idle_s if shared is None else (1 + LOOK_EVERY) * idle_s
        self._used_at: dict[str, float] = {}
        # How many workers a model had: so many it gets back.
        self._workers: dict[str, int] = {}
        # What the others have not been told.
        self._started: set[str] = set()
        self._asked: dict[str, float] = {}
        self._left: set[str] = set()
        self._clock = threading.Lock()  # never held while anybody is waited for: predictions take it

    def started(self, path: str) -> None:
        """Note that a model got workers here."""
        with self._clock:
            self._used_at[path] = time.monotonic()
            self._started.add(path)

    def has(self, path: str, workers: int) -> None:
        """Note how many workers it has."""
        self._workers[path] = max(1, workers)

    def workers(self, path: str) -> int:
        """Return how many a model had when it was known last, 1 where it never was."""
        return self._workers.get(path, 1)

    def used(self, path: str) -> None:
        """Note that a visitor asks a model now."""
        with self._clock:
            self._asked[path] = now = time.monotonic()
            if path in self._used_at:
                self._used_at[path] = now

    def leave(self, path: str) -> None:
        """Let no page take workers from a model any more."""
        with self._clock:
            self._used_at.pop(path, None)
            self._started.discard(path)
            if self._shared is not None:
                self._left.add(path)
        with suppress(DatabaseUnavailable):  # then with the next exchange
            self._tell_who_left()

    def share(self) -> bool:
        """Exchange with the other pages; return whether it is known here what they know."""
        if self._shared is None:
            return True
        with self._clock:
            now, started, asked = time.monotonic(), self._started, self._asked
            self._started, self._asked = set(), {}
            mine = {
                path: Use(now - self._used_at[path], self.workers(path))
                for path in started & self._used_at.keys()
            }
        try:
            self._tell_who_left()
            known = self._shared.exchange(mine, {path: now - at for path, at in asked.items()})
        except DatabaseUnavailable as error:
            with self._clock:
                self._started |= started & self._used_at.keys()
                self._asked = {**asked, **self._asked}
            logger.info("idle models keep their workers for now: %s", error)
            return False
        with self._clock:
            here = {path: self._used_at[path] for path in self._started & self._used_at.keys()}
            self._workers |= {path: use.workers for path, use in known.items()}
            of_all = {path: now - use.ago_s for path, use in known.items()}
            self._used_at = {path: max(at, self._asked.get(path, at)) for path, at in (of_all | here).items()}
        return True

    def all(self) -> list[str]:
        """Return the models that may lose their workers."""
        with self._clock:
            return [*self._used_at]

    def claim(self, path: str) -> bool:
        """Return whether a model is idle and this page, and no other, is to take its workers."""
        with self._clock:
            at = self._used_at.get(path)
            if at is None or time.monotonic() - at < self._idle_s:
                return False
        if self._shared is not None:
            try:
                if not self._shared.claim(path, self._idle_s):
                    return False
            except DatabaseUnavailable:
                return False
        with self._clock:
            self._used_at.pop(path, None)
            self._started.discard(path)
        return True

    def _tell_who_left(self) -> None:
        if self._shared is None:
            return
        for path in [*self._left]:
            self._shared.forget(path)
            self._left.discard(path)
