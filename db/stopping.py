"""How a signal stops a backup or a restore: by an exception, so that what it began is cleared away."""

import signal
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asks the process to end."""


def raise_on_signals() -> None:
    """Let the first SIGTERM, SIGINT or SIGHUP raise Stopped in the main thread."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def ignore_signals() -> None:
    """Let nothing but SIGKILL interrupt what comes: it takes bounded time."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    ignore_signals()
    raise Stopped
