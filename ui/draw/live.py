"""Whether what is under moving pens may be read now: only while nobody else has to wait for it."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

# So many are read at once, of all visitors: the others' threads are for what is drawn.
AT_ONCE = 4
# An answer is slow that took so many times as long as the model's quickest, and longer than this: others ask
# TorchServe then, or the page has much to do. With 64 clients at TorchServe answers take ten times as long.
SLOWER, SLOW_MS = 3, 15
# Nobody follows the pen while most of so many answers, the latest, were slow.
LATEST = 5
# So long after the last answer one is read nevertheless: it may be quick again.
AGAIN_S = 5.0


class Live:
    """Says who may have a drawing read that is not finished; may be used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self._quickest_ms: dict[str, float] = {}
        self._were_slow: deque[bool] = deque(maxlen=LATEST)
        self._seen = 0.0

    def answered(self, path: str, *took_ms: float) -> None:
        """Take note of how long a model took for what was asked at once."""
        if not took_ms:
            return
        latency_ms = min(took_ms)
        with self._lock:
            quickest_ms = min(latency_ms, self._quickest_ms.get(path, latency_ms))
            self._quickest_ms[path] = quickest_ms
            self._were_slow.append(latency_ms > max(SLOW_MS, SLOWER * quickest_ms))
            self._seen = time.monotonic()

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Yield whether one more may be read, and count it as under way until the end of the `with`."""
        with self._lock:
            may = self._under_way < AT_ONCE and (not self._is_busy() or self._looks_again())
            self._under_way += may
        try:
            yield may
        finally:
            with self._lock:
                self._under_way -= may

    def _is_busy(self) -> bool:
        return sum(self._were_slow) > LATEST / 2

    def _looks_again(self) -> bool:
        now = time.monotonic()
        if now - self._seen < AGAIN_S:
            return False
        self._seen = now
        return True
