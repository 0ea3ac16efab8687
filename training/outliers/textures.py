"""Pictures without a drawing: noise, clouds, stripes, cloth, blots, as a camera or a mistake sends them."""

import cv2
import numpy as np

from training.data.paint import Picture


def texture(random: np.random.Generator) -> Picture:
    """Return a picture of one of the kinds below, 60 to 300 pixels a side, some as JPEG."""
    width, height = (int(side) for side in random.integers(60, 300, 2))
    kinds = (_noise, _clouds, _stripes, _cloth, _tiles, _blots)
    gray = np.asarray(kinds[random.integers(len(kinds))](width, height, random), float)
    low, high = np.sort(random.uniform(0, 1, 2))
    gray = low + (gray - gray.min()) / max(float(np.ptp(gray)), 1e-6) * max(high - low, 0.2)
    tint = random.uniform(0.7, 1, 3)
    rgb = np.rint(np.clip(gray[..., None] * tint, 0, 1) * 255).astype(np.uint8)
    pixels = np.dstack([rgb, np.full(gray.shape, 255, np.uint8)])
    return Picture(pixels, jpeg_quality=int(random.integers(30, 95)) if random.random() < 0.4 else None)


def _noise(width: int, height: int, random: np.random.Generator) -> np.ndarray:
    return random.standard_normal((height, width)) ** int(random.choice([1, 1, 3]))


def _clouds(width: int, height: int, random: np.random.Generator) -> np.ndarray:
    soft = cv2.GaussianBlur(random.standard_normal((height, width)), (0, 0), random.uniform(2, 0.12 * width))
    return soft > np.quantile(soft, random.uniform(0.3, 0.8)) if random.random() < 0.4 else soft


def _stripes(width: int, height: int, random: np.random.Generator) -> np.ndarray:
    wave = np.sin(_along(width, height, random) * random.uniform(4, 25))
    return wave > random.uniform(-0.7, 0.7) if random.random() < 0.5 else wave


def _cloth(width: int, height: int, random: np.random.Generator) -> np.ndarray:
    threads = [np.sin(_along(width, height, random) * random.uniform(10, 40)) for _ in range(2)]
    return threads[0] + threads[1] + random.normal(0, 0.3, (height, width))


def _tiles(width: int, height: int, random: np.random.Generator) -> np.ndarray:
    cells = random.random(tuple(random.integers(3, 10, 2)))
    return cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)


def _blots(width: int, height: int, random: np.random.Generator) -> np.ndarray:
    sheet = np.zeros((height, width), np.float32)
    side = min(width, height)
    for _ in range(int(random.integers(3, 12))):
        x, y = random.random(2) * [width, height]
        axes = tuple(int(axis) for axis in side * random.uniform(0.03, 0.2, 2))
        cv2.ellipse(sheet, (int(x), int(y)), axes, float(random.uniform(0, 180)), 0, 360, 1.0, -1)
    return cv2.GaussianBlur(sheet, (0, 0), random.uniform(0.5, 4))


def _along(width: int, height: int, random: np.random.Generator) -> np.ndarray:
    """Return how far each pixel lies in some direction: float (height, width), the picture's width is 2."""
    angle = random.uniform(0, np.pi)
    y, x = np.mgrid[0:height, 0:width] * (2 / width)
    return x * np.cos(angle) + y * np.sin(angle)
