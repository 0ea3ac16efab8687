"""What happens at ten times capacity, and how long the queue may be: `python -m bench.overload`.

The queue bounds the latency of what is accepted: a full one takes job_queue_size / capacity to work off.
"""

import argparse
import re
import sys
from dataclasses import dataclass

import numpy as np

from bench.load import LoadError, load
from bench.measured import Measured
from bench.open_loop import Answered, offer
from bench.pictures import pictures
from bench.process_group import wait_for_answer
from launch.errors import LaunchError
from launch.settings import PROJECT
from launch.temporary import end_in_order_when_told, running
from launch.torchserve import CONFIG

FACTOR = 10
BUSY_CLIENTS = 64
# More than any queue that is measured, so that there is always somebody left to be refused.
SPARE_CONNECTIONS = 1000
OK, REFUSED = 200, 503


@dataclass(frozen=True)
class Overload:
    """A server under far too many requests.

    Attributes:
        queue_size: TorchServe's job_queue_size.
        capacity_per_s: what it answers to BUSY_CLIENTS clients.
        offered_per_s: what it was asked.
        accepted_per_s: what it answered with 200 meanwhile.
        accepted_p50_ms: latency of the accepted.
        accepted_p99_ms: latency of the accepted.
        refused_per_s: what it answered with 503 meanwhile.
        refused_p50_ms: time until a 503.
        refused_p99_ms: time until a 503.
        other: answers with another status, and requests whose connection ended.
        unsent: requests that were due while every connection waited.
        generator_cpu_share: CPU that the generator took from the server, seconds per second.
    """

    queue_size: int
    capacity_per_s: float
    offered_per_s: float
    accepted_per_s: float
    accepted_p50_ms: float
    accepted_p99_ms: float
    refused_per_s: float
    refused_p50_ms: float
    refused_p99_ms: float
    other: int
    unsent: int
    generator_cpu_share: float


def overload(url: str, files: list[bytes], busy: Measured, queue_size: int, seconds: float) -> Overload:
    """Give how a server behaved at FACTOR times what it answered to BUSY_CLIENTS clients.

    Raises:
        OSError: it took no connections.
        ServerError: it did not recover.
    """
    rate = FACTOR * busy.requests_per_s
    answered = offer(url, files, rate, seconds, queue_size + SPARE_CONNECTIONS)
    wait_for_answer(url, files[0])
    return overload_of(answered, busy.requests_per_s, queue_size)


def overload_of(answered: Answered, capacity_per_s: float, queue_size: int) -> Overload:
    """Give the figures of one overload; NaN for the latency of what did not occur."""
    accepted, refused = answered.times_ms.get(OK, []), answered.times_ms.get(REFUSED, [])
    others = sum(len(times) for status, times in answered.times_ms.items() if status not in (OK, REFUSED))
    # The queue is worked off after the last request was sent: that time counts, too.
    queued_s = max(accepted, default=0.0) / 1000
    return Overload(
        queue_size=queue_size,
        capacity_per_s=capacity_per_s,
        offered_per_s=answered.offered_per_s,
        accepted_per_s=len(accepted) / (answered.seconds + queued_s),
        accepted_p50_ms=_percentile(accepted, 50),
        accepted_p99_ms=_percentile(accepted, 99),
        refused_per_s=len(refused) / answered.seconds,
        refused_p50_ms=_percentile(refused, 50),
        refused_p99_ms=_percentile(refused, 99),
        other=others + answered.lost,
        unsent=answered.unsent,
        generator_cpu_share=answered.generator_cpu_share,
    )


def configured_queue_size() -> int:
    """Give the job_queue_size of config.properties.

    Raises:
        ValueError: it has none.
    """
    found = re.search(r"^job_queue_size=(\d+)", CONFIG.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{CONFIG} sets no job_queue_size: add a line such as job_queue_size=1000")
    return int(found[1])


def markdown(rows: list[Overload]) -> str:
    """Give the table."""
    lines = [
        f"| job_queue_size | {BUSY_CLIENTS} clients: 200/s | offered/s | 200/s | p50, p99 ms | 503/s | "
        "p50, p99 ms | other | not sent | generator's CPU |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        lines.append(
            f"| {row.queue_size} | {row.capacity_per_s:,.0f} | {row.offered_per_s:,.0f} | "
            f"{row.accepted_per_s:,.0f} ({row.accepted_per_s / row.capacity_per_s:.0%}) | "
            f"{row.accepted_p50_ms:.0f}, {row.accepted_p99_ms:.0f} | {row.refused_per_s:,.0f} | "
            f"{row.refused_p50_ms:.1f}, {row.refused_p99_ms:.1f} | {row.other:,} | {row.unsent:,} | "
            f"{row.generator_cpu_share:.0%} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure each queue size with a server of its own and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.overload", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--queue-sizes", type=int, nargs="+", default=[100, 500, 1000, 2000])
    parser.add_argument("--seconds", type=float, default=10, help="of overload, for each size")
    parser.add_argument("--warm-up", type=float, default=30, help="seconds of load before")
    given = parser.parse_args()
    files, rows = pictures(), []
    end_in_order_when_told()
    try:
        for size in given.queue_sizes:
            with running(PROJECT / "model_store", TS_JOB_QUEUE_SIZE=str(size)) as server:
                url = f"{server.inference_url}/predictions/digits"
                load(url, files, BUSY_CLIENTS, given.warm_up)
                busy = load(url, files, BUSY_CLIENTS, given.seconds)
                rows.append(overload(url, files, busy, size, given.seconds))
                print(f"job_queue_size {size} is measured", file=sys.stderr)
    except (LaunchError, LoadError, OSError) as error:
        sys.exit(f"bench.overload: {error}")
    print(markdown(rows))


def _percentile(times_ms: list[float], percent: int) -> float:
    return float(np.percentile(times_ms, percent)) if times_ms else float("nan")


if __name__ == "__main__":
    main()
