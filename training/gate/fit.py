"""How the gate is fitted: to everything at first, and then to digits that are new to it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from training.data.augment import augment
from training.data.frames import Frames
from training.fitting.run import follow
from training.gate.network import NONE, Gate

BATCH = 256  # half of it digits, half outliers
LEARNING_RATE = 6e-3  # AdamW's peak
WEIGHT_DECAY = 0.02
LABEL_SMOOTHING = 0.02  # keeps scores away from 1, where float32 could not tell them apart
NEW_RATE = 1e-3  # the peak where a trained gate learns more
NEW = 12  # of a batch are digits that are new to it
RUNS = 3  # of which the mean is taken: rows of the evaluation differ by 0.1 points from run to run
KEPT = 0.85  # of the loss of all others asks for what it said of them before


@dataclass(frozen=True)
class Recipe:
    """What a run is made of.

    Attributes:
        steps: batches from which it learns everything.
        new_steps: batches from which it then learns what is new to it.
        seed: of the first weights, the order and augmentation.
        begin: file of a gate that has learnt everything already; None to begin from nothing.
        version: the gate's.
    """

    steps: int = 7000
    new_steps: int = 1500
    seed: int = 0
    begin: Path | None = None
    version: str = "1.1.0"


class _Part(NamedTuple):
    """Frames of which each batch has some: uint8 (frames, 28, 28), and their classes, int64 (frames,)."""

    frames: Tensor
    classes: Tensor
    in_batch: int


def fit(known: Frames, outliers: np.ndarray, recipe: Recipe) -> Gate:
    """Return a gate trained on digits and outliers, in evaluation mode.

    The same arguments give the same weights on the same machine.

    Args:
        known: digits.
        outliers: uint8 (count, 28, 28), frames of anything else.
        recipe: for how long, and from which seed.
    """
    torch.manual_seed(recipe.seed)
    parts = [_digits(known, BATCH // 2), _none(outliers, BATCH // 2)]

    def loss(_: Tensor, logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(logits, target, label_smoothing=LABEL_SMOOTHING)

    return _trained(Gate(), parts, loss, recipe.steps, LEARNING_RATE, recipe.seed)


def taught(gate: Gate, known: Frames, outliers: np.ndarray, new: Frames, recipe: Recipe) -> Gate:
    """Return the gate after it has learnt digits that are new to it, and kept what it says of the others.

    Args:
        gate: a trained one, which stays as it is.
        known: digits that it has learnt.
        outliers: uint8 (count, 28, 28), frames of anything else.
        new: digits that are new to it.
        recipe: for how long, and from which seed.
    """
    parts = [_digits(new, NEW), _digits(known, BATCH // 2 - NEW), _none(outliers, BATCH // 2)]

    def loss(changed: Tensor, logits: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            before = gate.logits(changed[NEW:])
        each = F.cross_entropy(logits, target, label_smoothing=LABEL_SMOOTHING, reduction="none")
        kept = F.kl_div(logits[NEW:].log_softmax(1), before.log_softmax(1), log_target=True, reduction="none")
        return torch.cat([each[:NEW], torch.lerp(each[NEW:], kept.sum(dim=1), KEPT)]).mean()

    seeds = range(recipe.seed, recipe.seed + RUNS)
    return mean(
        [_trained(copy.deepcopy(gate), parts, loss, recipe.new_steps, NEW_RATE, seed) for seed in seeds]
    )


def mean(gates: list[Gate]) -> Gate:
    """Return the mean of gates that began as one, in evaluation mode (Wortsman et al. 2022, model soups)."""
    average = torch.optim.swa_utils.AveragedModel(gates[0], use_buffers=True)
    for gate in gates:
        average.update_parameters(gate)
    made = average.module
    assert isinstance(made, Gate)
    return made.eval()


def _digits(some: Frames, in_batch: int) -> _Part:
    return _Part(torch.from_numpy(some.frames), torch.from_numpy(some.labels), in_batch)


def _none(some: np.ndarray, in_batch: int) -> _Part:
    return _Part(torch.from_numpy(some), torch.full((len(some),), NONE), in_batch)


def _trained(
    gate: Gate,
    parts: list[_Part],
    loss: Callable[[Tensor, Tensor, Tensor], Tensor],
    steps: int,
    rate: float,
    seed: int,
) -> Gate:
    """Return the gate's average over its steps, in evaluation mode.

    Args:
        gate: what is trained.
        parts: what each batch has some of.
        loss: of augmented frames, float32 (batch, 1, 28, 28), what the gate says of them, and their classes.
        steps: batches.
        rate: the learning rate's peak.
        seed: of the order and augmentation.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the layers are too small for more, and so the sums have one order
    gate = gate.train().to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(gate, multi_avg_fn=follow, use_buffers=True)
    optimizer = torch.optim.AdamW(gate.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in tqdm(range(steps), desc="training the gate", unit="batch", disable=None):
        chosen = [torch.randint(len(part.frames), (part.in_batch,), generator=generator) for part in parts]
        batch = torch.cat([part.frames[index] for part, index in zip(parts, chosen, strict=True)])
        target = torch.cat([part.classes[index] for part, index in zip(parts, chosen, strict=True)])
        # All go through the same augmentation: nothing but the drawing tells them apart.
        changed = augment(batch.unsqueeze(1).float() / 255, generator)
        changed = changed.contiguous(memory_format=torch.channels_last)
        lost = loss(changed, gate.logits(changed), target)
        optimizer.zero_grad(set_to_none=True)
        lost.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(gate)
    torch.set_num_threads(threads)
    trained = average.module
    assert isinstance(trained, Gate)
    return trained.eval()
