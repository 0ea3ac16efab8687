"""A part that may be several digits -> where it may be cut: paths from top to bottom through little ink.

Over-segmentation as in LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
Recognition" (1998), section V: more cuts than are right, and the recogniser's scores choose among them. A
drop that falls (Congedo et al. 1995) takes a way like this; here it is the way of the least ink in a band.
"""

import cv2
import numpy as np

from reading.parts import Part, cut_out

# Cuts are looked for on a copy of this height.
HEIGHT_PX = 64
# Of the height: a part that is narrower than this is one digit, or a piece of one.
NARROW_SHARE = 0.55
# Of the height: how far a path may go to both sides.
REACH_SHARE = 0.2
# Of the ink that a stretch as wide as the height has: what is between two cuts.
LEAST_INK_SHARE = 0.15
# Paths to a width as large as the height.
MOST_PER_HEIGHT = 3
# What a path pays for a pixel of paper, for one of ink, for each stroke that it enters, and for a step aside.
PAPER, INK, STROKE, ASIDE = 0.02, 0.35, 2.0, 0.06
# A path that costs more cuts no two digits apart.
DEAREST = 26.0


def fragments(part: Part, row_height: int) -> list[Part]:
    """Return a part's pieces from left to right: itself, unless it may be cut.

    Args:
        part: what may be several digits.
        row_height: the height of the row that it is in, in pixels of the map.
    """
    height, width = part.ink.shape
    if width < NARROW_SHARE * row_height or height < 8:
        return [part]
    small = cv2.resize(
        part.ink, (max(4, round(width * HEIGHT_PX / height)), HEIGHT_PX), interpolation=cv2.INTER_AREA
    )
    ink = small.astype(np.float32) / 255
    paths, costs = _paths(ink)
    chosen = _chosen(ink, paths, costs, row_height * HEIGHT_PX / height)
    if not chosen:
        return [part]
    return _cut(part, paths[sorted(chosen, key=lambda index: paths[index].mean())])


def _paths(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cheapest path in each of many bands, int (paths, rows), columns, and what each costs.

    Args:
        ink: float32 (rows, columns), 0..1.
    """
    rows, columns = ink.shape
    reach = max(2, round(REACH_SHARE * rows))
    middles = np.arange(2, columns - 1, 2)
    # One band a path, side by side, so that a row is one operation for all of them. Ink beyond the picture
    # is dear.
    entered = np.maximum(np.diff(ink, axis=0, prepend=0), 0)
    price = PAPER + INK * ink + STROKE * entered
    padded = np.pad(price, [(0, 0), (reach, reach)], constant_values=10.0)
    bands = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)[:, middles]
    total = bands[0].copy()
    steps = np.zeros((rows, *total.shape), np.int8)
    for row in range(1, rows):
        edge = np.full((len(middles), 1), np.inf, np.float32)
        ways = np.stack(
            [
                np.concatenate([edge, total[:, :-1]], axis=1) + ASIDE,
                total,
                np.concatenate([total[:, 1:], edge], axis=1) + ASIDE,
            ]
        )
        best = ways.argmin(axis=0)
        steps[row] = best - 1
        total = bands[row] + np.take_along_axis(ways, best[None], axis=0)[0]
    place = total.argmin(axis=1)
    costs = total[np.arange(len(middles)), place]
    paths = np.empty((len(middles), rows), np.int64)
    for row in range(rows - 1, -1, -1):
        paths[:, row] = middles + place - reach
        place = place + steps[row][np.arange(len(middles)), place]
    return paths, costs


def _chosen(ink: np.ndarray, paths: np.ndarray, costs: np.ndarray, row_height: float) -> list[int]:
    """Return which paths to cut along, the cheapest first, none of which leaves a mere tip."""
    rows, columns = ink.shape
    summed = np.pad(np.cumsum(ink, axis=1, dtype=np.float64), [(0, 0), (1, 0)])
    before = summed[np.arange(rows), np.clip(paths, 0, columns)].sum(axis=1)
    whole = float(summed[:, -1].sum())
    least = LEAST_INK_SHARE * whole * row_height / columns
    taken = [0.0, whole]
    chosen: list[int] = []
    for index in np.argsort(costs, kind="stable"):
        if len(chosen) >= MOST_PER_HEIGHT * columns / row_height or costs[index] > DEAREST:
            break
        if min(abs(before[index] - one) for one in taken) >= least:
            chosen.append(int(index))
            taken.append(float(before[index]))
    return chosen


def _cut(part: Part, paths: np.ndarray) -> list[Part]:
    """Return the part's ink between each two paths, given on a copy of HEIGHT_PX, from left to right."""
    height, width = part.ink.shape
    row_of = np.minimum(np.arange(height) * HEIGHT_PX // height, HEIGHT_PX - 1)
    columns = max(4, round(width * HEIGHT_PX / height))
    edges = np.maximum.accumulate(np.rint(paths[:, row_of] * (width / columns)), axis=0)
    before = (np.arange(width)[None, None] >= edges[..., None]).sum(axis=0)
    found = [cut_out(part.ink * (before == index), part.left, part.top) for index in range(len(edges) + 1)]
    return [piece for piece in found if piece is not None]
