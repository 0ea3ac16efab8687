"""Digits by made-up writers, in ways that a small data set does not hold."""

import hashlib
import random

from loop.feedback import Example
from training.data.drawing import STROKES, drawing, encoded

# A seven with a bar and a foot, as nobody wrote it in the bundled digits.
CROSSED = [[(24, 14), (76, 14), (46, 90)], [(34, 52), (74, 52)], [(28, 90), (66, 90)]]


def png(strokes: list[list[tuple[float, float]]], writer: random.Random) -> bytes:
    """Return a picture of strokes as this writer's hand draws them now."""
    name = "written"
    STROKES[name] = [  # type: ignore[assignment]
        [(x + writer.uniform(-4, 4), y + writer.uniform(-4, 4)) for x, y in stroke] for stroke in strokes
    ]
    try:
        return encoded(drawing(name, pen_px=writer.uniform(12, 20), side_px=112))
    finally:
        del STROKES[name]


def crossed_sevens(count: int, seed: int) -> list[Example]:
    """Return crossed sevens by a writer, labelled as people correct them."""
    writer = random.Random(seed)
    return [example(png(CROSSED, writer), "7") for _ in range(count)]


def example(picture: bytes, label: str | None) -> Example:
    """Return a picture with what somebody said of it."""
    return Example(picture, label, hashlib.sha256(picture).digest())
