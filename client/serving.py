"""How TorchServe runs a version of a model, as its description says: workers, batches, queue, memory."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Serving:
    """How a version is run, and how it does.

    Attributes:
        min_workers: So many workers it is to have at least.
        max_workers: And so many at most.
        batch_size: So many requests are answered together at most.
        batch_delay_ms: So long a request waits for others.
        worker_bytes: The memory of its largest worker (RSS), as TorchServe saw it within the last minute;
            0 where none runs, or it has not looked yet.
        waiting: So many requests wait for a worker.
        worker_pids: The ids of its workers' processes where TorchServe runs; -1 of one that has none yet.
    """

    min_workers: int
    max_workers: int
    batch_size: int
    batch_delay_ms: int
    worker_bytes: int
    waiting: int
    worker_pids: tuple[int, ...] = ()


def read_serving(described: dict[str, Any]) -> Serving | None:
    """Return what the description of a version says of how it is run; None where it says too little."""
    try:
        return Serving(
            min_workers=int(described["minWorkers"]),
            max_workers=int(described["maxWorkers"]),
            batch_size=int(described["batchSize"]),
            batch_delay_ms=int(described["maxBatchDelay"]),
            worker_bytes=max((int(worker["memoryUsage"]) for worker in described["workers"]), default=0),
            waiting=int(described["jobQueueStatus"]["pendingRequests"]),
            worker_pids=tuple(int(worker["pid"]) for worker in described["workers"]),
        )
    except (LookupError, TypeError, ValueError):
        return None
