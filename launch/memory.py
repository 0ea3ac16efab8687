"""Check whether the workers of the models to be served fit in the memory that is left."""

from __future__ import annotations

from launch.errors import LaunchError
from launch.settings import Settings
from training.archive.contents import Worker, worker_of

MB = 1e6


def require_memory(settings: Settings) -> str:
    """Return in words what the workers take that TorchServe starts; archives that do not say count nothing.

    Raises:
        LaunchError: that is more than this machine, or this container, has left.
    """
    # Not above: `make doctor` imports this where nothing is installed.
    from system.memory import available_bytes

    wanted = {file.name: worker for file in settings.archives if (worker := worker_of(file))}
    if not wanted:
        return ""
    free = available_bytes()
    words = " and ".join(f"{_in_words(worker)} with {name}" for name, worker in wanted.items())
    shared = max(worker.shared_bytes for worker in wanted.values())
    takes = sum(worker.count * worker.own_bytes for worker in wanted.values()) + shared
    said = f"{words}, and {shared / MB:,.0f} MB shared by all, out of {free / MB:,.0f} MB free"
    if takes <= free:
        return said
    largest = max(wanted, key=lambda name: wanted[name].count * wanted[name].own_bytes)
    model = largest.removesuffix(".mar")
    raise LaunchError(
        f"the workers do not fit in memory: {said}",
        "free or add memory, or set a smaller minWorkers or batchSize in handler/model-config.yaml and run "
        f"`make -B archive MODEL={model}`",
    )


def _in_words(worker: Worker) -> str:
    workers = "1 worker" if worker.count == 1 else f"{worker.count} workers"
    return f"{workers} of {worker.own_bytes / MB:,.0f} MB"
