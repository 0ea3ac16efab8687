"""How far drawings are from training, for Prometheus: what `loop.watch` found last of each version."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from db.drifts import Look, latest_of_each
from db.errors import DatabaseUnavailable

# A look comes once an hour at most.
READ_EVERY_S = 60.0
# Of a version whose newest drawing is older nobody needs to be told.
KEPT_DAYS = 30


class Drifts(Collector):
    """Reads the latest looks when it is scraped, and not more often than they change.

    Args:
        engine: Where they are.
        is_away: Whether the database is known to be away, for which no scrape should wait.
    """

    def __init__(self, engine: Engine, is_away: Callable[[], bool]) -> None:
        self._engine = engine
        self._is_away = is_away
        self._lock = threading.Lock()
        self._read_s: float | None = None
        self._looks: list[Look] = []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures; what was read last where the database is away."""
        family = GaugeMetricFamily(
            "sketchserve_drift_stability_index",
            "How far a figure of drawings is from training, 0 where that may be chance.",
            labels=["model", "version", "figure"],
        )
        for look in self._latest():
            for figure in look.figures:
                labels = [look.model_name, look.model_version, figure.name]
                family.add_metric(labels, figure.stability if figure.is_beyond_chance else 0.0)
        yield family

    def _latest(self) -> list[Look]:
        with self._lock:
            now_s = time.monotonic()
            is_due = self._read_s is None or now_s - self._read_s >= READ_EVERY_S
            if is_due and not self._is_away():
                self._read_s = now_s
                try:
                    since = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
                    self._looks = latest_of_each(self._engine, since)
                except DatabaseUnavailable:
                    pass  # the writer says so
            return self._looks
