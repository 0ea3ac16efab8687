"""A model of TorchServe: its queue, its batches and two cores, for so many clients or so much load.

Each request costs the front end (guard, Java, and the client that shares the machine) processor time, waits
in TorchServe's queue, and is answered in a batch by one of the workers. Whoever has something to do shares
the cores evenly.
"""

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush

NEVER = float("inf")


@dataclass(frozen=True)
class Costs:
    """What requests cost, and how they are batched; times in seconds.

    Attributes:
        front_s: processor time of a request outside the workers.
        batch_s: processor time of a batch,
        item_s: and of each request in it.
        handover_s: what a request waits beside that: wake-ups and passing on.
        cores: processors that there are for all of it.
        workers: processes that answer batches.
        batch: the most requests in one.
        delay_s: how long a batch that is not full waits after its first request.
        queue: the most requests that wait; who comes then is refused.
    """

    front_s: float
    batch_s: float
    item_s: float
    handover_s: float
    cores: float = 2.0
    workers: int = 2
    batch: int = 16
    delay_s: float = 0.001
    queue: int = 1000


@dataclass
class Instance:
    """One TorchServe; the numbers of requests are the times at which they came, seconds."""

    costs: Costs
    now_s: float = 0.0
    refused: int = 0
    front: deque[float] = field(default_factory=deque)
    queue: deque[float] = field(default_factory=deque)
    forming: list[float] = field(default_factory=list)
    closes_s: float = NEVER
    front_left_s: float = 0.0
    batches: list[tuple[float, list[float]]] = field(default_factory=list)  # processor time left, requests

    def next_s(self) -> float:
        """Return when something happens here next, if nobody comes."""
        left = [time_s for time_s, _ in self.batches] + ([self.front_left_s] if self.front else [])
        ends = self.now_s + min(left) / self._speed() if left else NEVER
        return min(ends, self.closes_s)

    def _speed(self) -> float:
        active = len(self.batches) + bool(self.front)
        return min(1.0, self.costs.cores / active) if active else 1.0

    def come(self, now_s: float) -> None:
        """Take a request that comes now."""
        self.go_on(now_s)
        if len(self.front) + len(self.queue) >= self.costs.queue:
            self.refused += 1
            return
        if not self.front:
            self.front_left_s = self.costs.front_s
        self.front.append(now_s)

    def go_on(self, now_s: float) -> list[float]:
        """Work until now, which is no later than next_s(); return the requests that are answered now."""
        done_s = (now_s - self.now_s) * self._speed()
        self.now_s, almost = now_s, 1e-12
        self.batches = [(left - done_s, items) for left, items in self.batches]
        answered = [came for left, items in self.batches if left <= almost for came in items]
        self.batches = [pair for pair in self.batches if pair[0] > almost]
        if self.front:
            self.front_left_s -= done_s
            if self.front_left_s <= almost:
                self.queue.append(self.front.popleft())
                self.front_left_s = self.costs.front_s
        self._form()
        return answered

    def _form(self) -> None:
        """Let idle workers form batches, one at a time, as TorchServe's lock has it."""
        while len(self.batches) < self.costs.workers:
            while self.queue and len(self.forming) < self.costs.batch:
                if not self.forming:
                    self.closes_s = self.now_s + (self.costs.delay_s if self.costs.batch > 1 else 0)
                self.forming.append(self.queue.popleft())
            is_full = len(self.forming) == self.costs.batch
            if not self.forming or not (is_full or self.now_s >= self.closes_s - 1e-12):
                return
            work_s = self.costs.batch_s + self.costs.item_s * len(self.forming)
            self.batches.append((work_s, self.forming))
            self.forming, self.closes_s = [], NEVER


@dataclass(frozen=True)
class Curve:
    """What so many clients see.

    Attributes:
        clients: how many ask at once, each again as soon as it has an answer.
        requests_per_s: answers a second.
        p50_ms: half of the answers took no longer.
        p99_ms: 99 of 100 took no longer.
    """

    clients: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float


def closed(costs: Costs, clients: int, requests: int = 8000) -> Curve:
    """Return what so many clients see; the first quarter of the requests is warm-up."""
    instance, latencies, began_s = Instance(costs), list[float](), 0.0
    coming = [index * 1e-5 for index in range(clients)]
    while len(latencies) < requests:
        if coming and coming[0] <= instance.next_s():
            instance.come(heappop(coming))
            continue
        now_s = instance.next_s()
        for came_s in instance.go_on(now_s):
            latencies.append(now_s - came_s + costs.handover_s)
            heappush(coming, now_s + costs.handover_s)
        if len(latencies) <= requests // 4:
            began_s = now_s
    kept = sorted(latencies[requests // 4 :])
    return Curve(
        clients,
        len(kept) / (instance.now_s - began_s),
        1000 * kept[len(kept) // 2],
        1000 * kept[int(len(kept) * 0.99)],
    )
