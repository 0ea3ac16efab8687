"""How the gate is trained, its threshold chosen, and what it then does measured."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from handler.bad_image import BadImage
from handler.fingerprint import preprocessing_fingerprint
from handler.frame import frame_of_pixels
from training.data import paint
from training.data.augment import augment
from training.data.frames import Frames, cached
from training.data.image_folder import load_parted
from training.data.rendered import OTHER_KINDS, TRAINING_SHARES, drawn_by, render
from training.data.sets import CACHE, STROKE_COPIES, load
from training.data.strokes import Drawn
from training.fitting.run import follow
from training.gate import characters
from training.gate.network import NONE, Gate, GateAbout
from training.gate.ones import ones
from training.gate.rejection import Rejection, outlier_table, rejection, with_means
from training.outliers import frames
from training.outliers.hand import by_hand

BATCH = 256  # half of it digits, half outliers
LEARNING_RATE = 6e-3  # AdamW's peak
WEIGHT_DECAY = 0.02
LABEL_SMOOTHING = 0.02  # keeps scores away from 1, where float32 could not tell them apart
THIN_SEED = 7
THIN_HAND = 0.5  # how far another hand's strokes lie from those that were recorded
# At most this share of each sort of validation's digits is refused: MNIST's, pen strokes, thin and bare ones.
# The promise is 1 %. The rest is a margin for sampling, chosen by hand: if 1 % of all were refused, so few
# would be by chance in 2 of 100 samples of as many pen strokes (2,500), and in 7 of 100 of as many thin ones
# (1,250). It covers chance in the choice of drawings, not of writers.
REFUSED = 0.006
# Digits on ruled paper, underlined, boxed ... are promised nothing: what is left of the rest there
# looks like scribbles, and a threshold low enough for these lets five times as many outliers pass.
OTHER = "pen strokes on other papers, {}"
HELD_OUT = ("validation", "report")
JUDGED = "judged not a digit"  # what people drew and said of it


@dataclass(frozen=True)
class Recipe:
    """What a run is made of.

    Attributes:
        steps: batches.
        seed: of the first weights, the order and augmentation.
        version: the gate's.
    """

    steps: int = 7000
    seed: int = 0
    version: str = "1.1.0"


def train(data_dir: Path, recipe: Recipe, none: Path | None = None) -> tuple[Gate, GateAbout]:
    """Return a trained gate and what its file is to say; print what was measured.

    Args:
        data_dir: where MNIST and the pen strokes are.
        recipe: for how long, and from which seed.
        none: a folder of pictures that people judged to be no digit; a tenth of them is only reported.

    Raises:
        FileNotFoundError: MNIST or the pen strokes are not under data_dir and cannot be downloaded; or there
            is no folder `none`.
        ValueError: `none` has too few pictures, or there is an archive of characters that cannot be used.
    """
    judged, held_out = load_parted(none, "ink") if none else (np.empty((0, 28, 28), np.uint8),) * 2
    started = time.perf_counter()
    scanned, known = load("mnist", data_dir, CACHE), load("digits", data_dir, CACHE)
    made_of = frames.materials(data_dir, CACHE)
    real = {part: characters.frames(part, data_dir) for part in ("train", "report")}
    outliers = np.concatenate(
        [*frames.load("train", made_of["train"], CACHE).values(), judged, real["train"]]
    )
    thin = {part: thin_digits(made_of[part].digits, seed) for part, seed in frames.SEEDS.items()}
    drawn_alone = {part: pen_strokes(made_of[part].digits, part, "alone", paint.KINDS) for part in HELD_OUT}
    drawn_other = {part: pen_strokes(made_of[part].digits, part, "other", OTHER_KINDS) for part in HELD_OUT}
    # MNIST comes first in the joined parts; all others count twice, as they are the fewer.
    strokes = known.train.take(np.arange(len(scanned.train), len(known.train)))
    bare = {part: ones(part) for part in frames.SEEDS}
    digits = known.train.joined(strokes)
    for fewer in (thin["train"], bare["train"]):
        digits = digits.joined(fewer).joined(fewer)
    loaded = time.perf_counter()
    print(f"{len(digits):,} digits, {len(outliers):,} outliers ({loaded - started:.0f} s)")
    print(f"{len(real['train']):,} of them real characters", *characters.without(data_dir), sep="\n")
    gate = fit(digits.frames, digits.labels, outliers, recipe)
    print(f"{recipe.steps} steps ({time.perf_counter() - loaded:.0f} s)")
    # Each sort of validation digits keeps the promise by itself.
    validation = {
        "MNIST, validation": scores(gate, scanned.validation.frames),
        "pen strokes, validation": scores(gate, drawn_alone["validation"].frames),
        "thin pen strokes, validation": scores(gate, thin["validation"].frames),
        "bare ones, validation": scores(gate, bare["validation"].frames),
    }
    threshold = threshold_of(list(validation.values()))
    validation[OTHER.format("validation")] = scores(gate, drawn_other["validation"].frames)
    selected = _rows(gate, validation, frames.load("validation", made_of["validation"], CACHE), threshold)
    print(f"\nthreshold {threshold:.4f}; validation:\n{outlier_table(with_means(selected))}")
    report = {
        "MNIST, test": scores(gate, known.tests["mnist"].frames),
        "pen strokes, report": scores(gate, drawn_alone["report"].frames),
        "thin pen strokes, report": scores(gate, thin["report"].frames),
        "bare ones, report": scores(gate, bare["report"].frames),
        OTHER.format("report"): scores(gate, drawn_other["report"].frames),
    }
    drawn = frames.load("report", made_of["report"], CACHE)
    more = {kind: some for kind, some in ((characters.KIND, real["report"]), (JUDGED, held_out)) if len(some)}
    found = _rows(gate, report, {**drawn, **more}, threshold)
    print(f"\nreport, which nothing was chosen on:\n{outlier_table(with_means(found))}")
    refused = {part: float(np.mean(some < threshold)) for part, some in {**validation, **report}.items()}
    for part, share in refused.items():
        print(f"refused of {part}: {share:.2%}")
    measured = {"refused": refused, "outliers": [asdict(row) for row in found]}
    return gate, GateAbout(threshold, preprocessing_fingerprint(), recipe.version, measured)


def fit(known: np.ndarray, labels: np.ndarray, outliers: np.ndarray, recipe: Recipe) -> Gate:
    """Return a gate trained on digits and outliers, in evaluation mode.

    The same arguments give the same weights on the same machine.

    Args:
        known: uint8 (count, 28, 28), frames of digits.
        labels: int64 (count,), 0..9.
        outliers: uint8 (count, 28, 28), frames of anything else.
        recipe: for how long, and from which seed.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the layers are too small for more, and so the sums have one order
    torch.manual_seed(recipe.seed)
    gate = Gate().to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(gate, multi_avg_fn=follow, use_buffers=True)
    optimizer = torch.optim.AdamW(gate.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=recipe.steps)
    generator = torch.Generator().manual_seed(recipe.seed)
    everything = (torch.from_numpy(known), torch.from_numpy(outliers))
    truth = torch.from_numpy(labels)
    half = BATCH // 2
    for _ in tqdm(range(recipe.steps), desc="training the gate", unit="batch", disable=None):
        chosen = [torch.randint(len(some), (half,), generator=generator) for some in everything]
        batch = torch.cat([some[index] for some, index in zip(everything, chosen, strict=True)])
        target = torch.cat([truth[chosen[0]], torch.full((half,), NONE)])
        # Both go through the same augmentation: nothing but the drawing tells them apart.
        changed = augment(batch.unsqueeze(1).float() / 255, generator)
        logits = gate.logits(changed.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits, target, label_smoothing=LABEL_SMOOTHING)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(gate)
    torch.set_num_threads(threads)
    trained = average.module
    assert isinstance(trained, Gate)
    return trained.eval()


