"""A drawing on a sheet before anything else is on it, and what a file shows of it: canvas, scan or photo."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from training.data.paint import BLACK, WHITE, Picture, lit, opaque, photographed
from training.data.strokes import Drawn, placed, rasterise, smooth

LOOKS = ("canvas", "scan", "photo")


@dataclass(frozen=True)
class Sheet:
    """A drawing's place on a sheet, and the colours of both.

    Attributes:
        cover: float32 (height, width), 0..1, how much of each pixel the pen covers.
        low: float (2,), x and y of the drawing's box, its upper left corner.
        high: float (2,), the lower right one.
        pen_px: the pen's width.
        pen: float32 (3,), 0..1, its colour.
        paper: the same of the sheet.
        look: one of LOOKS.
    """

    cover: np.ndarray
    low: np.ndarray
    high: np.ndarray
    pen_px: float
    pen: np.ndarray
    paper: np.ndarray
    look: str

    @property
    def box_px(self) -> float:
        """Return the longer side of the drawing's box."""
        return float((self.high - self.low).max())

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height."""
        return self.cover.shape[1], self.cover.shape[0]

    def inked(self, *covers: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Return the sheet with covers and their colours below the drawing: float32 (height, width, 3)."""
        rgb = np.broadcast_to(self.paper, (*self.cover.shape, 3))
        for cover, colour in (*covers, (self.cover, self.pen)):
            rgb = rgb + (colour - rgb) * cover[..., None]
        return np.asarray(rgb, np.float32)

    def ink_like(self, random: np.random.Generator, weakest: float, strongest: float = 1.0) -> np.ndarray:
        """Return a colour whose distance from the paper is this share of the pen's, perhaps tinted."""
        colour = self.paper + (self.pen - self.paper) * random.uniform(weakest, strongest)
        if random.random() < 0.5:
            away = random.uniform(0, 0.35) * np.eye(3)[random.integers(3)]
            colour = colour + away if self.paper.mean() > 0.5 else colour - away
        return np.clip(colour, 0, 1).astype(np.float32)


def laid(
    drawn: Drawn,
    random: np.random.Generator,
    *,
    looks: tuple[float, float, float],
    box_share: tuple[float, float] = (0.3, 0.75),
    pen_share: tuple[float, float] = (0.02, 0.11),
    margin: float = 0.0,
    pen_of: Callable[[list[np.ndarray], tuple[int, int], float], np.ndarray] = rasterise,
    least_px: float = 40,
) -> Sheet:
    """Return a sheet of 40 to 670 pixels a side with the drawing somewhere on it; empty without strokes.

    Args:
        drawn: what is drawn.
        random: chooses.
        looks: how often each of LOOKS is taken.
        box_share: the drawing's longer side, as shares of the sheet's shorter one.
        pen_share: the pen's width, as shares of the drawing's longer side; chosen by its logarithm.
        margin: the least distance of the drawing from the border, as a share of its longer side.
        pen_of: draws strokes in pixels on a canvas of a size with a pen of a width.
        least_px: the shorter side of the smallest canvas; scans and photos are larger.
    """
    look = str(random.choice(LOOKS, p=looks))
    shorter = np.exp(random.uniform(*np.log((least_px, 420) if look == "canvas" else (150, 420))))
    width, height = (round(shorter * side) for side in random.permutation([1.0, random.uniform(1, 1.6)]))
    box = shorter * random.uniform(*box_share)
    pen_px = max(0.9, box * np.exp(random.uniform(*np.log(pen_share))))
    strokes = drawn.strokes or (np.array([[0, 0], [random.uniform(0.3, 1), 1]], np.float32),)
    extent = np.ptp(np.concatenate(placed(strokes, box, 0, 0)), axis=0)
    least = pen_px / 2 + 1 + margin * box
    room = np.maximum(np.array([width, height]) - extent - 2 * least, 0)
    left, top = least + room * random.random(2)
    lines = [smooth(stroke, int(random.integers(0, 3))) for stroke in placed(strokes, box, left, top)]
    cover = pen_of(lines if drawn.strokes else [], (width, height), pen_px)
    points = np.concatenate(lines)
    pen, paper = _colours(look, random)
    return Sheet(cover, points.min(axis=0), points.max(axis=0), float(pen_px), pen, paper, look)


def developed(sheet: Sheet, rgb: np.ndarray, random: np.random.Generator) -> Picture:
    """Return the picture of a sheet, as its look has it.

    Args:
        sheet: the sheet.
        rgb: float32 (height, width, 3), 0..1, with all that lies on it.
        random: chooses.
    """
    if sheet.look == "canvas":
        lossy = random.random() < 0.2
        return Picture(opaque(rgb), int(random.integers(40, 95)) if lossy else None, sheet.cover)
    if sheet.look == "scan":
        rgb = cv2.GaussianBlur(rgb, (0, 0), random.uniform(0.3, 1.0))
        rgb = rgb + np.float32(random.uniform(0, 0.025)) * random.standard_normal(rgb.shape, np.float32)
        return Picture(opaque(rgb), int(random.integers(40, 95)), sheet.cover)
    rgb = cv2.GaussianBlur(rgb, (0, 0), random.uniform(0.4, 0.5 + 0.003 * min(rgb.shape[:2])))
    return replace(photographed(rgb, lit(rgb.shape[:2], random), random), cover=sheet.cover)


def _colours(look: str, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a pen's and a paper's colour, float32 (3,) each, 0..1, that a person can tell apart."""
    if look == "canvas":
        way = random.random()
        if way < 0.55:
            return BLACK, WHITE
        if way < 0.75:
            return WHITE, BLACK
        while True:
            pen, paper = random.random((2, 3)).astype(np.float32)
            if np.linalg.norm(pen - paper) > 0.6:
                return pen, paper
    if look == "photo" and random.random() < 0.06:  # a blackboard
        return (1 - random.uniform(0, 0.2, 3)).astype(np.float32), random.uniform(0.05, 0.25, 3).astype(
            np.float32
        )
    paper = np.float32(1) - random.uniform(0, 0.12, 3).astype(np.float32)
    pen = random.uniform(0, 0.55) + random.choice([0, 0.2, 0.4]) * np.eye(3)[random.choice([2, 2, 0, 1])]
    return np.clip(pen, 0, 0.75).astype(np.float32), paper
