"""What Prometheus reads from the backup service: the folder itself, so that a restart forgets nothing."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from db import backup_folder


class Metrics:
    """The service's metrics in a registry of their own.

    Attributes:
        registry: What `/metrics` prints.
        failures: Backups that were begun and are not good, since the start.
    """

    def __init__(self, folder: Path, period_s: float) -> None:
        self.registry = CollectorRegistry()
        self.failures = Counter(
            "sketchserve_backup_failures",
            "Failed backups, including failed restore tests.",
            registry=self.registry,
        )
        period = Gauge(
            "sketchserve_backup_period_seconds", "How often a backup is made.", registry=self.registry
        )
        period.set(period_s)
        self.registry.register(_FolderCollector(folder))


class _FolderCollector(Collector):
    """Reads the folder at the moment of the scrape: backups made by hand count, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield one family per figure; without a backup its time is 0, so that it counts as too old."""
        newest = backup_folder.newest(self._folder, datetime.now(UTC))
        disk = shutil.disk_usage(self._folder)
        seconds = newest.time.timestamp() if newest else 0
        size = newest.path.stat().st_size if newest else 0
        yield _gauge("last_success_timestamp_seconds", "The moment that the newest backup holds.", seconds)
        # No file has a backup's name before it was restored and compared.
        yield _gauge("last_restore_test_timestamp_seconds", "The newest backup known to restore.", seconds)
        yield _gauge("last_size_bytes", "The newest backup's size.", size)
        yield _gauge("files", "Backups in the folder.", len(backup_folder.backups(self._folder)))
        yield _gauge("disk_free_bytes", "Space left for backups.", disk.free)
        yield _gauge("disk_size_bytes", "Size of the disk with the backups.", disk.total)


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"sketchserve_backup_{name}", documentation, value)
