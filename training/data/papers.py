"""Paper that is more than a blank sheet: ruled, squared, cut out of a form, or ending inside the picture."""

from dataclasses import replace

import numpy as np

from training.data.paint import Picture, opaque
from training.data.sheet import Sheet, developed, laid
from training.data.strokes import Drawn, rasterise

# Which way the sheet ends, how often, and the sides of the picture that are no paper then.
ENDS = {"desk": 0.34, "corner": 0.16, "scanner": 0.2, "letterbox": 0.1, "frame": 0.08, "pasted": 0.12}


def ruled(drawn: Drawn, random: np.random.Generator) -> Picture:
    """On lines as strong as the pen or fainter, near or far apart, perhaps with a margin's line."""
    sheet = laid(drawn, random, looks=(0.25, 0.2, 0.55), pen_share=(0.012, 0.1))
    apart, line_px = _measures(sheet, random, 0.2, 1.6)
    upright = random.random() < 0.06
    angle = random.normal(0, np.deg2rad(2.5)) + (np.pi / 2 if upright else 0)
    rules = [(_rules(sheet, random, apart, line_px, angle), sheet.ink_like(random, 0.12))]
    if random.random() < 0.25:
        once = _rules(sheet, random, 3 * max(sheet.size), line_px, angle + np.pi / 2)
        rules.append((once, sheet.ink_like(random, 0.3)))
    return developed(sheet, sheet.inked(*rules), random)


def squared(drawn: Drawn, random: np.random.Generator) -> Picture:
    """On squares, large or small, some with heavier lines, some nothing but their crossings' dots."""
    sheet = laid(drawn, random, looks=(0.25, 0.2, 0.55), pen_share=(0.012, 0.1))
    apart, line_px = _measures(sheet, random, 0.12, 1.0)
    angle = random.normal(0, np.deg2rad(2.5))
    skew = random.normal(0, np.deg2rad(0.7))
    across = _rules(sheet, random, apart, line_px, angle)
    down = _rules(sheet, random, apart * random.uniform(0.93, 1.07), line_px, angle + skew + np.pi / 2)
    if random.random() < 0.12:
        return developed(sheet, sheet.inked((across * down, sheet.ink_like(random, 0.3))), random)
    colour = sheet.ink_like(random, 0.12)
    rules = [(np.maximum(across, down), colour)]
    if random.random() < 0.15:
        bold = _rules(sheet, random, apart * 5, line_px * 1.8, angle + random.choice([0, np.pi / 2]))
        rules.append((bold, colour))
    return developed(sheet, sheet.inked(*rules), random)


def cell(drawn: Drawn, random: np.random.Generator) -> Picture:
    """Cut out of a form: what is left of the cell's lines at one side or more, whole or in part."""
    sheet = laid(drawn, random, looks=(0.65, 0.25, 0.1), box_share=(0.4, 0.8), pen_share=(0.03, 0.14),
                 margin=0.05)  # fmt: skip
    width, height = sheet.size
    count = int(random.choice([1, 2, 3, 4], p=[0.35, 0.4, 0.1, 0.15]))
    chosen = random.permutation(4)[:count]
    line_px = max(0.8, sheet.pen_px * np.exp(random.uniform(*np.log((0.2, 1.3)))))
    lines = []
    for side in chosen:
        across, along = (width, height) if side < 2 else (height, width)
        axis = 0 if side < 2 else 1
        free = sheet.low[axis] if side % 2 == 0 else across - sheet.high[axis]
        deepest = max(0.0, min(0.1 * across, free - sheet.pen_px / 2 - line_px - 1))
        depth = random.uniform(-0.3 * line_px, deepest)
        start, end = np.sort(random.uniform(-0.1, 1.1, 2)) if random.random() < 0.2 else (-0.05, 1.05)
        lean = np.clip(random.normal(0, 0.012), -0.03, 0.03) * along * (deepest > 2)
        ends = np.array([[depth - lean / 2, start * along], [depth + lean / 2, end * along]], np.float32)
        ends[:, 0] = ends[:, 0] if side % 2 == 0 else across - ends[:, 0]
        lines.append(ends if axis == 0 else ends[:, ::-1])
    cover = rasterise(lines, sheet.size, line_px)
    return developed(sheet, sheet.inked((cover, sheet.ink_like(random, 0.35))), random)


def sheet_ends(drawn: Drawn, random: np.random.Generator) -> Picture:
    """The sheet ends inside the picture: a desk, a scanner's edge, a corner, bands, a frame, a paste."""
    way = str(random.choice(list(ENDS), p=list(ENDS.values())))
    # Looks as in training.data.sheet.LOOKS.
    looks = {
        "desk": (0.0, 0.1, 0.9), "corner": (0.1, 0.2, 0.7), "scanner": (0.45, 0.45, 0.1),
        "letterbox": (0.5, 0.1, 0.4), "frame": (0.7, 0.2, 0.1), "pasted": (0.0, 0.4, 0.6),
    }[way]  # fmt: skip
    sheet = laid(drawn, random, looks=looks, box_share=(0.22, 0.68), pen_share=(0.025, 0.12), margin=0.06)
    beyond = _beyond(sheet, _outwards(way, random), random)
    colour, texture = _outer(way, sheet, random)
    soft_px = random.uniform(1.5, 6) if way in ("desk", "corner") else random.choice([0.5, 0.5, 2.0])
    outside = np.clip(beyond / soft_px + 0.5, 0, 1)[..., None]
    rgb = sheet.inked()
    if way in ("desk", "corner") and random.random() < 0.5:  # the sheet's edge lifts, or throws a shadow
        near = np.exp(-np.abs(beyond) / (random.uniform(0.02, 0.1) * min(sheet.size)))
        rgb = rgb * (1 - random.uniform(0.05, 0.35) * near[..., None])
    if way in ("letterbox", "pasted"):  # put around what was already a file
        if way == "pasted":
            rgb = rgb * random.uniform(0.55, 0.95)
        inner = developed(sheet, np.asarray(rgb, np.float32), random)
        seen = inner.pixels[..., :3] / np.float32(255)
        return replace(inner, pixels=opaque(seen + (texture * colour - seen) * outside))
    return developed(sheet, np.asarray(rgb + (texture * colour - rgb) * outside, np.float32), random)


