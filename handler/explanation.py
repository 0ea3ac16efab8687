"""Why a frame was read as it was: which ink mattered, and what would tip the answer to the runner-up.

By occlusion (Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks",
arXiv:1311.2901): a soft-edged patch of ink is hidden, or a dab of it added, in one place after the other, and
the answer is asked for anew. That needs no gradient, so it holds for every model that gives probabilities, a
forest of trees too. A pixel's value is the mean over the patches that cover it, weighted by how much they
do, as for the random masks of RISE (Petsiuk et al. 2018, arXiv:1806.07421): the tenth of the ink that is so
marked was worth 2.2 in log-odds over 60 pen digits, and 1.5 where each patch counted for its middle alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handler.frame import BOX_PX, FRAME_PX

# Frames to probabilities: uint8 (batch, 28, 28) -> float32 (batch, labels), rows sum to 1.
Network = Callable[[np.ndarray], np.ndarray]

# A patch hides about what a person would call a piece of a stroke; a dab is as wide as a stroke.
PATCH_RADIUS_PX = 2.5
DAB_RADIUS_PX = 1.5
EDGE_PX = 2.0  # from full effect to none
STRIDE_PX = 2
# A place where less would change than this many full pixels of ink is left out.
LEAST_CHANGE = 0.5
# A drawing would be scaled to its box again: no dab goes further beyond it than this.
MARGIN_PX = (FRAME_PX - BOX_PX) // 2 - 2
# Forests give 0 for what no tree says; the logarithm needs something.
LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Explanation:
    """Two maps over a frame, in log-odds (natural logarithm; 0.7 doubles or halves the odds).

    Attributes:
        label: index of the answer.
        runner_up: index of the second most probable label.
        importance: float32 (28, 28): how much the log-odds of the answer against all other labels fall when
            the ink around here is hidden. Against all others and not the runner-up alone: that is the
            confidence which the answer states. Negative where ink speaks against the answer; 0 where there
            is no ink.
        tip: float32 (28, 28): how much the log-odds of the runner-up against the answer rise by a change
            here. Positive: by a dab of ink that is added. Negative: by ink that is hidden, minus the rise.
            The better of the two; 0 where neither moves the answer towards the runner-up.
    """

    label: int
    runner_up: int
    importance: np.ndarray
    tip: np.ndarray


def explain(frame: np.ndarray, network: Network) -> Explanation:
    """Return what mattered for the answer to a frame, and what would tip it.

    Asks the network once, for at most 393 frames: the frame itself, and for each of 14 x 14 places one with a
    patch hidden and one with a dab added. It must know at least two labels.

    Args:
        frame: uint8 (28, 28), 0 = paper .. 255 = ink.
        network: gives the probabilities.
    """
    ink = frame.astype(np.float32) / 255
    patches, dabs = _discs(PATCH_RADIUS_PX), _discs(DAB_RADIUS_PX)
    patches = patches[(patches * ink).sum(axis=(1, 2)) >= LEAST_CHANGE]
    added = np.maximum(dabs - ink, 0).sum(axis=(1, 2))
    dabs = dabs[(added >= LEAST_CHANGE) & ~(dabs * _far_from(ink)).any(axis=(1, 2))]
    variants = np.concatenate([ink[None], ink * (1 - patches), np.maximum(ink, dabs)])
    probabilities = network(np.rint(variants * 255).astype(np.uint8)).astype(np.float64)
    label, runner_up = np.argsort(-probabilities[0], kind="stable")[:2].tolist()

    others = np.delete(probabilities, label, axis=1).sum(axis=1)
    for_label = log(probabilities[:, label]) - log(others)
    for_runner_up = log(probabilities[:, runner_up]) - log(probabilities[:, label])
    hidden, dabbed = slice(1, 1 + len(patches)), slice(1 + len(patches), None)
    has_ink = frame > 0
    importance = _spread(for_label[0] - for_label[hidden], patches) * has_ink
    by_hiding = _spread(for_runner_up[hidden] - for_runner_up[0], patches) * has_ink
    by_adding = _spread(for_runner_up[dabbed] - for_runner_up[0], dabs)
    tip = np.where(by_adding >= by_hiding, np.maximum(by_adding, 0), -np.maximum(by_hiding, 0))
    return Explanation(label, runner_up, importance.astype(np.float32), tip.astype(np.float32))


def explanation_answer(
    explanation: Explanation, place: tuple[float, float, float], label_names: list[str]
) -> dict[str, Any]:
    """Return an explanation as an answer's fields, ready for JSON; maps are lists of 28 rows of 28 numbers.

    Args:
        explanation: of a frame.
        place: left edge, upper edge and side of the frame's square in the picture, in pixels.
        label_names: the label of each output, in order.
    """
    return {
        "label": label_names[explanation.label],
        "runner_up": label_names[explanation.runner_up],
        "importance": numbers(explanation.importance),
        "tip": numbers(explanation.tip),
        "box": [round(value, 2) for value in place],
    }


def _discs(radius_px: float) -> np.ndarray:
    """Return soft-edged discs all over the frame: float32 (places, 28, 28), 1 in their middle, 0 outside."""
    centres = np.arange(STRIDE_PX // 2, FRAME_PX, STRIDE_PX)
    y, x = (axis.reshape(-1, 1, 1) for axis in np.meshgrid(centres, centres, indexing="ij"))
    rows, columns = np.ogrid[:FRAME_PX, :FRAME_PX]
    distance = np.hypot(rows - y, columns - x)
    return np.clip((radius_px - distance) / EDGE_PX + 0.5, 0, 1).astype(np.float32)


def _far_from(ink: np.ndarray) -> np.ndarray:
    """Return where the frame is further from the ink's box than MARGIN_PX: bool (28, 28)."""
    far = np.ones(ink.shape, bool)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if rows.size:
        top, left = max(rows[0] - MARGIN_PX, 0), max(columns[0] - MARGIN_PX, 0)
        far[top : rows[-1] + 1 + MARGIN_PX, left : columns[-1] + 1 + MARGIN_PX] = False
    return far


def _spread(values: np.ndarray, discs: np.ndarray) -> np.ndarray:
    """Return each pixel the mean value of the discs that cover it, (28, 28); 0 where none does.

    Args:
        values: (places,).
        discs: float32 (places, 28, 28), how much each covers a pixel, 0..1.
    """
    weight = discs.sum(axis=0)
    return np.einsum("p,pyx->yx", values, discs) / np.maximum(weight, 1e-6)


def log(probabilities: np.ndarray) -> np.ndarray:
    """Return the natural logarithm of probabilities, of at least LEAST_PROBABILITY."""
    return np.log(np.maximum(probabilities, LEAST_PROBABILITY))


def numbers(values: np.ndarray) -> list[list[float]]:
    """Return a map as JSON writes it, to three decimals."""
    # In double precision: a float32 that was rounded has eight digits more when it is written out.
    return (np.round(values.astype(np.float64), 3) + 0.0).tolist()
