"""Servers that run one at a time: all others are stopped meanwhile, so that what is idle takes no CPU.

Stopped is meant as SIGSTOP means it: a process keeps its memory and connections, and runs on after SIGCONT
as if no time had passed. What watches workers by the clock is told not to: see bench/peers/servers.py.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from bench.load import load
from bench.measured import Measured
from bench.process_group import ServerError, family, wait_for_answer

# What a supervisor has asked its workers is answered within this time, once it asks no more.
SETTLE_S = 0.1
STOPPED_S, POLL_S = 10, 0.02
# Within this time a worker has ended what it began before another worker answered the last request.
LAST_BATCH_S = 0.5

Only = Callable[["Server | None"], None]


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        name: as tables have it.
        url: where it answers a picture.
        pid: the process that all its others descend from, or whose session they are in.
    """

    name: str
    url: str
    pid: int


@contextmanager
def one_at_a_time(servers: Sequence[Server]) -> Iterator[Only]:
    """Give the function that lets one of the servers run and stops all others; None stops every one.

    Afterwards all run again, as a stopped one could not end in order. To be entered after the servers are
    started, so that it is left before they are ended.
    """

    def only(server: Server | None) -> None:
        for other in servers:
            if other != server:
                stop(other.pid)
        if server is not None:
            resume(server.pid)

    try:
        yield only
    finally:
        for server in servers:
            resume(server.pid)


def load_alone(only: Only, server: Server, files: list[bytes], clients: int, seconds: float) -> Measured:
    """Give what so many clients measured while this server ran and no other.

    It begins and ends with an empty queue: what is left of an earlier load is not waited for in this one, and
    a batch that is worked on when the server is stopped might have timed out when it runs on.

    Raises:
        ServerError, LoadError: the server does not answer.
    """
    only(server)
    wait_for_answer(server.url, files[0])
    measured = load(server.url, files, clients, seconds)
    wait_for_answer(server.url, files[0])
    time.sleep(LAST_BATCH_S)
    return measured


def stop(pid: int) -> None:
    """Stop a server with all its processes: first the one that watches the others, so that it misses none.

    Args:
        pid: as in Server; that it has ended is no error.

    Raises:
        ServerError: some of them ran on for STOPPED_S.
    """
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        if leader.status() == psutil.STATUS_STOPPED:
            return
        leader.suspend()
    time.sleep(SETTLE_S)
    stopped: set[psutil.Process] = set()
    # Again, as one of them may have started another before its turn came.
    while running := set(family(pid)) - stopped:
        for process in running:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        stopped |= running
    # Where the machine is busy, a process hears the signal only when its turn comes.
    deadline = time.monotonic() + STOPPED_S
    while runs_on := [process for process in family(pid) if not _is_stopped(process)]:
        if time.monotonic() > deadline:
            raise ServerError(f"SIGSTOP did not stop {runs_on} within {STOPPED_S} s")
        time.sleep(POLL_S)


def resume(pid: int) -> None:
    """Let a stopped server run on, the one that watches the others last; one that runs is left as it is."""
    members = family(pid)
    if not any(_is_stopped(process) for process in members):
        return
    watched = [process for process in members if process.pid != pid]
    for process in watched:
        with suppress(psutil.NoSuchProcess):
            process.resume()
    time.sleep(SETTLE_S)
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            process.resume()


def _is_stopped(process: psutil.Process) -> bool:
    """Give whether a process is stopped, or has ended: neither takes CPU."""
    with suppress(psutil.NoSuchProcess):
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    return True
