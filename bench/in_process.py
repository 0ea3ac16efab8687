"""The limit that no server can pass: the handler's functions in a loop, one process a core, no HTTP at all.

Batches are as large as the archive asks for, and always full.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

from bench.pictures import pictures
from bench.served_archive import BATCH, answers, load_handler
from system.processes import cores

WARM_UP_BATCHES, WARM_S = 30, 120

start: Barrier  # of each process's own


def limit(folder: Path, seconds: float, processes: int | None = None) -> float:
    """Return how many pictures a second all cores together answer.

    Args:
        folder: the unpacked archive.
        seconds: how long each process loops.
        processes: how many; one for each core that this process may use where it is None.

    Raises:
        threading.BrokenBarrierError: one of them was not warm within WARM_S.
        concurrent.futures.BrokenExecutor: one of them died.
    """
    count = processes or cores()
    spawned = get_context("spawn")  # with libraries of its own, as TorchServe's workers
    arguments = [folder] * count, [seconds] * count
    with ProcessPoolExecutor(count, spawned, _keep, (spawned.Barrier(count),)) as pool:
        return sum(pool.map(_pictures_per_s, *arguments))


def _keep(barrier: Barrier) -> None:
    global start
    start = barrier


def _pictures_per_s(folder: Path, seconds: float) -> float:
    """Return how many pictures a second this process answers while the others do the same."""
    handler, files = load_handler(folder), pictures()
    batches = [files[first : first + BATCH] for first in range(0, len(files), BATCH)]
    for index in range(WARM_UP_BATCHES):
        answers(handler, batches[index % len(batches)])
    start.wait(WARM_S)
    answered, started = 0, time.perf_counter()
    while True:
        for batch in batches:
            answers(handler, batch)
            answered += len(batch)
        elapsed_s = time.perf_counter() - started
        if elapsed_s >= seconds:
            return answered / elapsed_s
