"""How long somebody's own network takes for a picture, and how TorchServe might run it."""

import time

import numpy as np
import onnx

from handler.digit_handler import LONGEST_BATCH_S
from system.processes import cores
from training.own.checks import session_of
from training.own.setting import Setting

BATCHES = (1, 2, 4, 8, 16, 32)
REPEATED = 3
ENOUGH_S = 3.0  # for all of it: no larger batch is tried afterwards
# A larger batch has to save so much of a picture's time to be worth its wait.
WORTH = 0.05
# A lone request waits the whole delay: no more than this share of what its picture takes.
DELAY_SHARE, LONGEST_DELAY_MS = 0.1, 20


def timed(network: onnx.ModelProto, frames: np.ndarray) -> dict[int, float]:
    """Return the seconds that a picture takes, by the number of pictures in its batch, on one thread.

    Args:
        network: reads "frames".
        frames: uint8 (count, *frame_shape), real ones.
    """
    session = session_of(network, threads=1)
    some = np.resize(frames, (max(BATCHES), *frames.shape[1:]))
    session.run(None, {"frames": some[:1]})
    began, found = time.perf_counter(), {}
    for batch in BATCHES:
        took = []
        for _ in range(REPEATED):
            started = time.perf_counter()
            session.run(None, {"frames": some[:batch]})
            took.append(time.perf_counter() - started)
        found[batch] = min(took) / batch
        if time.perf_counter() - began > ENOUGH_S or 2 * min(took) > LONGEST_BATCH_S:
            break
    return found


def suggested(times: dict[int, float], own_bytes: int, shared_bytes: int, free_bytes: int) -> Setting:
    """Return how TorchServe might run a model on this machine: a guess to start from.

    A worker for each core, as far as the memory goes; the smallest batch after which a larger one saves
    little, or takes longer than the handler gives a batch; a delay that a lone request hardly feels.

    Args:
        times: as `timed` returns them.
        own_bytes: memory of a worker.
        shared_bytes: memory of all workers together.
        free_bytes: memory that is left.
    """
    workers = max(1, min(cores(), (free_bytes - shared_bytes) // own_bytes))
    quick = {batch: each for batch, each in times.items() if batch == 1 or batch * each <= LONGEST_BATCH_S}
    least = min(quick.values())
    batch = next(batch for batch, each in quick.items() if each * (1 - WORTH) <= least)
    delay_ms = 1 if batch == 1 else round(min(max(1000 * DELAY_SHARE * times[1], 1), LONGEST_DELAY_MS))
    return Setting(workers, batch, delay_ms)


def in_words(times: dict[int, float]) -> str:
    """Return what pictures take, alone and in batches."""
    others = ", ".join(
        f"{1000 * each:.2f} in batches of {batch}" for batch, each in times.items() if batch > 1
    )
    return f"{1000 * times[1]:.2f} ms a picture on one core" + (f", {others}" if others else "")
