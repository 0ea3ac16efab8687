"""The empty sheet below a drawing, and how far each pixel lies from it."""

from dataclasses import dataclass

import cv2
import numpy as np

# Two grey levels: a residual below this is as good as the 8 bits allow.
EXACT = 2 / 255
# If this share of the picture has one colour that the border has too, that is an even sheet, as drawing
# programs make it. Strokes may then fill up to three quarters.
EVEN_SHARE = 0.25
# The border is a ring of this share of the shorter side.
RING_SHARE = 0.06
# Light varies slowly: its map needs no more pixels than this on the longer side.
SHEET_SIDE_PX = 72
# The window of the median, of the longer side: more than twice as wide as a stroke, so that paper has the
# majority in it, and small enough to follow a shadow.
WINDOW_SHARE = 0.28
# How often what was found to be ink is replaced by paper and the median taken again. The first pass leaves
# holes where strokes cross and have the majority; once their surroundings are replaced, they lose it.
PASSES = 3
# Of the strongest ink: what is surely ink.
SURE_SHARE = 0.3
# The median of a Gaussian's absolute values is 0.6745 sigma.
SIGMA_PER_MEDIAN = 1 / 0.6745


@dataclass(frozen=True)
class Paper:
    """The empty sheet.

    Attributes:
        sheet: float32 (height, width, 4), premultiplied RGBA, 0..1; a small map of the whole picture.
        noise: the median distance of paper pixels from the sheet, 0..2.
    """

    sheet: np.ndarray
    noise: float

    def distance(
        self, pixels: np.ndarray, window: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)
    ) -> np.ndarray:
        """Give how far each pixel lies from the paper: float32 (height, width), 0 = paper .. 2.

        Args:
            pixels: float32 (height, width, 4), premultiplied RGBA, 0..1.
            window: which part of the whole picture they show: left, right, top, bottom as shares 0..1.
        """
        if self.sheet.shape[:2] == (1, 1):
            return _norm(pixels - self.sheet[0, 0])
        height, width = pixels.shape[:2]
        rows, columns = self.sheet.shape[:2]
        left, right, top, bottom = window
        # Where each pixel's centre lies on the sheet's own grid.
        x = (left + (right - left) * (np.arange(width, dtype=np.float32) + 0.5) / width) * columns - 0.5
        y = (top + (bottom - top) * (np.arange(height, dtype=np.float32) + 0.5) / height) * rows - 0.5
        x_map, y_map = np.broadcast_to(x, (height, width)), np.broadcast_to(y[:, None], (height, width))
        light = cv2.remap(
            self.sheet, x_map.astype(np.float32), y_map.astype(np.float32), cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return _norm(pixels - light)


def find_paper(pixels: np.ndarray) -> Paper:
    """Give the paper of a picture.

    An even sheet is its one colour. Otherwise the light is mapped by a wide median, which follows gradients
    and keeps the edges of shadows, with the ink taken out step by step.

    Args:
        pixels: float32 (height, width, 4), premultiplied RGBA, 0..1, a few thousand pixels.
    """
    height, width = pixels.shape[:2]
    ring = max(1, round(RING_SHARE * min(height, width)))
    border = np.concatenate(
        [part.reshape(-1, 4) for part in (pixels[:ring], pixels[-ring:], pixels[:, :ring], pixels[:, -ring:])]
    )
    even = _most_frequent(border)
    if np.mean(_norm(pixels - even) <= EXACT) >= EVEN_SHARE:
        return Paper(even.reshape(1, 1, 4), 0.0)

    factor = max(1.0, max(height, width) / SHEET_SIDE_PX)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    window = 2 * round(WINDOW_SHARE * max(size) / 2) + 1
    paper = small
    for _ in range(PASSES):
        sheet = _median(paper, window)
        away = _norm(small - sheet)
        sure = away > max(SURE_SHARE * float(np.quantile(away, 0.995)), 4 * float(np.median(away)))
        paper = np.where(sure[..., None], sheet, small)
    return Paper(sheet, float(np.median(Paper(sheet, 0.0).distance(pixels))))


def _median(pixels: np.ndarray, window: int) -> np.ndarray:
    """Give the median of each channel over a square window, float32 like the pixels, to 8 bits."""
    eight = np.rint(pixels * 255).astype(np.uint8)
    return cv2.medianBlur(eight, max(window, 3)).astype(np.float32) / 255


def _norm(difference: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...c,...c->...", difference, difference))


def _most_frequent(colours: np.ndarray) -> np.ndarray:
    """Give the colour that most rows of float32 (count, 4) share, to 8 bits a channel."""
    packed = np.ascontiguousarray(np.rint(colours * 255).astype(np.uint8)).view(np.uint32).ravel()
    values, counts = np.unique(packed, return_counts=True)
    return values[[counts.argmax()]].view(np.uint8).astype(np.float32) / 255
