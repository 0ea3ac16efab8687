"""Digits that are no longer digits: several in one drawing, one over the other, in pieces, struck out."""

import numpy as np

from training.data.paint import Picture
from training.data.strokes import Drawn, placed
from training.outliers.hand import Strokes, by_hand
from training.outliers.shapes import scribble


def several(digits: list[Drawn], random: np.random.Generator) -> Strokes:
    """Return two to five digits in a row, in a column, or in two rows, at most touching."""
    count = int(random.choice([2, 2, 2, 3, 3, 4, 5]))
    layout = random.random()
    found: list[np.ndarray] = []
    edge, rows = 0.0, 2 if layout > 0.85 and count >= 3 else 1
    for number in range(count):
        drawn = digits[random.integers(len(digits))]
        strokes = placed(drawn.strokes, 100 * random.uniform(0.8, 1.1), 0, 0)
        wide, high = np.concatenate(strokes).max(axis=0)
        gap = random.uniform(0.0, 45)
        if 0.7 < layout <= 0.85:
            corner = ((100 - wide) / 2 + random.normal(0, 8), edge)
            edge += high + gap
        else:
            corner = (edge, (number % rows) * (100 + gap) + random.normal(0, 6))
            edge += (wide + gap) * (number % rows == rows - 1)
        found += [(stroke + corner).astype(np.float32) for stroke in strokes]
    return tuple(found)


def overlaid(digits: list[Drawn], random: np.random.Generator) -> Strokes:
    """Return two or three digits, no two alike and none a 1, written over each other and beside the point.

    A 1 is left out because a 0 or a 7 with a line through it is still a 0 or a 7.
    """
    found: list[np.ndarray] = []
    labels: set[int] = {1}
    for _ in range(int(random.choice([2, 3, 3]))):
        drawn = _other(digits, labels, random)
        labels.add(drawn.label)
        strokes = by_hand(tuple(placed(drawn.strokes, 100, 0, 0)), random)
        size, place = random.uniform(0.75, 1.15), random.uniform(-30, 30, 2)
        found += [(stroke * size + place).astype(np.float32) for stroke in strokes]
    return tuple(found)


def pieces(digits: list[Drawn], random: np.random.Generator) -> Strokes:
    """Return four to eight parts cut out of digits' strokes, strewn and turned."""
    found = []
    for _ in range(int(random.integers(4, 9))):
        drawn = digits[random.integers(len(digits))]
        stroke = max(placed(drawn.strokes, 100, 0, 0), key=len)
        length = max(2, int(len(stroke) * random.uniform(0.25, 0.6)))
        start = int(random.integers(0, max(1, len(stroke) - length)))
        angle = random.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        part = (stroke[start : start + length] - stroke[start]) @ turn
        found.append((part * random.uniform(0.5, 1) + random.uniform(0, 130, 2)).astype(np.float32))
    return tuple(found)


def struck_out(digits: list[Drawn], random: np.random.Generator) -> Strokes:
    """Return a digit with a scribble over it."""
    drawn = digits[random.integers(len(digits))]
    over = scribble(random)
    size = random.uniform(60, 110)
    where = (random.uniform(-10, 30), random.uniform(-10, 30))
    return (*placed(drawn.strokes, 100, 0, 0), *placed(over, size, *where))


def several_scanned(images: np.ndarray, random: np.random.Generator) -> Picture:
    """Return two to four scanned digits, uint8 (count, 28, 28), side by side or stacked, in a picture."""
    cut = [_cut(images[random.integers(len(images))]) for _ in range(int(random.choice([2, 2, 3, 4])))]
    upright = random.random() < 0.2
    cut = [one.T for one in cut] if upright else cut
    high = max(len(one) for one in cut)
    strips = []
    for one in cut:
        above = int(random.integers(0, high - len(one) + 1))
        strips.append(np.pad(one, ((above, high - len(one) - above), (0, int(random.integers(0, 9))))))
    row = np.concatenate(strips, axis=1)
    return _printed(row.T if upright else row, random)


def overlaid_scanned(images: np.ndarray, random: np.random.Generator) -> Picture:
    """Return three scanned digits, uint8 (count, 28, 28), one over the other, in a small picture."""
    sheet = np.zeros((44, 44), np.uint8)
    for index in random.integers(len(images), size=3):
        top, left = random.integers(0, 17, 2)
        part = sheet[top : top + 28, left : left + 28]
        np.maximum(part, images[index], out=part)
    return _printed(sheet, random)


def _other(digits: list[Drawn], labels: set[int], random: np.random.Generator) -> Drawn:
    """Return a digit with none of these labels."""
    while True:
        drawn = digits[random.integers(len(digits))]
        if drawn.label not in labels:
            return drawn


def _cut(image: np.ndarray) -> np.ndarray:
    """Return an image cut to its ink's box."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _printed(ink: np.ndarray, random: np.random.Generator) -> Picture:
    """Return a picture of ink, uint8 (height, width), 255 = ink, with a margin and of either polarity."""
    gray = np.pad(ink, int(random.integers(3, 12)))
    gray = gray if random.random() < 0.5 else 255 - gray
    return Picture(np.dstack([gray, gray, gray, np.full_like(gray, 255)]))
