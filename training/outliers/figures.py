"""Drawings of things: faces, clothes, people, and some that are kept for the report."""

import numpy as np

from training.outliers.hand import Strokes, arc, closed, hatched, line, star_of


def face(random: np.random.Generator) -> Strokes:
    """Return an oval with eyes and a mouth, often with a nose, hair or ears."""
    width, height = random.uniform(36, 50), random.uniform(42, 55)
    apart, eye_y, mouth_y = random.uniform(13, 22), 50 - random.uniform(5, 20), 50 + random.uniform(14, 27)
    parts = [arc(50, 50, width, height)]
    eyes = random.integers(4)
    for x in (50 - apart, 50 + apart):
        if eyes == 0:
            parts += hatched((arc(x, eye_y, 4, 5),), 6)
        elif eyes == 1:
            parts.append(arc(x, eye_y, random.uniform(5, 9), 5))
        elif eyes == 2:
            parts.append(line((x, eye_y - 5), (x, eye_y + 5)))
        else:
            parts.append(arc(x, eye_y + 3, 8, 6, 180, 180))
    mouth = random.random()
    if mouth < 0.55:
        parts.append(arc(50, mouth_y - 8, random.uniform(14, 24), random.uniform(8, 16), 15, 150))
    elif mouth < 0.7:
        parts.append(arc(50, mouth_y + 6, 16, 10, 200, 140))
    elif mouth < 0.85:
        parts.append(line((35, mouth_y), (65, mouth_y)))
    else:
        parts.append(arc(50, mouth_y, random.uniform(6, 16), random.uniform(5, 9)))
    if random.random() < 0.45:
        parts.append(
            line((50, 45), (45, 60), (52, 60)) if random.random() < 0.5 else line((50, 46), (50, 60))
        )
    if random.random() < 0.35:
        for x in np.linspace(50 - width * 0.8, 50 + width * 0.8, int(random.integers(4, 10))):
            y = 50 - height * np.sqrt(max(0.0, 1 - ((x - 50) / width) ** 2))
            parts.append(line((x, y + 3), (x + random.normal(0, 4), y - random.uniform(8, 22))))
    if random.random() < 0.25:
        parts += [arc(50 - width - 4, 50, 6, 10, 90, 180), arc(50 + width + 4, 50, 6, 10, -90, 180)]
    return tuple(parts)


def clothes(random: np.random.Generator) -> Strokes:
    """Return one of Fashion-MNIST's kinds: its outline, hatched or filled."""
    kinds = (_shirt, _trousers, _dress, _boot, _shoe, _bag, _sandal)
    outline, *details = kinds[random.integers(len(kinds))](random)
    style = random.random()
    if style < 0.4:
        return (outline, *details)
    if style < 0.55:
        return (*hatched((outline,), int(random.integers(7, 14)), bool(random.integers(2))), *details)
    return (*hatched((outline,)), *details)


def stick_figure(random: np.random.Generator) -> Strokes:
    """Return a head, a body, arms and legs."""
    head, hip, foot = random.uniform(11, 16), random.uniform(58, 68), random.uniform(14, 28)
    hand_y, reach = random.uniform(20, 65), random.uniform(22, 34)
    return (
        arc(50, head, head, head),
        line((50, 2 * head), (50, hip)),
        line((50 - foot, 100), (50, hip), (50 + foot, 100)),
        line((50 - reach, hand_y), (50, 40), (50 + reach, hand_y + random.normal(0, 12))),
    )


def house(random: np.random.Generator) -> Strokes:
    """Return walls and a roof, mostly with a door and a window. Kept for the report."""
    high, eave = random.uniform(35, 55), random.uniform(0, 10)
    parts = [
        closed((10, 100), (10, 100 - high), (90, 100 - high), (90, 100)),
        line((10 - eave, 100 - high), (50, random.uniform(0, 15)), (90 + eave, 100 - high)),
    ]
    if random.random() < 0.8:
        x = random.uniform(20, 55)
        parts.append(line((x, 100), (x, 72), (x + 16, 72), (x + 16, 100)))
    if random.random() < 0.6:
        parts.append(closed((62, 65), (80, 65), (80, 82), (62, 82)))
    if random.random() < 0.4:
        parts.append(line((70, 35), (70, 5), (82, 5), (82, 45)))
    return tuple(parts)


