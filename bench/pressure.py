"""One server under one load: what it took and refused, what a newcomer met, and who used the CPU for it.

The load is a closed loop, by wrk where it is installed: clients that ask again at once, whatever they are
answered. It cannot tell how long the accepted waited apart from the refused, so that another client asks
beside it, at fixed times and seldom: what happens to its requests happens to anybody who comes.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import psutil

from bench.load import load
from bench.measured import NO_ANSWER, Measured
from bench.open_loop import allow_files, offer
from bench.process_group import family
from bench.turns import Server

# A newcomer's requests a second, and as many connections as may wait for an answer: three seconds' worth.
PROBES_PER_S, PROBE_CONNECTIONS = 50, 150
# Until the queue is as full as it gets, nobody looks.
RAMP_S = 1.0
OK, REFUSED = 200, 503


@dataclass(frozen=True)
class Pressure:
    """What was measured under one load; CPU in seconds per second, all cores together.

    Attributes:
        clients: connections that ask again as soon as they are answered.
        accepted_per_s: answers with 200.
        refused_per_s: answers with 503.
        other: answers with another status, broken connections, and a newcomer's requests that got no turn.
        generator_cpu: what the load took from the server.
        java_cpu: TorchServe's front end.
        workers_cpu: its workers.
        newcomer_ms: latency of each of a newcomer's requests, by status.
    """

    clients: int
    accepted_per_s: float
    refused_per_s: float
    other: int
    generator_cpu: float
    java_cpu: float
    workers_cpu: float
    newcomer_ms: dict[int, list[float]]

    @property
    def offered_per_s(self) -> float:
        """Give how many requests were answered, one way or the other."""
        return self.accepted_per_s + self.refused_per_s


def press(server: Server, picture: bytes, clients: int, seconds: float) -> Pressure:
    """Give what a server did while so many clients asked it.

    Args:
        server: its process is java, that one's children are the workers.
        picture: the image file that everybody posts.
        clients: how many connections ask at the same time.
        seconds: for how long; more than RAMP_S.

    Raises:
        LoadError: nothing was answered.
        OSError: the server took no connections, or this process may not open as many.
    """
    allow_files(clients + PROBE_CONNECTIONS)
    with ThreadPoolExecutor(1) as pool:
        crowd = pool.submit(_crowd, server, picture, clients, seconds)
        time.sleep(RAMP_S)
        seen = offer(server.url, [picture], PROBES_PER_S, seconds - RAMP_S, PROBE_CONNECTIONS)
        measured, java_cpu, workers_cpu = crowd.result()
    refused = measured.failures.get(REFUSED, 0)
    broken = measured.failures.get(NO_ANSWER, 0)
    strange = sum(measured.failures.values()) - refused - broken
    return Pressure(
        clients=clients,
        accepted_per_s=measured.requests_per_s,
        refused_per_s=refused / measured.seconds,
        other=strange + broken + seen.unsent + seen.lost,
        generator_cpu=measured.generator_cpu_share + seen.generator_cpu_share,
        java_cpu=java_cpu,
        workers_cpu=workers_cpu,
        newcomer_ms=seen.times_ms,
    )


def _crowd(server: Server, picture: bytes, clients: int, seconds: float) -> tuple[Measured, float, float]:
    """Give what the crowd measured, and the CPU seconds a second that java and its workers used meanwhile."""
    java_before, workers_before = _cpu_s(server.pid)
    started = time.perf_counter()
    measured = load(server.url, [picture], clients, seconds)
    elapsed_s = time.perf_counter() - started
    java_after, workers_after = _cpu_s(server.pid)
    return measured, (java_after - java_before) / elapsed_s, (workers_after - workers_before) / elapsed_s


def _cpu_s(pid: int) -> tuple[float, float]:
    """Give the CPU seconds so far of a process, and of all that descend from it."""
    own = rest = 0.0
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            if process.pid == pid:
                own = times.user + times.system
            else:
                rest += times.user + times.system
    return own, rest
