"""How TorchServe runs a model, as its archive's model-config.yaml says it."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Setting:
    """How TorchServe runs a model; `delay_ms` is 1 where `batch` is 1, since nothing waits."""

    workers: int
    batch: int
    delay_ms: int

    def __str__(self) -> str:
        """Return its entries of model-config.yaml, on one line."""
        workers = f"minWorkers: {self.workers}, maxWorkers: {self.workers}"
        return f"{workers}, batchSize: {self.batch}, maxBatchDelay: {self.delay_ms}"
