"""The report on an overload: the table, and in words who used the CPU for it."""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.paired import ratio_of
from bench.pressure import OK, REFUSED, Pressure


@dataclass(frozen=True)
class Overload:
    """A server at its capacity and under far too many clients.

    Attributes:
        queue_size: TorchServe's job_queue_size.
        picture_bytes: the size of what was posted.
        capacity: under clients that all fit the queue, one a round.
        beyond: under far more, one a round.
    """

    queue_size: int
    picture_bytes: int
    capacity: tuple[Pressure, ...]
    beyond: tuple[Pressure, ...]


def markdown(found: Overload) -> str:
    """Give the table and what follows from it."""
    lines = [
        "| clients | offered/s | 200/s | 503/s | other | a newcomer's 200: p50, p99 ms | its 503: p50, p99 "
        "ms | generator's CPU | java's | workers' |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(_line(pressures) for pressures in (found.capacity, found.beyond)),
        "",
        f"CPU is in seconds per second, of {_cores()} cores. job_queue_size {found.queue_size}, a picture of "
        f"{found.picture_bytes:,} bytes, medians of {len(found.capacity)} rounds.",
        "",
        *(f"- {sentence}" for sentence in sentences(found)),
        "",
    ]
    return "\n".join(lines)


def sentences(found: Overload) -> list[str]:
    """Give what the overload did to throughput, and who used the CPU."""
    busy, beyond, clients = found.capacity, found.beyond, found.capacity[0].clients
    pairs = list(zip(beyond, busy, strict=True))
    kept = ratio_of([far.accepted_per_s / near.accepted_per_s for far, near in pairs])
    factor = statistics.median(far.offered_per_s / near.accepted_per_s for far, near in pairs)
    said = [
        f"Offered was {factor:.1f} times the capacity: as much as server and generator pass on when nobody "
        "who was refused waits.",
        f"Throughput was {kept} of that at {clients} clients: median of the rounds' ratios, and the interval "
        f"that holds it with {kept.confidence:.0%} confidence.",
        f"The generator took {_median('generator_cpu', beyond) / _cores():.0%} of the machine, at {clients} "
        f"clients {_median('generator_cpu', busy) / _cores():.0%}. In CPU seconds per second "
        + ", ".join(
            f"{name} {_median(figure, beyond) - _median(figure, busy):+.2f}"
            for name, figure in (
                ("it got", "generator_cpu"),
                ("java", "java_cpu"),
                ("the workers", "workers_cpu"),
            )
        )
        + ".",
    ]
    if all(one.refused_per_s for one in beyond):
        said.append(
            f"An accepted request cost the server {1e6 * _accepted_s(busy):.0f} us of CPU at {clients} "
            f"clients. If it did under overload as well, a 503 cost the server {1e6 * _refused_s(found):.0f} "
            f"us; any request cost the generator {1e6 * _asked_s(beyond):.0f} us."
        )
    return said


def _line(pressures: Sequence[Pressure]) -> str:
    rates = (
        f"{_median(name, pressures):,.0f}" for name in ("offered_per_s", "accepted_per_s", "refused_per_s")
    )
    shares = (f"{_median(name, pressures):.2f}" for name in ("generator_cpu", "java_cpu", "workers_cpu"))
    cells = [
        f"{pressures[0].clients:,}",
        *rates,
        f"{sum(one.other for one in pressures):,}",
        *(_newcomer(pressures, status) for status in (OK, REFUSED)),
        *shares,
    ]
    return f"| {' | '.join(cells)} |"


def _newcomer(pressures: Sequence[Pressure], status: int) -> str:
    """Give median and 99th percentile over all rounds, and of how many; "-" where there were none."""
    times_ms = [time for one in pressures for time in one.newcomer_ms.get(status, [])]
    if not times_ms:
        return "-"
    p50, p99 = np.percentile(times_ms, [50, 99])
    return f"{p50:.1f}, {p99:.1f} (of {len(times_ms):,})"


def _accepted_s(busy: Sequence[Pressure]) -> float:
    """Give the server's CPU seconds for an accepted request where nothing is refused."""
    return statistics.median((one.java_cpu + one.workers_cpu) / one.accepted_per_s for one in busy)


def _refused_s(found: Overload) -> float:
    """Give the server's CPU seconds for a 503: what is left when the accepted cost what they did before."""
    each_s = _accepted_s(found.capacity)
    return statistics.median(
        (one.java_cpu + one.workers_cpu - each_s * one.accepted_per_s) / one.refused_per_s
        for one in found.beyond
    )


def _asked_s(beyond: Sequence[Pressure]) -> float:
    return statistics.median(one.generator_cpu / one.offered_per_s for one in beyond)


def _median(figure: str, pressures: Sequence[Pressure]) -> float:
    """Give the median of one of Pressure's figures, by its name."""
    return float(statistics.median(getattr(one, figure) for one in pressures))


def _cores() -> int:
    return len(os.sched_getaffinity(0))
