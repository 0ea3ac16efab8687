"""Tracebacks that repeat: the first one is written, then once a minute how many more there were."""

import logging
import threading
from pathlib import Path
from types import TracebackType

logger = logging.getLogger(__name__)

# The class of the exception that was first, and the file and line that raised it.
Kind = tuple[str, str]

EVERY_S = 60.0


class Repeats(logging.Filter):
    """Lets one traceback of a kind through in `every_s`, and then says how many it kept back.

    Without it, a client that asks again and again for something that fails wipes a log of bounded size.
    """

    def __init__(self, every_s: float = EVERY_S) -> None:
        super().__init__()
        self._every_s = every_s
        self._kept_back: dict[Kind, int] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is written now."""
        if record.exc_info is None or record.exc_info[1] is None:
            return True
        kind = _kind(record.exc_info[1])
        with self._lock:
            if kind in self._kept_back:
                self._kept_back[kind] += 1
                return False
            self._kept_back[kind] = 0
        later = threading.Timer(self._every_s, self._tell, [record.levelno, kind])
        later.daemon = True
        try:
            later.start()
        except RuntimeError:  # no thread is to be had: what repeats is then written each time
            with self._lock:
                self._kept_back.pop(kind, None)
        return True

    def _tell(self, level: int, kind: Kind) -> None:
        with self._lock:
            count = self._kept_back.pop(kind)
        if count:
            logger.log(level, "%d more like this within %g s: %s at %s", count, self._every_s, *kind)


def _kind(error: BaseException) -> Kind:
    first = _first(error)
    return type(first).__name__, _origin(first.__traceback__)


def _first(error: BaseException) -> BaseException:
    """Return the exception that all others came of."""
    seen: list[BaseException] = []  # some libraries make an exception its own cause
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause.__cause__
    return seen[-1]


def _origin(traced: TracebackType | None) -> str:
    """Return file and line of the innermost frame, "nowhere" for what was never raised."""
    if traced is None:
        return "nowhere"
    while traced.tb_next is not None:
        traced = traced.tb_next
    path = Path(traced.tb_frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{traced.tb_lineno}"
