"""What an answer of each version costs: time and memory."""

import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from client.management import Management, path_of
from handler.frame import FRAME_PX
from handler.model import Model
from loop.verdict.check import NOT_ENOUGH, PASSED, REFUSED, Check
from training.data.drawing import png
from training.evaluation.ask import Server

FRAMES = 16  # as a batch of TorchServe's holds at most
ROUNDS = 40
# How much more a candidate may cost, and what is no more than the machine's own coming and going.
SLOWER, SLOWER_US, SLOWER_MS = 1.25, 20.0, 3.0
LARGER, LARGER_BYTES = 1.25, 50 * 1000**2


@dataclass(frozen=True)
class Cost:
    """What answers of a version cost.

    Attributes:
        frame_us: of a frame's way through the networks, in a batch, on one core: the best of several rounds.
        answer_ms: of a request's way, one at a time: the median.
        worker_bytes: the memory of a worker (RSS); 0 where it is not known.
    """

    frame_us: float
    answer_ms: float
    worker_bytes: int


def affordable(name: str, champion: Cost, candidate: Cost) -> Check:
    """Check that the candidate is about as quick and as small as the champion, and that this can be told."""
    numbers = {"champion": asdict(champion), "candidate": asdict(candidate)}
    said = (
        f"{candidate.frame_us:.0f} µs a frame, the champion's {champion.frame_us:.0f}; "
        f"{candidate.answer_ms:.1f} ms an answer, {champion.answer_ms:.1f}; "
        f"{candidate.worker_bytes / 1e6:.0f} MB a worker, {champion.worker_bytes / 1e6:.0f}"
    )
    is_known = champion.worker_bytes > 0 and candidate.worker_bytes > 0
    most = LARGER * champion.worker_bytes + LARGER_BYTES
    dearer = [
        words
        for words, is_dearer in (
            ("its network is slower", candidate.frame_us > SLOWER * champion.frame_us + SLOWER_US),
            ("its answers are slower", candidate.answer_ms > SLOWER * champion.answer_ms + SLOWER_MS),
            ("its worker is larger", is_known and candidate.worker_bytes > most),
        )
        if is_dearer
    ]
    if dearer:
        return Check(name, REFUSED, f"{', '.join(dearer)}: {said}", numbers)
    if not is_known:
        return Check(name, NOT_ENOUGH, f"the memory of a worker is unknown: {said}", numbers)
    return Check(name, PASSED, said, numbers)


def network_us(champion: Path, candidate: Path) -> tuple[float, float]:
    """Return what a frame takes in the networks of two unpacked archives, in µs.

    They take turns, so that whatever else the machine does meets both.
    """
    models = [Model(folder) for folder in (champion, candidate)]
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, FRAME_PX, FRAME_PX), np.uint8)
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for model, times in zip(models, took, strict=True):
            started = time.perf_counter()
            model.read(frames)
            times.append(time.perf_counter() - started)
    return min(took[0]) / FRAMES * 1e6, min(took[1]) / FRAMES * 1e6


def answer_ms(champion: Server, candidate: Server, count: int) -> tuple[float, float]:
    """Return the median time of so many requests to each, which take turns, in ms."""
    picture = png("7")
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(count):
        for server, times in zip((champion, candidate), took, strict=True):
            started = time.perf_counter()
            server.answer(picture)
            times.append(1000 * (time.perf_counter() - started))
    return statistics.median(took[0]), statistics.median(took[1])


def worker_bytes(management: Management, name: str, version: str) -> int:
    """Return the memory of a version's largest worker in bytes, 0 where nobody can tell.

    Its process on this machine is looked at now: TorchServe looks once a minute, and says 0 before.
    """
    serving = management.describe(path_of(name, version)).serving
    if serving is None:
        return 0
    return max(map(_bytes_of, serving.worker_pids), default=0) or serving.worker_bytes


def _bytes_of(pid: int) -> int:
    """Return what a process takes (RSS); 0 where it is gone, or runs elsewhere."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (psutil.Error, ValueError):  # -1 is the id of none yet
        return 0