def _measures(
    sheet: Sheet, random: np.random.Generator, nearest: float, farthest: float
) -> tuple[float, float]:
    """Return how far apart lines lie, from these shares of the drawing's longer side, and their width."""
    apart = max(7.0, sheet.box_px * np.exp(random.uniform(np.log(nearest), np.log(farthest))))
    return float(apart), float(np.clip(sheet.pen_px * random.uniform(0.25, 1.1), 0.6, apart / 5))


def _rules(
    sheet: Sheet, random: np.random.Generator, apart: float, line_px: float, angle: float
) -> np.ndarray:
    """Return the cover of parallel lines, float32 (height, width), 0..1, on paper that is not quite flat."""
    width, height = sheet.size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x - width / 2, y - height / 2
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    if sheet.look == "photo":
        tilt, lean = random.uniform(-0.12, 0.12, 2) / max(width, height)
        across = across / (1 + tilt * across + lean * along)
        wave = random.uniform(1, 4) * max(width, height)
        across = across + random.uniform(0, 0.012) * max(width, height) * np.sin(along * 2 * np.pi / wave)
    distance = np.abs((across + random.uniform(0, apart)) % apart - apart / 2)
    cover = min(line_px, 1.0) * np.clip(max(line_px, 1.0) / 2 - distance + 0.5, 0, 1)
    if random.random() < 0.12:  # dashed or dotted
        dash = max(3 * line_px, apart * random.uniform(0.1, 0.4))
        cover = cover * (np.sin(along * 2 * np.pi / dash) > random.uniform(-0.6, 0.3))
    return np.asarray(cover, np.float32)


def _outwards(way: str, random: np.random.Generator) -> np.ndarray:
    """Return the directions in which the sheet ends, radians."""
    if way == "corner":
        return np.pi / 4 + np.pi / 2 * random.permutation(4)[:1] + random.uniform(-0.45, 0.45)
    if way == "letterbox":
        return np.pi / 2 * random.integers(2) + np.array([0, np.pi])
    if way == "frame":
        return np.pi / 2 * np.arange(4)
    count = {"desk": [1, 1, 1, 2, 2, 3, 4], "scanner": [1, 1, 1, 2, 3, 4], "pasted": [2, 3, 4, 4]}[way]
    sides = np.pi / 2 * random.permutation(4)[: random.choice(count)]
    return sides + random.normal(0, {"desk": 0.09, "scanner": 0.01, "pasted": 0.0}[way], len(sides))


def _beyond(sheet: Sheet, outwards: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return how far each pixel lies beyond the sheet's ends, in pixels; less than 0 on the sheet."""
    width, height = sheet.size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    reach = sheet.pen_px / 2 + 1
    boxes = (sheet.low - reach, sheet.high + reach), (np.zeros(2), np.array([width, height]))
    found = np.full((height, width), -np.inf, np.float32)
    alike = random.uniform(0.1, 1) if random.random() < 0.4 else None
    for angle in outwards:
        outward = np.array([np.cos(angle), np.sin(angle)])
        box, border = (np.where(outward > 0, high, low) @ outward for low, high in boxes)
        share = alike or random.uniform(0.1, 1) ** 0.7
        offset = box + max(0.05 * sheet.box_px, share * (border - box) - 1)
        found = np.maximum(
            found, np.float32(outward[0]) * x + np.float32(outward[1]) * y - np.float32(offset)
        )
    return found


def _outer(way: str, sheet: Sheet, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the colour of what lies around the sheet, and a texture that it is multiplied with."""
    flat = np.ones((*sheet.cover.shape, 1), np.float32)
    if way == "pasted":
        return np.float32(random.choice([1.0, 1.0, 1.0, 0.0])) * np.ones(3, np.float32), flat
    if way in ("letterbox", "frame") and random.random() < 0.4:
        return random.random(3).astype(np.float32), flat
    if way in ("letterbox", "frame", "scanner"):
        dark = random.random() < 0.8
        return np.full(3, random.uniform(0, 0.3) if dark else random.uniform(0.4, 0.9), np.float32), flat
    colour = random.uniform(0.02, 0.45) + random.uniform(0, 0.25, 3) * random.integers(0, 2)
    if random.random() < 0.2:
        colour = random.uniform(0.4, 0.8, 3)
    height, width = sheet.cover.shape
    angle = random.uniform(0, np.pi)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    along = (x * np.cos(angle) + y * np.sin(angle)) / min(width, height)
    grain = np.sin(along * random.uniform(5, 60) + 2 * np.sin(along * random.uniform(1, 9)))
    return colour.astype(np.float32), 1 + random.uniform(0, 0.3) * grain[..., None]
