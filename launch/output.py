"""What the processes say: each line shown with time and name, and kept in `<name>.log`."""

import logging
import threading
import time
from collections import defaultdict, deque
from logging.handlers import RotatingFileHandler
from pathlib import Path

from launch.terminal import show

LOG_BYTES = 5_000_000
SHOWN_WORDS = 300  # characters
# Kept in the logs only: what java prints before its logging is configured, and what the launcher says itself.
NOISE = (
    "WARNING: sun.reflect.Reflection",
    "nvidia-smi not available",
    "Model server started",
    "PostgreSQL 18 answers",
)


class Output:
    """The terminal and the logs, for several threads.

    Args:
        log_dir: where `<name>.log` is kept, bounded in size.
        names: who will speak, for the width of the column.
    """

    def __init__(self, log_dir: Path, names: list[str]) -> None:
        self._log_dir = log_dir
        self._width = max(map(len, names), default=0)
        self._lock = threading.Lock()
        self._logs: dict[str, logging.Handler] = {}
        self._hidden: set[str] = set()
        self._last: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=20))

    def write(self, name: str, line: str) -> None:
        """Show and keep one line."""
        line = line.rstrip()
        with self._lock:
            self._last[name].append(line.strip())
            self._log(name).emit(logging.makeLogRecord({"msg": time.strftime("%Y-%m-%d %H:%M:%S ") + line}))
            if name not in self._hidden and not line.startswith(NOISE):
                show(f"{time.strftime('%H:%M:%S')} {name:<{self._width}} | {line}")

    def hide(self, name: str) -> None:
        """Keep the further lines of this name in its log only."""
        self._hidden.add(name)

    def forget(self, name: str) -> None:
        """Forget the last words: what is said from now on is another process's."""
        with self._lock:
            self._last.pop(name, None)

    def last_words(self, name: str) -> str:
        """Return the last line that was said under this name, or "" if nothing was."""
        with self._lock:
            lines = [line for line in self._last[name] if line and not line.startswith(NOISE)]
        return lines[-1][:SHOWN_WORDS] if lines else ""

    def log(self, name: str) -> Path:
        """Return the file that keeps what is said under this name."""
        return self._log_dir / f"{name}.log"

    def _log(self, name: str) -> logging.Handler:
        if name not in self._logs:
            self._logs[name] = RotatingFileHandler(
                self.log(name), maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8"
            )
        return self._logs[name]
