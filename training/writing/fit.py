"""How the network that tells writing is trained, and what it then does measured."""

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.rendered import writers
from training.writing.network import Writing
from training.writing.pictures import Example, examples

BATCH = 24
LEARNING_RATE = 6e-3  # AdamW's peak
WARM_UP_SHARE = 0.15
WEIGHT_DECAY = 0.01
GRADIENT_NORM = 1.0
# Of the loss: a pixel's cross-entropy, three times as much where the pen was, beside the share of the writing
# that is missed or made up (Milletari et al. 2016, arXiv:1606.04797), since the pen covers few pixels.
CROSS_ENTROPY_SHARE, PEN_WEIGHT = 3.0, 2.0
# How often colours are turned into their opposites, exchanged, and given up.
OPPOSITE_SHARE, EXCHANGED_SHARE, GRAY_SHARE = 0.3, 0.5, 0.3
# How often the shadow of something straight falls on a picture, a phone's or a window's; how dark and, of the
# shorter side, how soft it is, and how wide where it is a band: what is narrower may be a stroke.
SHADOW_SHARE, DARKEST, SOFTEST, NARROWEST = 0.3, 0.5, 0.08, 0.2


@dataclass(frozen=True)
class Recipe:
    """What a run is made of.

    Attributes:
        pictures: how many are drawn to train on.
        validation: how many by writers that it is not trained on.
        epochs: how often each is shown.
        seed: of the first weights, the order and augmentation.
    """

    pictures: int = 26_000
    validation: int = 600
    epochs: int = 8
    seed: int = 0


def train(data_dir: Path, recipe: Recipe) -> Writing:
    """Return a trained network, in evaluation mode; print what was measured.

    The same recipe gives the same weights on the same machine and number of threads.

    Args:
        data_dir: where the pen strokes are.
        recipe: for how long, on how many pictures.

    Raises:
        FileNotFoundError: the pen strokes are not under data_dir and cannot be downloaded.
    """
    digits = writers(data_dir)
    known = examples(digits["train"], recipe.pictures, recipe.seed)
    held_out = examples(digits["validation"], recipe.validation, recipe.seed + 1)
    torch.manual_seed(recipe.seed)
    network = Writing().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    steps = recipe.epochs * sum(1 for _ in _batches(known, 0))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=WARM_UP_SHARE
    )
    for epoch in range(1, recipe.epochs + 1):
        started, losses = time.perf_counter(), []
        network.train()
        for pictures, covers in _batches(known, (recipe.seed, epoch)):
            shown, target = _augmented(_as_input(pictures), covers.float() / 255)
            loss = _loss(network.logits(shown.contiguous(memory_format=torch.channels_last)), target)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        overlaps = measured(network.eval(), held_out)
        found = ", ".join(f"{kind} {value:.3f}" for kind, value in overlaps.items())
        said = f"epoch {epoch:2}/{recipe.epochs}  loss {np.mean(losses):.4f}  {found}"
        print(f"{said}  {time.perf_counter() - started:.0f} s", flush=True)
    return network.eval()


def measured(network: Writing, held_out: list[Example]) -> dict[str, float]:
    """Return the overlap of the pen's pixels with those found, by kind: intersection over union, 0..1."""
    overlaps = defaultdict(list)
    with torch.no_grad():
        for one in held_out:
            found = network(torch.from_numpy(one.picture)[None])[0].numpy() >= 0.5
            true = one.cover > 127
            overlaps[one.kind].append(((found & true).sum() + 1) / ((found | true).sum() + 1))
    return {kind: float(np.mean(overlaps[kind])) for kind in sorted(overlaps)}


def _batches(known: list[Example], seed: int | tuple[int, int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield every example once, as uint8 pictures and covers, by lot; those of a batch are of one size."""
    random = np.random.default_rng(seed)
    of_size: dict[int, list[int]] = defaultdict(list)
    for index in random.permutation(len(known)):
        of_size[known[index].picture.shape[0]].append(int(index))
    batches = [some[at : at + BATCH] for some in of_size.values() for at in range(0, len(some), BATCH)]
    for place in random.permutation(len(batches)):
        chosen = [known[index] for index in batches[place]]
        yield (
            torch.from_numpy(np.stack([one.picture for one in chosen])),
            torch.from_numpy(np.stack([one.cover for one in chosen])),
        )


def _as_input(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 3, 1, 2).float() / 255


def _augmented(pictures: Tensor, covers: Tensor) -> tuple[Tensor, Tensor]:
    """Return a batch with shadows, mirrored or turned, and in other colours."""
    count, _, rows, columns = pictures.shape
    pictures = pictures * (1 - _shadows(count, rows, columns)[:, None])
    for axis in (1, 2):
        if torch.rand(()) < 0.5:
            pictures, covers = pictures.flip(axis + 1), covers.flip(axis)
    if torch.rand(()) < 0.5:
        pictures, covers = pictures.transpose(2, 3), covers.transpose(1, 2)
    if torch.rand(()) < OPPOSITE_SHARE:
        pictures = 1 - pictures
    if torch.rand(()) < EXCHANGED_SHARE:
        pictures = pictures[:, torch.randperm(3)]
    if torch.rand(()) < GRAY_SHARE:
        pictures = pictures.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    return pictures, covers


def _shadows(count: int, rows: int, columns: int) -> Tensor:
    """Return how dark shadows are: float32 (count, rows, columns), 0 = none .. DARKEST.

    A third of them lies on one side of a line, a third in a corner, and a third is a band.
    """
    shorter = min(rows, columns)
    y, x = (torch.arange(side) - side * torch.rand(count, 2, 1) for side in (rows, columns))
    angle = 2 * math.pi * torch.rand(count, 2, 1, 1)
    within = torch.cos(angle) * x[:, :, None, :] + torch.sin(angle) * y[..., None]
    first, second = within.unbind(1)
    width = shorter * (NARROWEST + torch.rand(count, 1, 1))
    way = torch.rand(count, 1, 1)
    cut_off = torch.minimum(first, torch.where(way < 2 / 3, second, width - first))
    inside = torch.where(way < 1 / 3, first, cut_off)
    soft = 0.5 + SOFTEST * shorter * torch.rand(count, 1, 1).square()
    dark = DARKEST * torch.rand(count, 1, 1) * (torch.rand(count, 1, 1) < SHADOW_SHARE)
    return dark * (inside / soft + 0.5).clamp(0, 1)


def _loss(logits: Tensor, covers: Tensor) -> Tensor:
    weight = 1 + PEN_WEIGHT * covers
    cross_entropy = F.binary_cross_entropy_with_logits(logits, covers, weight=weight)
    found = torch.sigmoid(logits)
    both, each = (found * covers).sum(dim=(1, 2)), (found + covers).sum(dim=(1, 2))
    return CROSS_ENTROPY_SHARE * cross_entropy + (1 - (2 * both + 1) / (each + 1)).mean()
