"""Takes the place of handler/metrics.py in an archive that observes nothing: see bench/variants.py."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class Metrics:
    """As the handler's class, but it keeps nothing."""

    def __init__(self, model: str, version: str, label_names: Iterable[str]) -> None:
        pass

    def observe_batch(
        self,
        preprocess_s: float,
        network_s: float,
        latencies_s: Sequence[float],
        predictions: Sequence[Mapping[str, Any]],
        bad_images: int,
    ) -> None:
        """Do nothing."""
