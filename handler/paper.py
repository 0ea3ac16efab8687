"""The empty sheet below a drawing whose light is uneven, and how far each pixel lies from it."""

from dataclasses import dataclass

import cv2
import numpy as np

from handler.marks import AROUND, FAINTEST

# The paper is fitted, and the drawing found, on a copy of at most this many pixels a side.
COARSE_SIDE_PX = 144
# What noise can reach, for its median: the norm of three Gaussian channels has its median at 1.54 sigma and
# 0.1 % of its mass beyond 4.03 sigma.
FLOOR_PER_MEDIAN = 4.03 / 1.54
# Light varies slowly: its map needs no more pixels than this on the longer side.
SHEET_SIDE_PX = 72
# The window of the median, of the longer side: more than twice as wide as a stroke, so that paper has the
# majority in it, and small enough to follow a shadow.
WINDOW_SHARE = 0.28
# How often what was found to be ink is replaced by paper and the median taken again. The first pass leaves
# holes where strokes cross and have the majority; once their surroundings are replaced, they lose it.
PASSES = 3
# How far a shadow's edge may lie beside where the map has it, of the longer side. Within this reach every
# colour between the darkest and the lightest paper is paper.
REACH_SHARE = 0.05
# Of the strongest ink: what is surely ink.
SURE_SHARE = 0.3
# How much of the border smooth light explains, where there is nothing else on it.
SMOOTH_SHARE = 0.95


