"""Supervise the platform's processes: restart one that ends, and end all of them together."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from launch.errors import LaunchError
from launch.output import Output
from system.files import PROJECT
from system.keeper import LEAVE_S, STOP_S, adopt_orphans, hear, sweep
from system.processes import end, kept, lifeline, until

FIRST_TO_STOP = "ui"  # it still hands its last records to PostgreSQL
FIRST_STOP_S = 8  # it answers what was asked, for 7 s at most
LAST_WORDS_S = 5  # for the output of one that ended to be read
# TorchServe logs the end of each worker with a stack trace, also when all of it is being stopped.
NOISY_STOP = "torchserve"
SPEAKER = "launcher"
# A part that ended is started again after 1, 2, 4, 8 and 16 s; then it is given up. One that was ready for a
# minute begins anew with 1 s.
FIRST_PAUSE_S = 1.0
MOST_RESTARTS = 5
STEADY_S = 60.0


@dataclass(frozen=True)
class Part:
    """One of the platform's programs.

    Attributes:
        name: how it is called on the terminal; its output is in `<name>.log`.
        command: what starts it, in the project's folder.
        environ: its whole environment.
        is_ready: says whether it does its work now; asked until it does, and may take seconds to answer.
        ready_s: within how many seconds after a restart it must do so.
        stop_s: how many seconds it may take to end before it is killed.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    is_ready: Callable[[], bool]
    ready_s: float
    stop_s: float = STOP_S


class Platform:
    """The running parts.

    Until `restart_from_now_on` the end of a part ends all: what does not start once will not start later.

    Args:
        log_dir: where each part's output is kept.
        parts: what to run.
        started: called in a thread of its own once all are started; its LaunchError stops them.
    """

    def __init__(self, log_dir: Path, parts: Sequence[Part], started: Callable[["Platform"], None]) -> None:
        self.log_dir = log_dir
        self._parts = parts
        self._started = started
        self._output = Output(log_dir, [SPEAKER, *(part.name for part in parts)])
        self._stopping = threading.Event()
        self._restarting = threading.Event()
        self._lock = threading.Lock()
        self._problem: LaunchError | None = None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def run(self) -> None:
        """Run until a signal or a failure; leave no process behind.

        Raises:
            LaunchError: when it was not a signal that ended it.
        """
        adopt_orphans()
        heard = hear(signal.SIGINT, signal.SIGTERM)
        with lifeline() as stdin:
            keeping = [self._thread(partial(self._keep, part, stdin)) for part in self._parts]
            starting = self._thread(partial(self._started, self))
            os.read(heard, 1)
            self._stop(keeping)
            sweep()
            starting.join(STOP_S)
        if self._problem is not None:
            raise self._problem

    def fail(self, problem: LaunchError) -> None:
        """Stop everything because of the problem, which `run` then raises; the first one counts."""
        with self._lock:
            if self._problem is None and not self.stopping:
                self._problem = problem
                os.kill(os.getpid(), signal.SIGTERM)

    @property
    def stopping(self) -> bool:
        """Say whether the parts are being stopped."""
        return self._stopping.is_set()

    def restart_from_now_on(self) -> None:
        """Start a part again when it ends: all of them were ready once."""
        self._restarting.set()

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=self._guard, args=(work,), daemon=True)
        thread.start()
        return thread

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except LaunchError as error:
            self.fail(error)
        except Exception as error:  # would end this thread unseen and leave the platform half running
            self.fail(LaunchError(f"{type(error).__name__}: {error}", "this is a bug in launch/; report it"))
            raise

    def _keep(self, part: Part, stdin: int) -> None:
        """Run the part until the platform stops.

        Raises:
            LaunchError: it ended before the platform was ready, or too often.
        """
        ends, ended_at = 0, 0.0
        while process := self._start(part, stdin):
            reading = self._thread(partial(self._read, part.name, process))
            ready_at = time.monotonic()
            if ends:
                ready_at = self._wait_until_ready(part, process, ended_at)
            process.wait()
            ended_at = time.monotonic()
            _end_session(process.pid)
            reading.join(LAST_WORDS_S)
            if self.stopping:
                return
            end = self._how_it_ended(part.name, process)
            if not self._restarting.is_set():
                raise self._failure(part.name, "could not start", end)
            ends = 1 if ended_at - ready_at > STEADY_S else ends + 1
            if ends > MOST_RESTARTS:
                given_up = f"did not stay up after {MOST_RESTARTS} restarts"
                raise self._failure(part.name, given_up, f"{given_up}: it {end}")
            self._output.write(SPEAKER, f"{part.name} {end}")
            pause_s = FIRST_PAUSE_S * 2 ** (ends - 1)
            self._output.write(SPEAKER, f"restarting {part.name} in {pause_s:g} s")
            self._stopping.wait(pause_s)

    def _start(self, part: Part, stdin: int) -> subprocess.Popen[bytes] | None:
        """Return the part's new keeper, None where the platform stops."""
        with self._lock:
            if self.stopping:
                return None
            self._output.forget(part.name)
            process = subprocess.Popen(
                kept(part.command, part.stop_s),
                cwd=PROJECT,
                env=dict(part.environ),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A Ctrl-C in the terminal is for the launcher, which stops the parts in order.
                start_new_session=True,
            )
            self._processes[part.name] = process
            return process

    def _read(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._output.write(name, line.decode("utf-8", "replace"))

    def _wait_until_ready(self, part: Part, process: subprocess.Popen[bytes], ended_at: float) -> float:
        """Return when the restarted part was ready, infinity where it ends or is ended before it is."""

        def is_over() -> bool:
            return process.poll() is not None or self.stopping

        is_ready = until(lambda: is_over() or part.is_ready(), part.ready_s)
        if is_over():
            return float("inf")
        if not is_ready:
            self._output.write(SPEAKER, f"{part.name} was not ready within {part.ready_s:g} s")
            process.terminate()
            return float("inf")
        now = time.monotonic()
        self._output.write(SPEAKER, f"{part.name} is back, {now - ended_at:.1f} s after it ended")
        return now

    def _how_it_ended(self, name: str, process: subprocess.Popen[bytes]) -> str:
        code = process.returncode
        how = f"ended with {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"
        words = self._output.last_words(name)
        return f'{how} after "{words}"' if words else how

    def _failure(self, name: str, what: str, end: str) -> LaunchError:
        """Return the cause and fix that the part's last words are, else how it ended."""
        words = self._output.last_words(name)
        if words.startswith("cause: "):
            cause, _, fix = words.removeprefix("cause: ").partition("; fix: ")
            return LaunchError(f"{name} {what}: {cause}", fix)
        return LaunchError(f"{name} {end}", f"see {self._output.log(name)}")

    def _stop(self, keeping: Sequence[threading.Thread]) -> None:
        """End the parts, the page before the rest."""
        with self._lock:
            self._stopping.set()
        self._output.hide(NOISY_STOP)
        first = self._processes.get(FIRST_TO_STOP)
        if first is not None:
            end(first, (signal.SIGTERM, FIRST_STOP_S))
        for process in self._processes.values():
            process.terminate()
        deadline = time.monotonic() + max(part.stop_s for part in self._parts) + 2 * LEAVE_S
        for thread in keeping:
            thread.join(max(0, deadline - time.monotonic()))


def _end_session(leader: int) -> None:
    """Kill what a keeper left, which it does only where it was killed itself."""
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == leader:
                process.kill()
                left.append(process)
    psutil.wait_procs(left, timeout=STOP_S)
