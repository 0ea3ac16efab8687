"""Takes the place of handler/histograms.py in an archive that observes nothing: see bench/variants.py."""

from typing import Any


class Histograms:
    """As the handler's class, but it keeps nothing, starts no thread and tells TorchServe nothing."""

    def __init__(self, context: Any) -> None:
        pass

    def observe(self, name: str, value: float, times: int = 1) -> None:
        """Do nothing."""

    def count_bad_images(self, count: int) -> None:
        """Do nothing."""

    def report_forever(self) -> None:
        """Do nothing."""

    def report(self) -> None:
        """Do nothing."""