def thin_digits(drawn: list[Drawn], seed: int) -> Frames:
    """Return every digit drawn once with a thin pen and by another hand.

    Thin strokes arrive broken and faint, and are rare among the digits that the classifier learns from: from
    those alone a gate learns that what is thin is no digit.
    """
    made, labels = [], []
    for index, one in enumerate(drawn):
        random = np.random.default_rng((THIN_SEED, seed, index))
        rewritten = replace(one, strokes=by_hand(one.strokes, random, THIN_HAND))
        try:
            made.append(frame_of_pixels(paint.thin(rewritten, random).decoded()))
            labels.append(one.label)
        except BadImage:
            continue  # as in serving, which refuses it before it comes to a gate
    return Frames(np.stack(made), np.array(labels, np.int64))


def pen_strokes(digits: list[Drawn], part: str, name: str, kinds: Iterable[str]) -> Frames:
    """Return a part's digits as pictures of these kinds, as often as training has each."""
    shares = {kind: TRAINING_SHARES[kind] for kind in kinds}
    make = partial(render, digits, STROKE_COPIES[part], frames.SEEDS[part], shares)
    return cached(CACHE / f"strokes-{name}-{part}-{drawn_by()}", make)


@torch.no_grad()
def scores(gate: nn.Module, some: np.ndarray, batch: int = 1000) -> np.ndarray:
    """Return digit_score, float32 (count,), of frames, uint8 (count, 28, 28)."""
    parts: list[Tensor] = [gate(part) for part in torch.from_numpy(some).split(batch)]
    return torch.cat(parts).numpy()


def threshold_of(real: list[np.ndarray], refused: float = REFUSED) -> float:
    """Return the highest threshold that refuses at most this share of each sort of real digits' scores."""
    return min(float(np.sort(some)[int(len(some) * refused)]) for some in real)


def _rows(
    gate: Gate, real: dict[str, np.ndarray], drawn: dict[str, np.ndarray], threshold: float
) -> list[Rejection]:
    known = np.concatenate(list(real.values()))
    found = {kind: scores(gate, some) for kind, some in drawn.items()}
    return [rejection(kind, known, some, some >= threshold) for kind, some in found.items()]
