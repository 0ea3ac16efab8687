"""Replicas in the simulation that follow a load, as the deployed autoscaler decides."""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bench.autoscaler import PERIOD_S, Autoscaler, deployed
from bench.simulation import Costs, Instance

# The load that replicas follow: seconds and requests a second.
LOAD = ((120, 500.0), (240, 4000.0), (480, 500.0))
# A replica on two quiet cores, as docs/measurements.md has it: 700 µs of processor time a request with many
# clients, 550 of them in the workers; 800 in the handler for a batch of one; and 2.9 ms for a client alone.
QUIET = Costs(front_s=0.00015, batch_s=0.00027, item_s=0.00053, handover_s=0.00095)
# From a decision until the new replica answers: a node that has room and the image.
START_S, WINDOW_S = 30.0, 60.0


@dataclass(frozen=True)
class Look:
    """What the autoscaler saw and did; `refused` since the look before."""

    at_s: float
    per_s: float
    replicas: int
    in_flight: float
    p99_ms: float
    refused: int


def followed(costs: Costs, load_of: Sequence[tuple[float, float]] = LOAD) -> list[Look]:
    """Return each look of the deployed autoscaler while the load changes.

    Requests come at random (Poisson) and are spread evenly, so that one replica stands for all, with its
    share of them. One that is new takes its share START_S after it was decided on.
    """
    scaler = Autoscaler(deployed())
    replicas = ready = scaler.scaling.least
    instance, looks, starting = Instance(costs), [], deque[tuple[float, int]]()
    answered: deque[tuple[float, float]] = deque()
    now_s = until_s = 0.0
    look_s, refused, recent, draw = PERIOD_S, 0, list[float](), random.Random(0)  # noqa: S311 - no secret
    for seconds, per_s in load_of:
        until_s += seconds
        while now_s < until_s:
            while starting and starting[0][0] <= now_s:
                ready = starting.popleft()[1]
            now_s += draw.expovariate(per_s / ready)
            while instance.next_s() <= now_s:
                at_s = instance.next_s()
                for came_s in instance.go_on(at_s):
                    recent.append(at_s - came_s + costs.handover_s)
                    answered.append((at_s, ready * recent[-1]))
            instance.come(now_s)
            if now_s < look_s:
                continue
            while answered and answered[0][0] < now_s - WINDOW_S:
                answered.popleft()
            in_flight = sum(wait for _, wait in answered) / WINDOW_S
            ranked = sorted(recent) or [0.0]
            lost = (instance.refused - refused) * ready
            looks.append(Look(now_s, per_s, ready, in_flight, 1000 * ranked[int(len(ranked) * 0.99)], lost))
            wanted = scaler.decide(now_s, in_flight, replicas)
            if wanted > replicas:
                starting.append((now_s + START_S, wanted))
            elif wanted < replicas:
                starting.clear()
                ready = wanted
            replicas, look_s, refused, recent = wanted, look_s + PERIOD_S, instance.refused, []
    return looks


def told(looks: Sequence[Look]) -> str:
    """Return the looks at which the replicas or the load changed, as a table."""
    lines = ["| second | requests/s | replicas | in flight | p99 ms | refused |", "|--:|--:|--:|--:|--:|--:|"]
    for before, look in zip([None, *looks], looks, strict=False):
        if (
            before is None
            or (before.replicas, before.per_s) != (look.replicas, look.per_s)
            or look is looks[-1]
        ):
            lines.append(
                f"| {look.at_s:.0f} | {look.per_s:,.0f} | {look.replicas} | {look.in_flight:.1f} | "
                f"{look.p99_ms:.0f} | {look.refused:,} |"
            )
    return "\n".join([*lines, ""])
