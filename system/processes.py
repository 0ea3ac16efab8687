"""One way to start a program with all that it starts, to wait for it, and to end it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from system.files import PROJECT
from system.keeper import STOP_S

Answer = TypeVar("Answer")
POLL_S = 0.1
LAST_WORDS = 500  # characters


def cores() -> int:
    """Return on how many cores this process may run; where that is not said (macOS), how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Running:
    """A command that runs under a keeper, which ends with it and leaves none of its processes.

    Attributes:
        keeper: The keeper, told to end by SIGTERM.
        log: What the command says, and the keeper.
    """

    keeper: subprocess.Popen[bytes]
    log: Path

    def how_it_ended(self) -> str | None:
        """Return how the command ended, with its last words; None while it runs."""
        if self.keeper.poll() is None:
            return None
        words = self.log.read_text(errors="replace").strip()[-LAST_WORDS:] or "it said nothing"
        return f"ended with {self.keeper.returncode} ({words})"

    def family(self) -> list[psutil.Process]:
        """Return the command's process and, after it, its descendants; none once it has ended."""
        with suppress(psutil.NoSuchProcess):
            descendants = psutil.Process(self.keeper.pid).children(recursive=True)
            return sorted(descendants, key=psutil.Process.create_time)
        return []


def kept(command: Sequence[str], stop_s: float = STOP_S) -> list[str]:
    """Return the command line, for the project's folder, that runs the command under a keeper.

    Args:
        command: What to run.
        stop_s: How long it may take after SIGTERM before it is killed.
    """
    return [sys.executable, "-m", "system.keeper", f"{stop_s:g}", *command]


@contextmanager
def lifeline() -> Iterator[int]:
    """Yield a standard input for keepers: it ends with the block, or with this process."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(writing)
        os.close(reading)


@contextmanager
def running(
    command: Sequence[str], environ: Mapping[str, str], log: Path, stop_s: float = STOP_S
) -> Iterator[Running]:
    """Run a command until the end of the block, and end it then with all that it started.

    Args:
        command: What to run in the project's folder.
        environ: Its whole environment.
        log: The file that gets what it says.
        stop_s: As for `kept`.
    """
    with lifeline() as stdin, log.open("wb") as said:
        keeper = subprocess.Popen(
            kept(command, stop_s),
            cwd=PROJECT,
            env=dict(environ),
            stdin=stdin,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal is for this process
        )
        try:
            yield Running(keeper, log)
        finally:
            keeper.terminate()
            keeper.wait()


def until(ask: Callable[[], Answer], within_s: float, every_s: float = POLL_S) -> Answer:
    """Ask until the answer is true or the time is over; return the last answer.

    Args:
        ask: What to ask, at least once.
        within_s: After how many seconds no more.
        every_s: The pause between two questions.
    """
    deadline = time.monotonic() + within_s
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(every_s)
    return answer


def end(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send a process one signal after another until it has ended.

    Args:
        process: A child of this process.
        steps: Each signal, and for how many seconds to wait after it.
    """
    for signum, timeout_s in steps:
        process.send_signal(signum)  # nothing where it has ended
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)
            return
