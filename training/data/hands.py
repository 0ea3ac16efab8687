"""Hands that the recorded writers do not have: each digit in a form of its own, or out of shape."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from training.data import paint
from training.data.paint import Picture
from training.data.strokes import Drawn, resampled

# On what such a hand writes. Nothing of this is about the paper.
SURFACES = {"plain": 0.28, "thick": 0.22, "thin": 0.1, "inverted": 0.1, "coloured": 0.08, "small": 0.1,
            "photo": 0.12}  # fmt: skip


def hands(drawn: Drawn, random: np.random.Generator) -> Picture:
    """By another hand: slashed zeros, ones with a foot, closed fours, squat sixes, joined sevens."""
    return _on_a_surface(drawn, random, other_hand)


def slashed_zeros(drawn: Drawn, random: np.random.Generator) -> Picture:
    """Return a zero with a line through it, and otherwise as it was written."""
    return _on_a_surface(drawn, random, _slashed_zero)


def _on_a_surface(
    drawn: Drawn, random: np.random.Generator, write: Callable[[Drawn, np.random.Generator], Drawn]
) -> Picture:
    surface = str(random.choice(list(SURFACES), p=list(SURFACES.values())))
    return paint.KINDS[surface](write(drawn, random), random)


def other_hand(drawn: Drawn, random: np.random.Generator) -> Drawn:
    """Return the digit as another hand writes it: in a form of its own, where it has one, or out of shape."""
    strokes = _of_size_one(drawn)
    form = FORMS.get(drawn.label)
    if form is not None and random.random() < 0.65:
        strokes = form(strokes, random)
    way = random.random()
    if way < 0.3:
        strokes = _angular(strokes, random.uniform(0.03, 0.09))
    elif way < 0.6:
        strokes = _unevenly_high(strokes, random.uniform(-0.45, 0.45))
    wide = np.exp(np.clip(random.normal(0, 0.15), -0.28, 0.28))
    strokes = [stroke * np.array([wide, 1 / wide]) for stroke in strokes]
    return replace(drawn, strokes=tuple(stroke.astype(np.float32) for stroke in strokes))


def _slashed_zero(drawn: Drawn, random: np.random.Generator) -> Drawn:
    strokes = _slashed(_of_size_one(drawn), random)
    return replace(drawn, strokes=tuple(stroke.astype(np.float32) for stroke in strokes))


def _of_size_one(drawn: Drawn) -> list[np.ndarray]:
    """Return the strokes, whose longer side is 1, as points close to each other."""
    points = np.concatenate(drawn.strokes)
    low, span = points.min(axis=0), max(float(np.ptp(points, axis=0).max()), 1e-6)
    return [resampled((stroke - low) / span, 0.03) for stroke in drawn.strokes]


def _slashed(strokes: list[np.ndarray], random: np.random.Generator) -> list[np.ndarray]:
    """Return a zero with a line through it, from its lower left to its upper right, or the other way."""
    low, high = _box(strokes)
    over = random.uniform(-0.18, 0.22, (2, 2)) * (high - low)
    ends = np.array([[low[0], high[1]], [high[0], low[1]]]) + over * [[-1, 1], [1, -1]]
    if random.random() < 0.12:
        ends[:, 0] = ends[::-1, 0]
    middle = ends.mean(axis=0) + random.normal(0, 0.02, 2)
    return [*strokes, resampled(np.stack([ends[0], middle, ends[1]]), 0.03)]


def _with_foot(strokes: list[np.ndarray], random: np.random.Generator) -> list[np.ndarray]:
    """Return a one on a foot, with a flag where it had none."""
    low, high = _box(strokes)
    tall = high[1] - low[1]
    top, bottom = (_ends(strokes)[end] for end in (0, 1))
    left, right = random.uniform(0.12, 0.4, 2) * tall
    up, lean = random.normal(0, 0.015) * tall, random.normal(0, 0.03) * tall
    added = []
    if high[0] - low[0] < 0.5 * tall:  # who has a foot already needs none
        added.append(bottom + np.array([[-left, up + lean], [right, up - lean]]))
    if random.random() < 0.6 and high[0] - low[0] < 0.25 * tall:
        flag = np.array([-random.uniform(0.15, 0.4), random.uniform(0.12, 0.35)]) * tall
        added.append(np.array([top + flag, top]))
    return [*strokes, *(resampled(line, 0.03) for line in added)]


def _closed_four(strokes: list[np.ndarray], random: np.random.Generator) -> list[np.ndarray]:
    """Return a four whose top is closed: a triangle on a stem, in one go or two."""
    apex = np.array([random.uniform(0.5, 0.75), 0.0])
    corner = np.array([random.uniform(0.0, 0.15), random.uniform(0.5, 0.75)])
    bar = np.array([random.uniform(0.8, 1.05), corner[1] + random.uniform(-0.06, 0.05)])
    foot = np.array([apex[0] + random.uniform(-0.15, 0.06), 1.0])
    apart = random.normal(0, 0.02, 2)
    if random.random() < 0.4:
        lines = [np.stack([foot, apex, corner, bar])]
    else:
        lines = [np.stack([apex + apart, corner, bar]), np.stack([apex, foot])]
    bend = random.normal(0, 0.012, (2, 2))
    return [_bent(resampled(line, 0.03), bend) for line in lines]


def _changed_six(strokes: list[np.ndarray], random: np.random.Generator) -> list[np.ndarray]:
    """Return a six that is squat, or whose loop is tiny."""
    low, high = _box(strokes)
    # Where the loop begins: below it, a scale of its own.
    knee = low[1] + 0.5 * (high[1] - low[1])
    loop = random.uniform(0.35, 0.7) if random.random() < 0.5 else random.uniform(1.1, 1.6)
    middle = (low[0] + high[0]) / 2 - (0.25 * (high[0] - low[0]) if loop < 1 else 0)

    def changed(stroke: np.ndarray) -> np.ndarray:
        below = np.clip((stroke[:, 1] - knee) / (high[1] - knee), 0, 1)
        scale = 1 + (loop - 1) * np.minimum(below * 2.5, 1)
        x = middle + (stroke[:, 0] - middle) * scale
        return np.stack([x, np.where(below > 0, knee + (stroke[:, 1] - knee) * loop, stroke[:, 1])], axis=1)

    return [changed(stroke) for stroke in strokes]


def _joined_seven(strokes: list[np.ndarray], random: np.random.Generator) -> list[np.ndarray]:
    """Return a seven whose bar is drawn without lifting the pen, or one with a serif at its beginning."""
    if len(strokes) == 2:
        main, bar = sorted(strokes, key=lambda stroke: -len(stroke))
        bar = bar if bar[0, 0] < bar[-1, 0] else bar[::-1]
        if random.random() < 0.7:
            return [np.concatenate([resampled(np.concatenate([main, bar[:1]]), 0.03), bar])]
    serif = np.array([[0, 0], [random.uniform(-0.04, 0.04), random.uniform(0.08, 0.25)]])
    serif += max(strokes, key=len)[0]
    return [*strokes, resampled(serif, 0.03)]


FORMS = {0: _slashed, 1: _with_foot, 4: _closed_four, 6: _changed_six, 7: _joined_seven}


def _box(strokes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    points = np.concatenate(strokes)
    return points.min(axis=0), points.max(axis=0)


def _ends(strokes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest and the lowest point."""
    points = np.concatenate(strokes)
    return points[points[:, 1].argmin()], points[points[:, 1].argmax()]


def _angular(strokes: list[np.ndarray], corner: float) -> list[np.ndarray]:
    """Return the strokes as straight lines that lie at most so far beside them (Douglas and Peucker 1973)."""
    return [
        resampled(cv2.approxPolyDP(stroke.astype(np.float32)[:, None], corner, False)[:, 0], 0.03)
        for stroke in strokes
    ]


def _unevenly_high(strokes: list[np.ndarray], strength: float) -> list[np.ndarray]:
    """Return the strokes with their upper part higher than their lower one, or the other way round."""
    low, high = _box(strokes)
    tall = max(high[1] - low[1], 1e-6)

    def moved(stroke: np.ndarray) -> np.ndarray:
        y = (stroke[:, 1] - low[1]) / tall
        return np.stack([stroke[:, 0], low[1] + tall * (y + strength * y * (1 - y))], axis=1)

    return [moved(stroke) for stroke in strokes]


def _bent(stroke: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """Return the stroke along a wave, so that no line of it is straight."""
    return stroke + np.sin(stroke * 5) @ bend