@dataclass(frozen=True)
class Paper:
    """The empty sheet: which colours paper may have, place by place.

    Attributes:
        darkest: float32 (height, width, 4), premultiplied RGBA, 0..1; a small map of the whole picture.
        lightest: the same, nowhere darker; equal where light is even.
        side: float32 (4,), a direction of colour: only what lies on this side of the paper is ink.
        noise: the median distance of paper pixels from the sheet, 0..2.
    """

    darkest: np.ndarray
    lightest: np.ndarray
    side: np.ndarray
    noise: float

    def distance(
        self,
        pixels: np.ndarray,
        window: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0),
    ) -> np.ndarray:
        """Return how far each pixel lies from the paper: float32 (height, width), 0 = paper .. 2.

        Args:
            pixels: float32 (height, width, 4), premultiplied RGBA, 0..1.
            window: which part of the whole picture they show: left, right, top, bottom as shares 0..1.
        """
        darkest, lightest = (
            _magnified(light, pixels.shape[:2], window) for light in (self.darkest, self.lightest)
        )
        away = pixels - np.clip(pixels, darkest, lightest)
        return _norm(away) * (away @ self.side > 0)

    def step(self, marks: np.ndarray) -> float:
        """Return how far apart the colours are that paper may have on and beside marks: 0 = one colour .. 2.

        Args:
            marks: bool (rows, columns), a map of the whole picture.
        """
        height, width = self.darkest.shape[:2]
        shares = cv2.resize(marks.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        beside = cv2.dilate((shares > 0).view(np.uint8), AROUND) > 0
        return float(_norm(self.lightest - self.darkest)[beside].max(initial=0))

    def is_elsewhere(self, smooth: "Paper") -> bool:
        """Tell whether this paper lacks somewhere the colour that `smooth`, a map of its size, has."""
        lit = smooth.darkest
        return bool(_norm(lit - np.clip(lit, self.darkest, self.lightest)).max() > FAINTEST)


def find_paper(pixels: np.ndarray) -> Paper:
    """Return the paper of a picture.

    The light is mapped by a wide median, which follows gradients and keeps the edges of shadows, with the ink
    taken out step by step.

    Args:
        pixels: float32 (height, width, 4), premultiplied RGBA, 0..1, a few thousand pixels.
    """
    small = _small(pixels)
    longer = max(small.shape[:2])
    window = max(3, 2 * round(WINDOW_SHARE * longer / 2) + 1)
    reach = np.ones([2 * round(REACH_SHARE * longer) + 1] * 2, np.uint8)
    paper = small
    for _ in range(PASSES):
        # At the border half the window is missing: without its slope taken out first, light would seem to
        # level off there.
        plane = _plane(paper)
        sheet = plane + _median(paper - plane, window)
        darkest, lightest = cv2.erode(sheet, reach), cv2.dilate(sheet, reach)
        away = small - np.clip(small, darkest, lightest)
        distance = _norm(away)
        # A gap of light between shadows can be as wide as a stroke, but it lies on the other side of the
        # paper than ink. Ink is what lies farthest, hence the high power.
        side = np.einsum("yx,yxc->c", distance**3, away)
        distance *= away @ side > 0
        sure = distance > max(
            SURE_SHARE * float(np.quantile(distance, 0.995)), 4 * float(np.median(distance))
        )
        paper = np.where(sure[..., None], sheet, small)
    return Paper(darkest, lightest, side, float(np.median(_norm(small - sheet))))


def border_paper(pixels: np.ndarray) -> Paper | None:
    """Return the paper of a picture as its border has it: smooth light, which no pen bends.

    None where the border has more than that: a shadow, a sheet's edge, or a stroke that leaves the picture.

    Args:
        pixels: float32 (height, width, 4), premultiplied RGBA, 0..1, a few thousand pixels.
    """
    small = _small(pixels)
    height, width = small.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    terms = np.concatenate(np.broadcast_arrays(np.float32(1), x, y, x * x, x * y, y * y), axis=2)
    border, light = _border(small), _border(terms)
    weights = np.linalg.lstsq(light, border, rcond=None)[0]
    if np.quantile(_norm(border - light @ weights), SMOOTH_SHARE) > FAINTEST:
        return None
    paper = np.clip(terms @ weights, 0, 1).astype(np.float32)
    away = small - paper
    distance = _norm(away)
    return Paper(paper, paper, np.einsum("yx,yxc->c", distance**3, away), float(np.median(distance)))


def _small(pixels: np.ndarray) -> np.ndarray:
    """Return a picture of as many pixels as a map of its light needs, float32 (rows, columns, 4)."""
    height, width = pixels.shape[:2]
    factor = max(1.0, max(height, width) / SHEET_SIDE_PX)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _border(pixels: np.ndarray) -> np.ndarray:
    """Return the outermost pixels, (count, channels)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _magnified(
    light: np.ndarray, shape: tuple[int, ...], window: tuple[float, float, float, float]
) -> np.ndarray:
    """Return a part of a light map, float32 (rows, columns, 4), at another resolution."""
    (height, width), (rows, columns) = shape, light.shape[:2]
    left, right, top, bottom = window
    # Where each pixel's centre lies on the map's own grid.
    x = (left + (right - left) * (np.arange(width, dtype=np.float32) + 0.5) / width) * columns - 0.5
    y = (top + (bottom - top) * (np.arange(height, dtype=np.float32) + 0.5) / height) * rows - 0.5
    x_map, y_map = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return cv2.remap(light, x_map, y_map, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _plane(pixels: np.ndarray) -> np.ndarray:
    """Return the plane through each channel with the least squared error, float32 of the same shape."""
    height, width = pixels.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    # On a full grid, 1, x and y are orthogonal, so each slope is a projection by itself.
    x_slope = (pixels * x).mean(axis=(0, 1)) / max(float((x * x).mean()), 1e-6)
    y_slope = (pixels * y).mean(axis=(0, 1)) / max(float((y * y).mean()), 1e-6)
    return pixels.mean(axis=(0, 1)) + x * x_slope + y * y_slope


def _median(difference: np.ndarray, window: int) -> np.ndarray:
    """Return the median of each channel over a square window, to 8 bits; values beyond ±0.5 count as ±0.5."""
    eight = np.clip(np.rint(difference * 255) + 128, 0, 255).astype(np.uint8)
    return (cv2.medianBlur(eight, window).astype(np.float32) - 128) / 255


def _norm(difference: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...c,...c->...", difference, difference))
