"""What Prometheus reads from the loop's service."""

import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

PASSED, REFUSED, UNDECIDED, FAILED = "passed", "refused", "undecided", "failed"


class Metrics:
    """The service's metrics in a registry of their own; may be used by many threads.

    Attributes:
        registry: What `/metrics` prints.
    """

    def __init__(self, every_s: Mapping[str, float]) -> None:
        """Begin with the period of each command in seconds, by its name."""
        self.registry = CollectorRegistry()
        self._every_s = every_s
        self._ended: dict[str, float] = {}
        self._runs = Counter(
            "sketchserve_loop_runs",
            "Runs of the loop and of the drift check, by how they ended.",
            ("command", "outcome"),
            registry=self.registry,
        )
        self._end = Gauge(
            "sketchserve_loop_last_end_timestamp_seconds",
            "When the last one ended that did not fail; before the first, when the service started.",
            ("command",),
            registry=self.registry,
        )
        periods = Gauge(
            "sketchserve_loop_period_seconds",
            "How often one is started.",
            ("command",),
            registry=self.registry,
        )
        for command, period_s in every_s.items():
            periods.labels(command).set(period_s)
            self._end.labels(command).set(time.time())
            for outcome in (PASSED, REFUSED, UNDECIDED, FAILED):
                self._runs.labels(command, outcome)  # it is 0, and not unknown

    def count(self, command: str, outcome: str) -> None:
        """Count one that ended."""
        self._runs.labels(command, outcome).inc()

    def end(self, command: str, at: float) -> None:
        """Say when one ended that did not fail; `at` is a Unix time in seconds."""
        self._ended[command] = at
        self._end.labels(command).set(at)

    def until_due(self, command: str) -> float:
        """Return in how many seconds the next one is due, by those that this process has seen."""
        ago_s = time.time() - self._ended.get(command, 0.0)
        # What is to end yet ended by a clock that has been set back since.
        return self._every_s[command] - ago_s if ago_s >= 0 else 0.0
