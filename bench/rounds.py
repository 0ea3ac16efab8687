"""Rounds of load over several servers, interleaved, so that whatever else the machine does hits all alike.

Every other round goes backwards, so that none is always measured after the same other.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.measured import Measured
from bench.turns import Server


@dataclass(frozen=True)
class Row:
    """One server under one number of clients, over all rounds.

    Attributes:
        server: its name.
        clients: how many asked at the same time.
        requests_per_s: answers with 2xx per second, the median of the rounds; so are the next three.
        p50_ms: latency.
        p99_ms: latency.
        generator_cpu_share: the generator's CPU seconds per second.
        failures: answers by status, of all rounds together.
        rounds: every round's measurement, in order.
    """

    server: str
    clients: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    generator_cpu_share: float
    failures: dict[int, int]
    rounds: tuple[Measured, ...]


def measure(
    servers: Sequence[Server],
    clients: Sequence[int],
    rounds: int,
    load: Callable[[Server, int], Measured],
    between: Callable[[], None],
    say: Callable[[str], None],
) -> list[Row]:
    """Give a row for each server and number of clients.

    Args:
        servers: what is measured.
        clients: how many ask, one after the other.
        rounds: how often everything is measured.
        load: measures a server under so many clients.
        between: called once a round, for what is measured along with the servers.
        say: told of the progress.
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
    """Give the medians of the rounds."""
    failures: Counter[int] = Counter()
    for one in measured:
        failures.update(one.failures)
    return Row(
        server=server,
        clients=clients,
        requests_per_s=statistics.median(one.requests_per_s for one in measured),
        p50_ms=statistics.median(one.p50_ms for one in measured),
        p99_ms=statistics.median(one.p99_ms for one in measured),
        generator_cpu_share=statistics.median(one.generator_cpu_share for one in measured),
        failures=dict(failures),
        rounds=tuple(measured),
    )
