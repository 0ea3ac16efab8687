"""Checks the simulation against this machine, and lets replicas follow a load: `python -m bench.simulate`.

Costs are taken from what one and the most clients cost in processor time; what is between, and all waits, is
then predicted and compared.
"""

import statistics
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil
import requests
from prometheus_client.parser import text_string_to_metric_families

from bench.follow import QUIET, followed, told
from bench.load import Measured, load
from bench.pictures import pictures
from bench.results import measuring, say, write
from bench.simulation import Costs, Curve, closed
from launch.temporary import TorchServe, running
from system.files import PROJECT
from training.options import parser_of, positive

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
WARM_UP_S, SECONDS = 20, 4
WORKER = "model_service_worker"


@dataclass(frozen=True)
class Spent:
    """What so many clients got, and what it cost.

    Attributes:
        clients: how many asked at once.
        load: what wrk measured.
        front_s: processor time of a request outside the workers, without wrk's, seconds.
        batch_s: processor time of a batch in the workers, seconds.
        batch: the mean number of requests in one.
        network_share: of a batch's time from files to answers, what the networks take.
    """

    clients: int
    load: Measured
    front_s: float
    batch_s: float
    batch: float
    network_share: float

    @property
    def request_s(self) -> float:
        """Processor time of a request, all in all, without wrk's."""
        return self.front_s + self.batch_s / self.batch

    @property
    def wrk_s(self) -> float:
        """Processor time of a request in wrk."""
        return self.load.generator_cpu_share * self.load.seconds / self.load.requests


def _totals(server: TorchServe) -> tuple[float, ...]:
    """Return processor seconds outside and in the workers so far, batches, requests in them, and seconds.

    The seconds are those of preprocessing, and those of the networks.
    """
    outside = inside = 0.0
    leader = psutil.Process(server.pid)
    for process in [leader, *leader.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # TorchServe's script that reads the machine's state has ended
            times, words = process.cpu_times(), process.cmdline()
            if any(WORKER in word for word in words):
                inside += times.user + times.system
            else:
                outside += times.user + times.system
    page = requests.get(server.handler_metrics_url, timeout=30).text
    found = {one.name: one.value for family in text_string_to_metric_families(page) for one in family.samples}
    names = ("batch_size_count", "batch_size_sum", "preprocess_seconds_sum", "network_seconds_sum")
    return outside, inside, *(found[f"handler_{name}"] for name in names)


def measure(rounds: int, clients: Sequence[int] = CLIENTS, warm_up_s: float = WARM_UP_S) -> list[list[Spent]]:
    """Return, for each number of clients, what each round measured; every other round goes backwards.

    Raises:
        LaunchError: TorchServe does not come up.
        LoadError: wrk is missing or failed.
    """
    files, found = pictures(), {count: [] for count in clients}  # type: ignore[var-annotated]
    with running(PROJECT / "model_store") as server:
        url = f"{server.inference_url}/predictions/digits"
        load(url, files, max(clients), warm_up_s)
        for turn in range(rounds):
            for count in clients if turn % 2 == 0 else clients[::-1]:
                before = _totals(server)
                measured = load(url, files, count, SECONDS)
                outside, inside, batches, items, frames_s, network_s = (
                    after - earlier for after, earlier in zip(_totals(server), before, strict=True)
                )
                spent = Spent(
                    count,
                    measured,
                    outside / items,
                    inside / batches,
                    items / batches,
                    network_s / (frames_s + network_s),
                )
                found[count].append(spent)
                say(f"{spent}")
    return list(found.values())


def median(rounds: Sequence[Spent]) -> Spent:
    """Return the round in the middle by throughput."""
    return sorted(rounds, key=lambda one: one.load.requests_per_s)[len(rounds) // 2]


def fitted(one: Spent, most: Spent) -> Costs:
    """Return the costs of what one client and the most clients measured.

    Args:
        one: with a single client: what a request waits that costs nothing.
        most: with so many that all processors are busy.
    """
    item_s = max((most.batch_s - one.batch_s) / max(most.batch - one.batch, 1e-9), 0.0)
    batch_s = max(one.batch_s - item_s * one.batch, 0.0)
    front_s = most.front_s + most.wrk_s
    cores = most.load.requests_per_s * (front_s + batch_s / most.batch + item_s)
    # Where others leave less than a core, all of it takes longer also for a client that is alone.
    busy_s = (front_s + one.batch_s) / min(1.0, cores)
    delay_s = Costs(0, 0, 0, 0).delay_s
    return Costs(front_s, batch_s, item_s, max(one.load.p50_ms / 1000 - delay_s - busy_s, 0.0), cores)


def compared(rows: Sequence[Spent], costs: Costs) -> str:
    """Return the table of what was measured and what the simulation says, and how far it is off."""
    lines = [
        "| clients | answers/s: measured | simulated | p50 ms: measured | simulated | p99 ms: measured "
        "| simulated |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    off: list[tuple[float, float]] = []
    for row in rows:
        real, model = row.load, closed(costs, row.clients)
        lines.append(
            f"| {row.clients} | {real.requests_per_s:,.0f} | {model.requests_per_s:,.0f} | "
            f"{real.p50_ms:.1f} | {model.p50_ms:.1f} | {real.p99_ms:.1f} | {model.p99_ms:.1f} |"
        )
        if row not in (rows[0], rows[-1]):
            off.append(_off(real, model))
    if off:
        rate, wait = (statistics.mean(values) for values in zip(*off, strict=True))
        worst = max(max(pair) for pair in off)
        lines += [
            "",
            f"Between the ends: off by {rate:.0%} (answers/s) and {wait:.0%} (p50), at most {worst:.0%}.",
        ]
    last = rows[-1]
    lines += [
        "",
        f"A request costs {1e6 * last.request_s:.0f} µs of a core with {last.clients} clients (front end "
        f"{1e6 * last.front_s:.0f}, workers {1e6 * last.batch_s / last.batch:.0f}), without wrk's "
        f"{1e6 * last.wrk_s:.0f}; {costs.cores:.2f} cores were to be had. Of a batch in the handler the "
        f"networks take {last.network_share:.0%}.",
    ]
    return "\n".join([*lines, ""])


def _off(real: Measured, model: Curve) -> tuple[float, float]:
    """Return by what share throughput and median latency are off."""
    return abs(model.requests_per_s / real.requests_per_s - 1), abs(model.p50_ms / real.p50_ms - 1)


def main() -> None:
    """Measure, simulate, compare, and let the autoscaler follow."""
    parser = parser_of("bench.simulate", __doc__)
    parser.add_argument("--rounds", type=positive, default=3, help="how often each is measured (%(default)s)")
    given = parser.parse_args()
    with measuring("simulate"):
        rows = [median(rounds) for rounds in measure(given.rounds)]
    costs = fitted(rows[0], rows[-1])
    parts = [
        compared(rows, costs),
        f"{costs}\n",
        f"Quiet: {closed(QUIET, rows[-1].clients)}\n",
        told(followed(QUIET)),
    ]
    write("simulate.md", "\n".join(parts))


if __name__ == "__main__":
    main()
