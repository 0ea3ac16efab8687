"""Which parts of a photograph mattered: squares of it are hidden, and the answer is asked for anew.

As `explanation.py` does with ink (Zeiler and Fergus 2014, arXiv:1311.2901), over a coarser grid: networks for
photographs cost more, and no one adds to a photograph.
"""

import numpy as np

from handler.explanation import Explanation, Network, log

# Squares a side, each as wide as two steps of the grid; and what is told of them, as for a drawing's frame.
GRID, MAP_SIDE = 7, 28


def explain_photo(frame: np.ndarray, network: Network) -> Explanation:
    """Return what mattered for the answer to a frame; asks the network once, for 50 frames.

    Maps have 28 rows of 28 numbers, laid over the frame, whatever its side. `tip` is negative where hiding
    moves the answer towards the runner-up, and 0 elsewhere.

    Args:
        frame: uint8 (side, side, 3).
        network: gives the probabilities.
    """
    covers = _squares(frame.shape[0])
    mean = frame.mean(axis=(0, 1))
    hidden = frame + (mean - frame) * covers[..., None]
    variants = np.concatenate([frame[None], np.rint(hidden).astype(np.uint8)])
    probabilities = network(variants).astype(np.float64)
    label, runner_up = np.argsort(-probabilities[0], kind="stable")[:2].tolist()
    others = np.delete(probabilities, label, axis=1).sum(axis=1)
    for_label = log(probabilities[:, label]) - log(others)
    for_runner_up = log(probabilities[:, runner_up]) - log(probabilities[:, label])
    weights = _squares(MAP_SIDE)
    importance = _spread(for_label[0] - for_label[1:], weights)
    tip = -np.maximum(_spread(for_runner_up[1:] - for_runner_up[0], weights), 0)
    return Explanation(label, runner_up, importance.astype(np.float32), tip.astype(np.float32))


def _squares(side: int) -> np.ndarray:
    """Return squares all over a frame: float32 (places, side, side), 1 inside, 0 outside."""
    step = side / GRID
    at = np.arange(side) + 0.5
    centres = (np.arange(GRID) + 0.5) * step
    inside = np.abs(at - centres[:, None]) < step  # (GRID, side)
    squares = inside[:, None, :, None] & inside[None, :, None, :]
    return squares.reshape(-1, side, side).astype(np.float32)


def _spread(values: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return each pixel the mean value of the squares that cover it."""
    return np.einsum("p,pyx->yx", values, squares) / squares.sum(axis=0)
