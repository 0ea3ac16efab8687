"""What a forward pass costs on one core: in ONNX Runtime, which serves, and in eager PyTorch beside it."""

import statistics
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnxruntime
import torch

from handler.frame import FRAME_PX
from training.archive.build import export
from training.models.networks import Served

ROUNDS = 30
SLICE_S = 0.03  # one measurement: long against the clock's steps, short against other programs' moods
BATCH = 16

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Cost:
    """Microseconds of processor time an image.

    Attributes:
        median: over the rounds.
        best: of the rounds; what the machine can do when nothing else runs on it.
    """

    median: float
    best: float


@dataclass(frozen=True)
class ForwardCosts:
    """What one network costs: by ONNX Runtime at a full batch and alone, by eager PyTorch at a full batch."""

    onnx_batch: Cost
    onnx_alone: Cost
    eager_batch: Cost


def forward_costs(networks: dict[str, Served], folder: Path, rounds: int = ROUNDS) -> dict[str, ForwardCosts]:
    """Give each network's costs; all are measured in turns.

    Args:
        networks: in evaluation mode, on the CPU.
        folder: where they are exported to, as NAME.onnx.
        rounds: how often each is measured.
    """
    frames = np.random.default_rng(0).integers(0, 256, (BATCH, FRAME_PX, FRAME_PX), dtype=np.uint8)
    passes: dict[tuple[str, str], Callable[[], object]] = {}
    for name, network in networks.items():
        export(network, folder / f"{name}.onnx")
        session = session_of(folder / f"{name}.onnx")
        passes[name, "onnx_batch"] = _bound(session, frames)
        passes[name, "onnx_alone"] = _bound(session, frames[:1])
        passes[name, "eager_batch"] = _bound_eager(network, torch.from_numpy(frames))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        costs = in_turns(passes, rounds)
    finally:
        torch.set_num_threads(threads)

    def an_image(name: str, how: str, images: int) -> Cost:
        cost = costs[name, how]
        return Cost(cost.median / images, cost.best / images)

    return {
        name: ForwardCosts(
            an_image(name, "onnx_batch", BATCH),
            an_image(name, "onnx_alone", 1),
            an_image(name, "eager_batch", BATCH),
        )
        for name in networks
    }


def session_of(network_file: Path) -> onnxruntime.InferenceSession:
    """Give a session as the handler makes it: one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(network_file, options, providers=["CPUExecutionProvider"])


def in_turns(passes: dict[Key, Callable[[], object]], rounds: int) -> dict[Key, Cost]:
    """Give what one call of each costs, in microseconds of processor time.

    A round measures each of them once, so that a busy stretch of the machine falls on all. Processor time and
    not the clock's: while another program has the core, nothing is counted; a second thread would be.
    """
    calls = {key: _calls(run) for key, run in passes.items()}
    found: dict[Key, list[float]] = {key: [] for key in passes}
    for _ in range(rounds):
        for key, run in passes.items():
            found[key].append(_seconds(run, calls[key]) / calls[key] * 1e6)
    return {key: Cost(statistics.median(values), min(values)) for key, values in found.items()}


def _calls(run: Callable[[], object]) -> int:
    """Give how many calls fill a slice; at least one."""
    run()  # the first one allocates
    started = time.perf_counter()
    for _ in range(3):
        run()
    return max(1, round(SLICE_S * 3 / (time.perf_counter() - started)))


def _seconds(run: Callable[[], object], calls: int) -> float:
    """Give the processor time of so many calls, in seconds."""
    started = time.process_time()
    for _ in range(calls):
        run()
    return time.process_time() - started


def _bound(session: onnxruntime.InferenceSession, frames: np.ndarray) -> Callable[[], object]:
    return lambda: session.run(None, {"frames": frames})


def _bound_eager(network: Served, frames: torch.Tensor) -> Callable[[], object]:
    return torch.inference_mode()(lambda: network(frames))
