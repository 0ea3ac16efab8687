"""Rounds of load over several servers, interleaved, so that whatever else the machine does hits all alike."""

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.measured import Measured


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
        rounds: every round's requests per second, in order.
    """

    server: str
    clients: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    generator_cpu_share: float
    failures: dict[int, int]
    rounds: tuple[float, ...]


def measure(
    urls: Mapping[str, str],
    clients: Sequence[int],
    rounds: int,
    load: Callable[[str, int], Measured],
    between: Callable[[], None],
    say: Callable[[str], None],
) -> list[Row]:
    """Give a row for each server and number of clients.

    Args:
        urls: the servers by name.
        clients: how many ask, one after the other.
        rounds: how often everything is measured.
        load: measures a URL under so many clients.
        between: called once a round, for what is measured along with the servers.
        say: told of the progress.
    """
    found: dict[tuple[str, int], list[Measured]] = {}
    for turn in range(1, rounds + 1):
        between()
        for count in clients:
            for name, url in urls.items():
                measured = load(url, count)
                found.setdefault((name, count), []).append(measured)
                say(
                    f"round {turn} of {rounds}, {count} clients, {name}: {measured.requests_per_s:,.0f} "
                    f"requests/s, p50 {measured.p50_ms:.1f} ms, p99 {measured.p99_ms:.1f} ms"
                )
    return [row_of(name, count, found[name, count]) for name in urls for count in clients]


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
        rounds=tuple(one.requests_per_s for one in measured),
    )
