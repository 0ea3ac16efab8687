"""The simulation is right where the answer is known, and takes its costs from what was measured."""

import random
import re
import sys

import pytest

from bench import follow, simulate
from bench.autoscaler import deployed
from bench.load import Measured
from bench.simulate import Spent, compared, fitted
from bench.simulation import Costs, Instance, closed

COSTS = Costs(front_s=0.0002, batch_s=0.001, item_s=0.0003, handover_s=0.0005, cores=1.5)


def open_load(costs: Costs, per_s: float, seconds: float, seed: int = 0) -> tuple[float, float, int]:
    """Return the mean number in flight, the 99th percentile of latency in ms, and how many were refused.

    Requests come at random (Poisson), whatever becomes of those before.
    """
    instance, latencies, draw = Instance(costs), list[float](), random.Random(seed)
    coming_s = draw.expovariate(per_s)
    while instance.now_s < seconds:
        now_s = instance.next_s()
        if coming_s <= now_s:
            instance.come(coming_s)
            coming_s += draw.expovariate(per_s)
            continue
        latencies += [now_s - came_s + costs.handover_s for came_s in instance.go_on(now_s)]
    ranked = sorted(latencies)
    return sum(latencies) / instance.now_s, 1000 * ranked[int(len(ranked) * 0.99)], instance.refused


def test_a_lone_client_waits_for_everything_once() -> None:
    seen = closed(COSTS, 1, requests=400)
    assert seen.p50_ms == pytest.approx(0.2 + 1 + 1 + 0.3 + 0.5)
    assert seen.requests_per_s == pytest.approx(1000 / 3.0, rel=0.01)


def test_a_single_worker_without_batches_is_the_queue_of_the_books() -> None:
    # M/D/1, by Pollaczek and Khinchine: rho + rho^2 / (2 (1 - rho)) are there.
    plain = Costs(0, 0, 0.01, 0, workers=1, batch=1, queue=10_000)
    for rho in (0.5, 0.8):
        in_flight, _, refused = open_load(plain, rho / 0.01, 400)
        assert in_flight == pytest.approx(rho + rho**2 / (2 * (1 - rho)), rel=0.1)
        assert refused == 0


def test_many_clients_get_what_the_cores_can_do() -> None:
    full = COSTS.cores / (COSTS.front_s + COSTS.item_s + COSTS.batch_s / COSTS.batch)
    assert closed(COSTS, 128).requests_per_s == pytest.approx(full, rel=0.05)


def test_what_does_not_fit_the_queue_is_refused() -> None:
    slow = Costs(0, 0, 0.01, 0, queue=50)
    in_flight, p99_ms, refused = open_load(slow, 400, 10)
    assert refused == pytest.approx(200 * 10, rel=0.15)
    # 50 that wait, and two batches of 16 that are worked on, at 200 a second.
    assert in_flight < 50 + 3 * 16
    assert p99_ms < 1000 * (50 + 3 * 16) / 200


def spent(clients: int, batch: float) -> Spent:
    """Return what clients would measure on a machine that is as COSTS say, wrk's share being nothing."""
    seen = closed(COSTS, clients)
    measured = Measured(seen.requests_per_s, seen.p50_ms, seen.p99_ms, 1000, {}, 0.0, 1.0)
    return Spent(clients, measured, COSTS.front_s, COSTS.batch_s + COSTS.item_s * batch, batch, 0.25)


def test_costs_are_found_again_in_what_they_make() -> None:
    ends = spent(1, 1), spent(128, 16)
    found = fitted(*ends)
    assert (found.front_s, found.batch_s, found.item_s) == pytest.approx((0.0002, 0.001, 0.0003))
    assert found.handover_s == pytest.approx(0.0005)
    assert found.cores == pytest.approx(COSTS.cores, rel=0.05)
    said = compared([ends[0], spent(8, 4), ends[1]], found)
    assert re.search(r"Between the ends: off by [0-3]% \(answers/s\) and [0-3]% \(p50\)", said), said
    assert "A request costs 562 µs of a core with 128 clients (front end 200, workers 362)" in said
    assert "the networks take 25%" in said


def test_replicas_come_with_a_crowd_and_go_after_it() -> None:
    slow = Costs(0.001, 0.01, 0.016, 0.001)  # about 110 a second
    looks = follow.followed(slow, [(60, 20), (180, 300), (540, 20)])
    least = deployed().least
    counts = [look.replicas for look in looks]
    assert counts[:5] == [least] * 5, "nobody knows before they come"
    assert max(counts) >= 3
    assert counts[-1] == least
    # The crowd goes with the 240th second, and what it needed stays for five minutes.
    assert min(look.replicas for look in looks if 300 < look.at_s < 420) >= 3
    assert f"| {max(counts)} |" in follow.told(looks)


def test_nonsense_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["simulate", "--rounds", "0"])
    with pytest.raises(SystemExit) as refused:
        simulate.main()
    assert refused.value.code == 2
