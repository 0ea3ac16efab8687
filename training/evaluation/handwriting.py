"""Other hands a second time: forms drawn from scratch, or the held-out writers' strokes pulled out of shape.

As training.evaluation.sheets is to training.data.paint, so this is to training.data.hands.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from training.data.strokes import Drawn
from training.evaluation import sheets

Lines = list[list[tuple[float, float]]]
SURFACES = (sheets.plain, sheets.plain, sheets.thick, sheets.inverted, sheets.small, sheets.photo)


def hands(drawn: Drawn, random: np.random.Generator) -> bytes:
    """In a form that the recorded writers do not use, on any of the plain sheets."""
    form = FORMS.get(drawn.label)
    if form is not None and random.random() < 0.75:
        lines = form(random, lambda low, high: float(random.uniform(low, high)))
        strokes = tuple(np.array(line, np.float32) for line in lines)
    else:
        pull = np.array([1.0, random.uniform(0.72, 1.35)])
        strokes = tuple((stroke * pull).astype(np.float32) for stroke in drawn.strokes)
    paint = SURFACES[random.integers(len(SURFACES))]
    return paint(replace(drawn, strokes=strokes), random)


def _oval(
    x: float, y: float, wide: float, high: float, start: float = -90, sweep: float = 360, points: int = 28
) -> list[tuple[float, float]]:
    angle = np.deg2rad(np.linspace(start, start + sweep, points))
    return [(x + wide * float(np.cos(one)), y + high * float(np.sin(one))) for one in angle]


def _zero(random: np.random.Generator, pick: Callable[[float, float], float]) -> Lines:
    wide, high = pick(24, 40), 50.0
    oval = _oval(50, 50, wide, high, pick(-120, -60), pick(340, 370))
    over = pick(0.85, 1.3)
    slash = [(50 - wide * over, 50 + high * over * 0.8), (50 + wide * over, 50 - high * over * 0.8)]
    return [oval, slash if random.random() < 0.9 else slash[::-1]]


def _one(random: np.random.Generator, pick: Callable[[float, float], float]) -> Lines:
    foot, lean = pick(12, 32), pick(-6, 6)
    flag = [(50 - pick(15, 35), pick(14, 36)), (50 + lean, 0.0)]
    stem = [(50 + lean, 0.0), (50.0, 100.0)]
    return [[*flag, stem[1]], [(50 - foot, 100 + pick(-2, 2)), (50 + foot, 100 + pick(-2, 2))]]


def _four(random: np.random.Generator, pick: Callable[[float, float], float]) -> Lines:
    apex, bar = pick(52, 70), pick(56, 74)
    corner, end, foot = (pick(2, 16), bar), (pick(84, 104), bar + pick(-4, 4)), (apex + pick(-8, 4), 100.0)
    if random.random() < 0.5:
        return [[(apex, 0.0), corner, end], [(apex + pick(-1, 2), pick(-2, 4)), foot]]
    return [[foot, (apex, 0.0), corner, end]]


def _six(random: np.random.Generator, pick: Callable[[float, float], float]) -> Lines:
    if random.random() < 0.35:  # angular
        left, knee = pick(8, 20), pick(50, 62)
        right = pick(62, 80)
        return [
            [
                (pick(56, 76), 0.0),
                (left, knee),
                (left + 2, 96.0),
                (right, 98.0),
                (right, knee + 4),
                (left, knee + 8),
            ]
        ]
    if random.random() < 0.5:  # a tiny loop at the end of a long stem
        loop, low = pick(11, 17), 100.0
        stem = [(72.0, 0.0), (48.0, 22.0), (32.0, 52.0), (30.0, low - loop)]
        return [stem + _oval(30 + loop, low - loop, loop, loop, 180, -380)]
    wide, high = pick(34, 46), pick(22, 30)  # squat
    stem = [(50 + wide * 0.7, 0.0), (50 - wide * 0.5, 22.0), (50 - wide, 72 - high * 0.4)]
    return [stem + _oval(50, 72, wide, high, 180, -370)]


def _seven(random: np.random.Generator, pick: Callable[[float, float], float]) -> Lines:
    foot, bar = (pick(26, 42), 100.0), pick(44, 58)
    stroke = [(pick(2, 14), pick(0, 8)), (80.0, 0.0), foot]
    middle = 80 + (foot[0] - 80) * bar / 100
    cross = [(middle - pick(16, 28), bar + pick(-2, 4)), (middle + pick(16, 28), bar + pick(-4, 2))]
    return [stroke + cross] if random.random() < 0.6 else [stroke, cross]


FORMS: dict[int, Callable[[np.random.Generator, Callable[[float, float], float]], Lines]] = {
    0: _zero, 1: _one, 4: _four, 6: _six, 7: _seven,
}  # fmt: skip
