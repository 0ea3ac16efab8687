"""Servers that run one at a time; the others are stopped meanwhile.

Idle peers took a quarter of two cores from whoever was measured. Stopped is meant as SIGSTOP means it: a
process keeps its memory and connections, and runs on after SIGCONT as if no time had passed. What watches
workers by the clock is told not to: see bench/peers/servers.py.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from bench.load import Measured, load
from bench.serving import Server, wait_for_answer
from launch.errors import LaunchError

# What a supervisor has asked its workers is answered within this time, once it asks no more.
SETTLE_S = 0.1
STOPPED_S, POLL_S = 10, 0.02
# Within this time a worker has ended what it began before another worker answered the last request.
LAST_BATCH_S = 0.5

Only = Callable[[Server | None], None]


@contextmanager
def one_at_a_time(servers: Sequence[Server]) -> Iterator[Only]:
    """Yield the function that lets one of the servers run and stops all others; None stops every one.

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
    """Return what so many clients measured while this server ran and no other.

    It begins and ends with an empty queue: what is left of an earlier load is not waited for in this one, and
    a batch that is worked on when the server is stopped might have timed out when it runs on.

    Raises:
        LaunchError, LoadError: the server does not answer.
    """
    only(server)
    wait_for_answer(server.url, files[0])
    measured = load(server.url, files, clients, seconds)
    wait_for_answer(server.url, files[0])
    time.sleep(LAST_BATCH_S)
    return measured


def family(pid: int) -> list[psutil.Process]:
    """Return a process and its descendants, itself first, without those that have ended."""
    found: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        found = [leader, *leader.children(recursive=True)]
    return [process for process in found if _status(process) != psutil.STATUS_ZOMBIE]


def stop(pid: int) -> None:
    """Stop a server with all its processes: first the one that watches the others, so that it misses none.

    Args:
        pid: as in Server; that it has ended is no error.

    Raises:
        LaunchError: some of them ran on for STOPPED_S.
    """
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        if leader.status() == psutil.STATUS_STOPPED:
            return
        leader.suspend()
    time.sleep(SETTLE_S)
    deadline = time.monotonic() + STOPPED_S
    # Again, as one of them may have started another before its turn came, and hears the signal only then.
    while running := [process for process in family(pid) if _status(process) != psutil.STATUS_STOPPED]:
        if time.monotonic() > deadline:
            raise LaunchError(
                f"SIGSTOP did not stop {running} within {STOPPED_S} s", "run nothing else meanwhile"
            )
        for process in running:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        time.sleep(POLL_S)


def resume(pid: int) -> None:
    """Let a stopped server run on, the one that watches the others last; one that runs is left as it is."""
    members = family(pid)
    if all(_status(process) != psutil.STATUS_STOPPED for process in members):
        return
    for some in (members[1:], members[:1]):
        for process in some:
            with suppress(psutil.NoSuchProcess):
                process.resume()
        time.sleep(SETTLE_S)


def _status(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return process.status()
    return psutil.STATUS_ZOMBIE
