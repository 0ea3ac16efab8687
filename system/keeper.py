"""Run one command, and leave none of its processes behind, however it, its caller or the keeper ends.

    python -m system.keeper STOP_S COMMAND ...

A SIGTERM, or the end of its standard input, is passed on as a SIGTERM to the command, which is killed STOP_S
seconds later. When the command has ended, what it started and left running is ended, too, and then the keeper
ends as the command did: with its exit code, or of the same signal. The standard input is a pipe that only the
caller can write to (`processes.lifeline`), and that therefore ends when the caller is killed.
"""

import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from typing import NoReturn

import psutil

from system.stopping import STOPS

STOP_S = 12  # for the command after SIGTERM; TorchServe takes 2.4 s at rest
LEAVE_S = 3  # for what outlived the command; PostgreSQL's processes go by themselves
POLL_S = 0.02
KILLED = "did not end after SIGTERM and was killed"  # what is said of such a command
STDIN, STDOUT = 0, 1
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ended, so that `sweep` finds them.

    The workers of a java that was killed are such. Nothing but on Linux.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def hear(*signals: signal.Signals) -> int:
    """Return a file descriptor from which the number of each signal that comes can be read as a byte.

    That ends a wait for it whichever thread the kernel chose; a handler waits for the main thread to wake.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in signals:
        signal.signal(number, lambda *_: None)
    return reading


def sweep(patience_s: float = 0) -> None:
    """End all descendants of this process: SIGTERM where there is patience, then SIGKILL."""
    for signum, timeout_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, STOP_S)):
        told: set[psutil.Process] = set()
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and (family := psutil.Process().children(recursive=True)):
            for process in set(family) - told:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signum)
                    process.resume()  # one that is stopped would not hear it
            told.update(family)
            time.sleep(POLL_S)
            _reap()


def main() -> None:
    """Run the command that the arguments are, and end as it does."""
    stop_s, *command = sys.argv[1:]
    adopt_orphans()
    heard = hear(*STOPS, signal.SIGCHLD)
    try:
        # SIGTERM, since a keeper that is killed cannot give more than that any more.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM)
        )
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started ({error.strerror})")
    code = _until_it_ends(process.pid, heard, float(stop_s))
    sweep(LEAVE_S)
    end_alike(code)


def _until_it_ends(pid: int, heard: int, stop_s: float) -> int:
    """Return the command's exit code, -N where signal N ended it; end it when told to."""
    sources, deadline = [STDIN, heard], float("inf")
    while True:
        wait_s = None if deadline == float("inf") else max(0, deadline - time.monotonic())
        ready, _, _ = select.select(sources, [], [], wait_s)
        is_told = heard in ready and not set(os.read(heard, 64)).isdisjoint(STOPS)
        if STDIN in ready and not os.read(STDIN, 64):
            sources.remove(STDIN)
            is_told = True
        code = _reap().get(pid)
        if code is not None:
            return code
        # Not waited for yet, so that the process id is still the command's.
        if is_told and deadline == float("inf"):
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGCONT)  # one that is stopped would not hear it
            deadline = time.monotonic() + stop_s
        elif time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            with suppress(OSError):  # nobody reads it where the caller is gone
                os.write(STDOUT, f"{KILLED}\n".encode())
            deadline += stop_s


def _reap() -> dict[int, int]:
    """Return process id and exit code of each child that ended, adopted ones included."""
    codes = {}
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            codes[ended[0]] = os.waitstatus_to_exitcode(ended[1])
    return codes


def die_with(parent: int, signum: signal.Signals) -> None:
    """Ask the kernel to send this process the signal when its parent ends; nothing but on Linux."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signum))
    if os.getppid() != parent:  # it ended before the call
        os.kill(os.getpid(), signum)


def end_alike(code: int) -> NoReturn:
    """End this process with the exit code, or of signal N where it is -N."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the command has left its own
        with suppress(OSError):  # SIGKILL has no handler to be set
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
