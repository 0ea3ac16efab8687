"""What happens when far more requests come than can be answered, as `python -m bench.throughput` measures it.

Clients that fill the queue, and a thousand more that ask again as soon as they are refused: the surplus is as
large as server and wrk together can pass on. Each round measures the server's capacity as well, with the same
picture, so that the ratio is one under the same conditions. wrk cannot tell how long the accepted waited from
how long the refused did; a few newcomers beside it can, and what happens to theirs happens to anybody's.

The queue bounds the latency of what is accepted: a full one takes job_queue_size / capacity to work off.
"""

import re
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import requests

from bench.load import NO_ANSWER, TIMEOUT_S, Measured, load
from bench.results import say
from bench.serving import PNG, wait_for_answer
from client.session import local_session
from launch.torchserve import CONFIG

BUSY_CLIENTS = 64
# More than any queue that is measured, so that there is always somebody left to be refused.
SURPLUS_CLIENTS = 1000
# Too few and too seldom to be a load themselves; they begin when the queue is as full as it gets.
NEWCOMERS, PAUSE_S, RAMP_S = 8, 0.2, 1.0
OK, REFUSED = 200, 503


@dataclass(frozen=True)
class Pressure:
    """What was measured under one load.

    Attributes:
        crowd: what the clients measured that ask again as soon as they are answered.
        newcomers: status and latency in ms of each of the newcomers' requests; NO_ANSWER where none came.
    """

    crowd: Measured
    newcomers: list[tuple[int, float]]

    @property
    def refused_per_s(self) -> float:
        """Return the rate of answers with 503."""
        return self.crowd.failures.get(REFUSED, 0) / self.crowd.seconds


Pairs = Sequence[tuple[Pressure, Pressure]]  # at capacity and beyond it, a pair a round


def measure(url: str, files: list[bytes], queue_size: int, rounds: int, seconds: float) -> Pairs:
    """Return how a server behaved at its capacity and beyond it.

    Args:
        url: where a warm TorchServe answers.
        files: pictures, of which the smallest is posted: the surplus should cost wrk little.
        queue_size: its job_queue_size.
        rounds: how often both are measured.
        seconds: of each measurement; at least twice RAMP_S.

    Raises:
        LoadError, OSError: it answered nothing, or took no connections.
        LaunchError: it did not recover.
    """
    picture, seconds, found = min(files, key=len), max(seconds, 2 * RAMP_S), []
    for turn in range(1, rounds + 1):
        near = press(url, picture, BUSY_CLIENTS, seconds)
        far = press(url, picture, clients_beyond(queue_size), seconds)
        wait_for_answer(url, picture)  # the queue is empty again
        found.append((near, far))
        say(
            f"overload, round {turn} of {rounds}: {near.crowd.requests_per_s:,.0f} accepted/s at capacity; "
            f"beyond it {far.crowd.requests_per_s:,.0f} accepted/s, {far.refused_per_s:,.0f} refused/s"
        )
    return found


def press(url: str, picture: bytes, clients: int, seconds: float) -> Pressure:
    """Return what a server did while so many clients asked it for so long, which is more than RAMP_S."""
    over, seen = threading.Event(), []

    def newcomer() -> None:
        with local_session() as session:
            while not over.wait(PAUSE_S):
                began, status = time.perf_counter(), NO_ANSWER
                try:
                    status = session.post(url, data=picture, headers=PNG, timeout=TIMEOUT_S).status_code
                except requests.RequestException as error:
                    say(f"a newcomer got no answer: {error}")
                seen.append((status, 1000 * (time.perf_counter() - began)))

    with ThreadPoolExecutor(NEWCOMERS + 1) as pool:
        try:
            crowd = pool.submit(load, url, [picture], clients, seconds)
            time.sleep(RAMP_S)
            for _ in range(NEWCOMERS):
                pool.submit(newcomer)
            measured = crowd.result()
        finally:
            over.set()
    return Pressure(measured, seen)


def markdown(found: Pairs, queue_size: int) -> str:
    """Return the table and what follows from it."""
    kept = sorted(far.crowd.requests_per_s / near.crowd.requests_per_s for near, far in found)
    lines = [
        "| clients | 200/s | 503/s | other | newcomers' 200: p50, p99 ms | 503: p50, p99 ms | wrk's CPU |",
        "|--:|--:|--:|--:|--:|--:|--:|",
        *map(_line, (BUSY_CLIENTS, clients_beyond(queue_size)), zip(*found, strict=True)),
        "",
        f"- Throughput was {statistics.median(kept):.3f} ({kept[0]:.3f} to {kept[-1]:.3f}) of that at "
        f"{BUSY_CLIENTS} clients: median, lowest and highest of {len(kept)} rounds' ratios.",
        f"- job_queue_size {queue_size}, medians of the rounds, wrk's CPU in shares of a core.",
        "",
    ]
    return "\n".join(lines)


def _line(clients: int, pressures: Sequence[Pressure]) -> str:
    failures = [failed for one in pressures for failed in one.crowd.failures.items()]
    cells = [
        f"{clients:,}",
        f"{statistics.median(one.crowd.requests_per_s for one in pressures):,.0f}",
        f"{statistics.median(one.refused_per_s for one in pressures):,.0f}",
        f"{sum(number for status, number in failures if status != REFUSED):,}",
        *(_newcomers(pressures, status) for status in (OK, REFUSED)),
        f"{statistics.median(one.crowd.generator_cpu_share for one in pressures):.0%}",
    ]
    return f"| {' | '.join(cells)} |"


def _newcomers(pressures: Sequence[Pressure], status: int) -> str:
    """Return median and 99th percentile over all rounds, and of how many; "-" where there were none."""
    times_ms = [time_ms for one in pressures for code, time_ms in one.newcomers if code == status]
    if not times_ms:
        return "-"
    p50, p99 = np.percentile(times_ms, [50, 99])
    return f"{p50:.1f}, {p99:.1f} (of {len(times_ms):,})"


def clients_beyond(queue_size: int) -> int:
    """Return how many clients fill a queue, and are left to be refused."""
    return queue_size + SURPLUS_CLIENTS


def configured_queue_size() -> int:
    """Return the job_queue_size of config.properties.

    Raises:
        ValueError: it has none.
    """
    found = re.search(r"^job_queue_size=(\d+)", CONFIG.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{CONFIG} sets no job_queue_size: add a line such as job_queue_size=1000")
    return int(found[1])
