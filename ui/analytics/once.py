"""One reading of analytics at a time: an operator who reloads holds up neither visitors nor the database."""

import threading
import time
from collections.abc import Callable
from typing import Any

# So old may be what is shown again.
FRESH_S = 5.0
# One reads and one waits; the views have four threads for all visitors (ui/shell/views.py).
PLACES = 2
# What was read last stays for those that come while others read; each is some 100 kB with its pictures.
KEPT = 16


class Busy(Exception):  # noqa: N818 - an answer, not a fault
    """Others read already, and there is nothing to show meanwhile."""


class Once:
    """What was read last, by what was asked; may be used by many threads."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(PLACES)
        self._reading = threading.Lock()
        self._kept: dict[Any, tuple[float, Any]] = {}

    def get(self, key: Any, read: Callable[[], Any]) -> Any:
        """Return what `read` returns for this key, or returned a moment ago.

        While others read, and one waits already, it is what was read for the key last, however old.

        Raises:
            Busy: There is no such.
        """
        if (fresh := self._fresh(key)) is not None:
            return fresh
        if not self._places.acquire(blocking=False):
            if (kept := self._kept.get(key)) is not None:
                return kept[1]
            raise Busy
        try:
            with self._reading:
                if (fresh := self._fresh(key)) is not None:
                    return fresh
                found = read()
                self._kept.pop(key, None)
                self._kept[key] = time.monotonic(), found
                while len(self._kept) > KEPT:
                    del self._kept[next(iter(self._kept))]
                return found
        finally:
            self._places.release()

    def _fresh(self, key: Any) -> Any:
        kept = self._kept.get(key)
        return kept[1] if kept is not None and time.monotonic() - kept[0] < FRESH_S else None
