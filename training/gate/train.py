"""How the gate is trained, its threshold chosen, and what it then does measured."""

import time
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from handler.fingerprint import preprocessing_fingerprint
from training.data import paint
from training.data.frames import Frames, cached
from training.data.image_folder import load_parted
from training.data.rendered import OTHER_KINDS, TRAINING_SHARES, drawn_by, render
from training.data.sets import CACHE, STROKE_COPIES, load
from training.data.strokes import Drawn
from training.gate import characters, network
from training.gate.fit import Recipe, fit, taught
from training.gate.network import Gate, GateAbout
from training.gate.rare import ones, slashed_zeros, thin_digits
from training.gate.rejection import Rejection, outlier_table, rejection, with_means
from training.outliers import frames

# At most this share of each sort of validation's digits is refused: MNIST's, pen strokes, rare ones.
# The promise is 1 %. The rest is a margin for sampling, chosen by hand: if 1 % of all were refused, so few
# would be by chance in 2 of 100 samples of as many pen strokes (2,500), and in 7 of 100 of as many thin ones
# (1,250). It covers chance in the choice of drawings, not of writers.
REFUSED = 0.006
# Slashed zeros and digits on ruled paper, underlined, boxed ... are promised nothing: what is left of the
# rest looks like scribbles, and a threshold low enough for these lets five times as many outliers pass.
SLASHED = "slashed zeros, {}"
OTHER = "pen strokes on other papers, {}"
HELD_OUT = ("validation", "report")
JUDGED = "judged not a digit"  # what people drew and said of it


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
    rare = {
        "thin pen strokes": {
            part: thin_digits(made_of[part].digits, seed) for part, seed in frames.SEEDS.items()
        },
        "bare ones": {part: ones(part) for part in frames.SEEDS},
    }
    slashed = {part: slashed_zeros(part, made_of[part].digits) for part in frames.SEEDS}
    drawn_alone = {part: pen_strokes(made_of[part].digits, part, "alone", paint.KINDS) for part in HELD_OUT}
    drawn_other = {part: pen_strokes(made_of[part].digits, part, "other", OTHER_KINDS) for part in HELD_OUT}
    # MNIST comes first in the joined parts; all others count twice, as they are the fewer.
    strokes = known.train.take(np.arange(len(scanned.train), len(known.train)))
    digits = known.train.joined(strokes)
    for fewer in (rare["thin pen strokes"]["train"], rare["bare ones"]["train"]):
        digits = digits.joined(fewer).joined(fewer)
    loaded = time.perf_counter()
    print(f"{len(digits):,} digits, {len(outliers):,} outliers ({loaded - started:.0f} s)")
    print(f"{len(real['train']):,} of them real characters", *characters.without(data_dir), sep="\n")
    gate = network.load(recipe.begin)[0] if recipe.begin else fit(digits, outliers, recipe)
    gate = taught(gate, digits, outliers, slashed["train"], recipe)
    print(f"trained in {time.perf_counter() - loaded:.0f} s")
    scored = {
        part: {
            f"MNIST, {'test' if part == 'report' else part}": scores(gate, mnist.frames),
            f"pen strokes, {part}": scores(gate, drawn_alone[part].frames),
            **{f"{sort}, {part}": scores(gate, some[part].frames) for sort, some in rare.items()},
        }
        for part, mnist in (("validation", scanned.validation), ("report", known.tests["mnist"]))
    }
    # Each sort of validation digits keeps the promise by itself.
    threshold = threshold_of(list(scored["validation"].values()))
    for part in HELD_OUT:
        scored[part][SLASHED.format(part)] = scores(gate, slashed[part].frames)
        scored[part][OTHER.format(part)] = scores(gate, drawn_other[part].frames)
    validation, report = scored["validation"], scored["report"]
    selected = _rows(gate, validation, frames.load("validation", made_of["validation"], CACHE), threshold)
    print(f"\nthreshold {threshold:.4f}; validation:\n{outlier_table(with_means(selected))}")
    drawn = frames.load("report", made_of["report"], CACHE)
    more = {kind: some for kind, some in ((characters.KIND, real["report"]), (JUDGED, held_out)) if len(some)}
    found = _rows(gate, report, {**drawn, **more}, threshold)
    print(f"\nreport, which nothing was chosen on:\n{outlier_table(with_means(found))}")
    refused = {part: float(np.mean(some < threshold)) for part, some in {**validation, **report}.items()}
    for part, share in refused.items():
        print(f"refused of {part}: {share:.2%}")
    measured = {"refused": refused, "outliers": [asdict(row) for row in found]}
    return gate, GateAbout(threshold, preprocessing_fingerprint(), recipe.version, measured)


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
