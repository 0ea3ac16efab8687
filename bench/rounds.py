"""Rounds of load over several servers, interleaved, so that whatever else the machine does hits all alike.

Every other round goes backwards, so that none is always measured after the same other.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.load import Measured
from bench.results import say
from bench.serving import Server


@dataclass(frozen=True)
class Row:
    """One server under one number of clients: medians of the rounds.

    Attributes:
        server: its name.
        clients: how many asked at the same time.
        requests_per_s: answers with 2xx per second.
        p50_ms: latency.
        p99_ms: latency.
        generator_cpu_share: wrk's CPU seconds per second.
        failures: answers by status, of all rounds together.
    """

    server: str
    clients: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    generator_cpu_share: float
    failures: dict[int, int]


def measure(
    servers: Sequence[Server],
    clients: Sequence[int],
    rounds: int,
    load: Callable[[Server, int], Measured],
    between: Callable[[], None],
) -> list[Row]:
    """Return a row for each server and number of clients.

    Args:
        servers: what is measured.
        clients: how many ask, one after the other.
        rounds: how often everything is measured.
        load: measures a server under so many clients.
        between: called once a round, for what is measured along with the servers.
    """
    found: dict[tuple[str, int], list[Measured]] = {}
    for turn in range(1, rounds + 1):
        between()
        for count in clients:
            for server in servers if turn % 2 else reversed(servers):
                measured = load(server, count)
                found.setdefault((server.name, count), []).append(measured)
                say(
                    f"round {turn} of {rounds}, {count} clients, {server.name}: "
                    f"{measured.requests_per_s:,.0f} requests/s, p50 {measured.p50_ms:.1f} ms, "
                    f"p99 {measured.p99_ms:.1f} ms"
                )
    return [row_of(server.name, count, found[server.name, count]) for server in servers for count in clients]


def row_of(server: str, clients: int, measured: Sequence[Measured]) -> Row:
    """Return the medians of the rounds."""
    failures: Counter[int] = Counter()
    for one in measured:
        failures.update(one.failures)
    rate, p50_ms, p99_ms, cpu_share = (
        statistics.median(getattr(one, figure) for one in measured)
        for figure in ("requests_per_s", "p50_ms", "p99_ms", "generator_cpu_share")
    )
    return Row(server, clients, rate, p50_ms, p99_ms, cpu_share, dict(failures))
