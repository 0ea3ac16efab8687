"""How a signal ends a program: by an exception, so that what it began is cleared away."""

import signal
from types import FrameType
from typing import NoReturn

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(SystemExit):
    """A signal asks the process to end; its exit status is 128 + the signal where nobody catches this."""


def raise_on_signals(*signals: signal.Signals) -> None:
    """Let the first of the signals (all STOPS by default) raise Stopped in the main thread.

    The others are then ignored: clearing away takes bounded time, and must not be left half-done. A hang-up
    that `nohup` has ignored stays ignored.
    """
    heard = signals or STOPS

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        ignore_signals(*heard)
        raise Stopped(128 + number)

    for number in heard:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def ignore_signals(*signals: signal.Signals) -> None:
    """Let none of the signals (all STOPS by default) interrupt what comes: it takes bounded time."""
    for number in signals or STOPS:
        signal.signal(number, signal.SIG_IGN)
