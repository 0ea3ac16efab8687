"""What the guard refused by itself, for Prometheus and the log.

The guard has no address of its own for metrics. The handler's (`handler/exporter.py`) gives the sum of
prometheus_client's files in a folder, and a file of the guard's there is given with them.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict, mmap_key

from guard.answers import Reason
from guard.api import Api

logger = logging.getLogger(__name__)

REFUSALS = "sketchserve_guard_refusals_total"
HELP = "Requests that the guard in front of TorchServe refused by itself."
# As prometheus_client names the files of counters.
FILE = "counter_guard.db"
# Room for each API and reason. It is written before it is mapped: where the disk has no room left for a page
# of it, the first use of that page would end the process.
FILE_BYTES = 1 << 16
# How often the log gets a line for each API and reason that there is news of.
LOG_S = 10.0
# Whoever starts TorchServe asks until it is there, and says himself if it does not come.
UNLOGGED = {Reason.NO_TORCHSERVE}


class Refusals:
    """Tells Prometheus and the log what APIs have refused.

    Args:
        apis: by the name that they are told by.
        folder: where the handler's metrics are. If it cannot be written, only the log is told.
    """

    def __init__(self, apis: Mapping[str, Api], folder: Path) -> None:
        self._apis = apis
        self._keys = {(name, reason): _key(REFUSALS, name, reason) for name in apis for reason in Reason}
        self._logged: Counter[tuple[str, Reason]] = Counter()
        self._log_at = 0.0
        self._file: MmapedDict | None = None
        try:
            (folder / FILE).write_bytes(bytes(FILE_BYTES))
            self._file = MmapedDict(str(folder / FILE))
        except OSError as error:
            logger.warning("what the guard refuses is in no metric: %s", error)

    def tell(self, now: float) -> None:
        """Bring the metric up to date, and every LOG_S the log; `now` in seconds, by a monotonic clock."""
        refused = {(name, reason): self._apis[name].refused[reason] for name, reason in self._keys}
        if self._file is not None:
            # From the start on, with zeros: a rate() misses what a series begins with.
            for key, count in refused.items():
                self._file.write_value(self._keys[key], count, 0.0)
        if now < self._log_at:
            return
        self._log_at = now + LOG_S
        for (name, reason), count in refused.items():
            new = count - self._logged[name, reason]
            if new and reason not in UNLOGGED:
                logger.warning(
                    "the guard refused %d requests to %s: %s (%d)", new, name, reason.label, reason.status
                )
        self._logged = Counter(refused)


def _key(metric: str, api: str, reason: Reason) -> str:
    """Return what prometheus_client's file has a value under."""
    labels = {"api": api, "reason": reason.label}
    return mmap_key(metric.removesuffix("_total"), metric, list(labels), list(labels.values()), HELP)
