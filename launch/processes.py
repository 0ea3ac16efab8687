"""Runs the Procfile's processes under honcho so that all of them end together, whatever happens."""

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import psutil
from honcho.manager import SYSTEM_PRINTER_NAME, Manager
from honcho.printer import Message, Printer
from honcho.process import Popen, Process

from launch.errors import LaunchError
from launch.terminal import nobody_reads

FIRST_TO_STOP = "ui"  # it still hands its last records to PostgreSQL
FIRST_STOP_S = 5
STOP_S = 12  # TorchServe takes 2.4 s at rest
LOG_BYTES = 5_000_000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h

# Kept in the logs only: what java prints before its logging is configured, and what the launcher says itself.
NOISE = (
    "WARNING: sun.reflect.Reflection",
    "nvidia-smi not available",
    "Model server started",
    "PostgreSQL 18 answers",
)
# TorchServe logs the end of each worker with a stack trace, also when all of it is being stopped.
NOISY_STOP = "torchserve"


class Platform(Manager):
    """The running processes.

    Args:
        log_dir: where each process's output is kept, as `<name>.log`.
        started: called in a thread of its own once all processes are started; its LaunchError stops them.
    """

    def __init__(self, log_dir: Path, started: Callable[["Platform"], None]) -> None:
        self.printer = LogPrinter(log_dir)
        super().__init__(self.printer)
        self._process_ctor = TiedProcess
        self._started = started
        self._pid = os.getpid()
        self._terminating: bool = False
        self._family: list[psutil.Process] = []
        self.log_dir = log_dir
        self.problem: LaunchError | None = None

    def run(self) -> None:
        """Run until a signal, a failure or the end of a process; leave no process behind.

        Raises:
            LaunchError: when it was not a signal that ended it.
        """
        adopt_orphans()
        try:
            self.loop()
        finally:
            # Not a second time while the last ones are swept away.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._sweep()
        if self.problem is not None:
            raise self.problem

    def fail(self, problem: LaunchError) -> None:
        """Stop everything because of the problem, which `run` then raises."""
        if not self.stopping:
            self.problem = problem
            self.terminate()

    @property
    def stopping(self) -> bool:
        """Say whether the processes are being stopped."""
        return self._terminating

    def ended(self, name: str) -> str | None:
        """Say how the process ended, None while it runs."""
        code = self._processes[name].get("returncode")
        return None if code is None else f"ended with {_code(code)}"

    def terminate(self) -> None:
        """Begin to stop all processes; called by honcho on a signal and when one of them ended."""
        # A signal between fork and exec runs this in the child, which is not the one to stop anything.
        if self._terminating or os.getpid() != self._pid:
            return
        self._terminating = True
        self.printer.hide(NOISY_STOP)
        self._family = psutil.Process().children(recursive=True)
        if self.problem is None:
            self.problem = self._death()
        threading.Thread(target=self._stop_in_order, daemon=True).start()

    def _start(self) -> None:
        super()._start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        try:
            self._started(self)
        except LaunchError as error:
            self.fail(error)
        except Exception as error:  # would end this thread unseen and leave the platform half started
            self.fail(
                LaunchError(f"{type(error).__name__}: {error}", "this is a fault in launch/; report it")
            )
            raise

    def _death(self) -> LaunchError | None:
        """Give what to say of the process that ended by itself; None where it was a signal that ends all."""
        for name, process in self._processes.items():
            if "returncode" in process:
                words = self.printer.last_words(name)
                if words.startswith("cause: "):
                    cause, _, fix = words.removeprefix("cause: ").partition("; fix: ")
                    return LaunchError(f"{name} could not start: {cause}", fix)
                said = f' after "{words}"' if words else ""
                return LaunchError(
                    f"{name} ended with {_code(process['returncode'])}{said}",
                    f"see {self.log_dir / name}.log",
                )
        return None

    def _stop_in_order(self) -> None:
        self._wait(lambda: all("pid" in process for process in self._processes.values()), FIRST_STOP_S)
        if FIRST_TO_STOP in self._processes:
            self._signal([FIRST_TO_STOP], self._procmgr.terminate)
            self._wait(lambda: "returncode" in self._processes[FIRST_TO_STOP], FIRST_STOP_S)
        self._signal(list(self._processes), self._procmgr.terminate)
        self._wait(lambda: all("returncode" in process for process in self._processes.values()), STOP_S)
        self._signal(list(self._processes), self._procmgr.kill)

    def _killall(self, force: bool = False) -> None:
        """Do nothing: honcho would kill 5 s after the first end, in no order. `_stop_in_order` does both."""

    def _signal(self, names: list[str], send: Callable[[int], None]) -> None:
        for name in names:
            process = self._processes[name]
            if "pid" in process and "returncode" not in process:
                send(process["pid"])

    def _wait(self, done: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not done() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _sweep(self) -> None:
        """Kill what outlived its parent: grandchildren, or all of them when the loop itself failed."""
        family = {*self._family, *psutil.Process().children(recursive=True)}
        for process in filter(_runs, family):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._wait(lambda: not any(map(_runs, family)), STOP_S)


class TiedProcess(Process):
    """A process that ends when the launcher ends, even by SIGKILL (on Linux)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._launcher = os.getpid()

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Run the command; this is honcho's own process between the launcher and the command."""
        die_with(self._launcher, signal.SIGKILL)
        self._child_ctor = partial(Popen, preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM))
        super().run(*args, **kwargs)


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ended, so that the sweep finds them.

    The workers of a java that was killed are such. Nothing but on Linux.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int, signum: signal.Signals) -> None:
    """Ask the kernel to send this process the signal when its parent ends; nothing but on Linux."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signum))
    if os.getppid() != parent:  # it ended before the call
        os.kill(os.getpid(), signum)


class LogPrinter(Printer):
    """Shows what the processes say, each line with its name, and keeps it in `<name>.log`."""

    def __init__(self, log_dir: Path) -> None:
        super().__init__(sys.stdout, prefix=True)
        self._log_dir = log_dir
        self._logs: dict[str, logging.Handler] = {}
        self._hidden: set[str] = set()
        self._last: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=20))

    def write(self, message: Message) -> None:
        """Show and keep one message. Honcho's own (who was sent which signal) are left out."""
        if message.name == SYSTEM_PRINTER_NAME:
            return
        text = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
        self._last[message.name].append(text.strip())
        self._keep(message, text)
        if text.startswith(NOISE) or message.name in self._hidden:
            return
        try:
            super().write(message)
        except BrokenPipeError:
            nobody_reads()

    def hide(self, name: str) -> None:
        """Keep the process's further lines in its log only."""
        self._hidden.add(name)

    def last_words(self, name: str) -> str:
        """Give the last line that the process said, or "" if it said nothing."""
        lines = [line for line in self._last[name] if line and not line.startswith(NOISE)]
        return lines[-1][:300] if lines else ""

    def _keep(self, message: Message, text: str) -> None:
        if message.name not in self._logs:
            handler = RotatingFileHandler(
                self._log_dir / f"{message.name}.log", maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8"
            )
            self._logs[message.name] = handler
        line = f"{message.time:%Y-%m-%d %H:%M:%S} {text.rstrip()}"
        self._logs[message.name].emit(logging.makeLogRecord({"msg": line}))


def _runs(process: psutil.Process) -> bool:
    # A zombie is gone; only its new parent has not asked for its exit code yet.
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _code(returncode: int) -> str:
    return signal.Signals(-returncode).name if returncode < 0 else f"exit code {returncode}"