def fish(random: np.random.Generator) -> Strokes:
    """Return a body, a tail and an eye. Kept for the report."""
    high, tail = random.uniform(16, 32), random.uniform(14, 28)
    turned = random.choice([-1, 1])
    parts = [
        arc(42, 50, 42, high, 20, 320),
        line((81, 50 - high * 0.34), (104, 50 - tail), (98, 50), (104, 50 + tail), (81, 50 + high * 0.34)),
        arc(20, 44, 3, 3),
    ]
    if random.random() < 0.5:
        parts.append(arc(26, 50, 8, high * 0.8, -60, 120))
    return tuple((part * [turned, 1]).astype(np.float32) for part in parts)


def flower(random: np.random.Generator) -> Strokes:
    """Return a blossom on a stem with leaves. Kept for the report."""
    petals = star_of(int(random.integers(5, 8)), 1)[:-1:2]
    ring = [arc(50 + (x - 50) * 0.36, 28 + (y - 50) * 0.36, 12, 12) for x, y in petals]
    stem = [line((50, 46), (50 + random.normal(0, 5), 75), (50, 112))]
    leaves = [arc(62, 85, 13, 6), arc(38, 92, 13, 6)][: random.integers(0, 3)]
    return (arc(50, 28, 8, 8), *ring, *stem, *leaves)


def _shirt(random: np.random.Generator) -> Strokes:
    sleeve, cuff = random.uniform(28, 85), random.uniform(9, 16)
    low = random.uniform(85, 110)
    left = [(38, 5), (22, 8), (2, sleeve), (2 + cuff, sleeve + 6), (26, 36), (26, low)]
    right = [(100 - x, y) for x, y in reversed(left)]
    seams = (line((50, 12), (50, low)),) if random.random() < 0.3 else ()
    return (closed(*left, *right, (50, random.uniform(8, 18))), *seams)


def _trousers(random: np.random.Generator) -> Strokes:
    low, leg, crotch = random.uniform(95, 120), random.uniform(13, 19), random.uniform(25, 45)
    foot = random.uniform(20, 30)
    outline = closed((30, 0), (70, 0), (50 + foot, low), (50 + foot - leg, low), (50, crotch),
                     (50 - foot + leg, low), (50 - foot, low))  # fmt: skip
    return outline, line((29, 9), (71, 9))


def _dress(random: np.random.Generator) -> Strokes:
    waist, hem = random.uniform(9, 15), random.uniform(18, 40)
    left = [(40, 0), (36, 20), (50 - waist, 45), (50 - hem, 115)]
    return (closed(*left, *[(100 - x, y) for x, y in reversed(left)], (50, random.uniform(8, 16))),)


def _boot(random: np.random.Generator) -> Strokes:
    toe = random.uniform(85, 100)
    return (
        closed(
            (20, 0), (52, 0), (54, 55), (toe - 10, 72), (toe, 88), (toe, 100), (42, 100), (38, 92), (20, 100)
        ),
        line((20, 92), (toe, 92)),
    )


def _shoe(random: np.random.Generator) -> Strokes:
    high = random.uniform(30, 45)
    outline = closed(
        (0, 62 - high), (12, 56 - high * 0.6), (30, 60 - high), (60, 42), (95, 50), (100, 62), (0, 62)
    )
    laces = tuple(line((34 + 8 * i, 60 - high + 7 * i), (44 + 8 * i, 72 - high + 5 * i)) for i in range(3))
    return (outline, line((0, 56), (100, 56)), *laces)


def _bag(random: np.random.Generator) -> Strokes:
    high = random.uniform(45, 75)
    outline = closed((5, 30), (95, 30), (100, 30 + high), (0, 30 + high))
    return outline, arc(50, 30, random.uniform(18, 32), random.uniform(20, 32), 180, 180)


def _sandal(random: np.random.Generator) -> Strokes:
    heel = random.uniform(15, 45)
    sole = closed((0, 60 - heel), (12, 58 - heel), (55, 52), (100, 54), (100, 60), (50, 60), (14, 66 - heel),
                  (8, 62), (2, 62))  # fmt: skip
    return sole, line((0, 60 - heel), (20, 25 - heel / 3), (38, 50)), arc(78, 54, 16, 16, 180, 180)
