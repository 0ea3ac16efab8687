"""Histograms of batches and latencies for Prometheus, at a cost that does not grow with the load.

TorchServe prints a line for every observed value, which Java parses; its own histograms have one set of
buckets, from 5 ms up, and most of what happens here takes less. So workers add up by themselves, and once a
second hand over by how much each bucket grew, as counters with the names and the label `le` that Prometheus's
histogram_quantile expects.
"""

import threading
from bisect import bisect_left
from typing import Any

from ts.metrics.metric_type_enum import MetricTypes

PERIOD_S = 1.0
SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 64)
SECONDS = (
    0.0005,
    0.001,
    0.002,
    0.003,
    0.005,
    0.0075,
    0.01,
    0.015,
    0.02,
    0.03,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
)
# Each must be in metrics.yaml, with _bucket, _sum and _count.
BOUNDS = {
    "handler_batch_size": SIZES,
    "handler_preprocess_seconds": SECONDS,
    "handler_network_seconds": SECONDS,
    "handler_latency_seconds": SECONDS,
}


class Histograms:
    """What a worker observed since it last told TorchServe; may be used by several threads.

    Args:
        context: TorchServe's; takes the metrics.
    """

    def __init__(self, context: Any) -> None:
        self._metrics, self._model = context.metrics, context.model_name
        self._lock = threading.Lock()
        self._clear()
        self._bad_images = 0

    def _clear(self) -> None:
        self._counts = {name: [0] * (len(bounds) + 1) for name, bounds in BOUNDS.items()}
        self._sums = dict.fromkeys(BOUNDS, 0.0)

    def observe(self, name: str, value: float, times: int = 1) -> None:
        """Add a value, as often as it was seen.

        Args:
            name: a key of BOUNDS.
            value: in the unit that the name ends with.
            times: 0 or more.
        """
        with self._lock:
            self._counts[name][bisect_left(BOUNDS[name], value)] += times
            self._sums[name] += value * times

    def count_bad_images(self, count: int) -> None:
        """Add requests that were refused for their image."""
        with self._lock:
            self._bad_images += count

    def report_forever(self) -> None:
        """Start to hand over, every PERIOD_S, what was observed, from a thread that ends with the process."""

        def report() -> None:
            while True:
                pause.wait(PERIOD_S)
                self.report()

        pause = threading.Event()
        threading.Thread(target=report, name="histograms", daemon=True).start()

    def report(self) -> None:
        """Hand over what was observed since the last time; buckets that did not grow stay unsaid."""
        with self._lock:
            counts, sums, bad_images = self._counts, self._sums, self._bad_images
            self._clear()
            self._bad_images = 0
        for name, grown in counts.items():
            total = 0
            for bound, count in zip((*map(str, BOUNDS[name]), "+Inf"), grown, strict=True):
                total += count
                self._add(f"{name}_bucket", total, bound)
            self._add(f"{name}_count", total)
            self._add(f"{name}_sum", sums[name])
        self._add("handler_bad_images", bad_images)

    def _add(self, name: str, amount: float, *labels: str) -> None:
        if amount:
            self._metrics.get_metric(name, MetricTypes.COUNTER).add_or_update(
                amount, [self._model, "Model", *labels]
            )
