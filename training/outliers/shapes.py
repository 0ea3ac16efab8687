"""Scribbles, curves and signs: what a pen does on a pad when it writes nothing."""

import numpy as np

from training.outliers.hand import Strokes, arc, closed, hatched, line, star_of, through


def scribble(random: np.random.Generator) -> Strokes:
    """Return one long line that goes over itself: tangled, to and fro, in loops, or all of it."""
    ways = (_tangle, _to_and_fro, _loops)
    parts = [ways[random.integers(len(ways))](random) for _ in range(1 + (random.random() < 0.25))]
    return tuple(parts)


def few_curves(random: np.random.Generator) -> Strokes:
    """Return three to six unconnected curves, in any direction."""
    found = []
    for _ in range(int(random.integers(3, 7))):
        start, length, angle = (
            random.random(2) * 80 + 10,
            random.uniform(15, 60),
            random.uniform(0, 2 * np.pi),
        )
        along = np.array([np.cos(angle), np.sin(angle)])
        points = start + np.linspace(0, length, 4)[:, None] * along + random.normal(0, 6, (4, 2))
        found.append(through(points))
    return tuple(found)


def lines(random: np.random.Generator) -> Strokes:
    """Return two to six straight lines that lie as no digit's do: parallel, crossing, or one that lies."""
    if random.random() < 0.15:
        return (line((0, 50), (100, 50 + random.normal(0, 8))),)
    count = int(random.integers(3, 7))
    if random.random() < 0.4:  # tallies, or ruled lines
        lying = random.random() < 0.4
        at = np.linspace(0, 100, count) + random.normal(0, 3, count)
        ends = [((0, y), (100, y)) if lying else ((y, 0), (y, 100)) for y in at]
        return tuple(line(*pair) for pair in ends)
    return tuple(line(*(random.random((2, 2)) * 100)) for _ in range(count))


def made_up_character(random: np.random.Generator) -> Strokes:
    """Return four to six strokes between the points of a three by three grid, as a character that is none."""
    grid = np.array([(x, y) for x in (0, 50, 100) for y in (0, 50, 100)], float)
    squeezed = np.array([random.uniform(0.6, 1.0), 1.0])
    found = []
    for _ in range(int(random.integers(4, 7))):
        points = grid[random.permutation(9)[: random.choice([2, 2, 3])]] + random.normal(0, 4, 2)
        if len(points) == 2 and random.random() < 0.4:
            middle = points.mean(axis=0) + random.normal(0, 20, 2)
            points = np.stack([points[0], middle, points[1]])
        stroke = (points * squeezed).astype(np.float32)
        found.append(through(stroke) if random.random() < 0.5 else stroke)
    return tuple(found)


def arrow(random: np.random.Generator) -> Strokes:
    """Return an arrow in any direction but one that makes a 1 or a 7 of it: with a wide head, or filled."""
    length, head, wing = 100.0, random.uniform(25, 45), random.uniform(15, 32)
    angle = random.choice([0, 45, 90, 135, 180, 225, 270, 315]) + random.normal(0, 8)
    style = random.random()
    if style < 0.5:
        parts: Strokes = (
            line((0, 0), (length, 0)),
            line((length - head, -wing), (length, 0), (length - head, wing)),
        )
    elif style < 0.75:
        tip = closed((length, 0), (length - head, -wing), (length - head, wing))
        parts = (line((0, 0), (length - head, 0)), *hatched((tip,), 14))
    else:
        thick = wing * random.uniform(0.3, 0.6)
        neck = length - head
        outline = closed((0, -thick), (neck, -thick), (neck, -wing), (length, 0), (neck, wing), (neck, thick),
                         (0, thick))  # fmt: skip
        parts = hatched((outline,)) if random.random() < 0.5 else (outline,)
    if random.random() < 0.2 and style < 0.5:
        parts = (*parts, line((head, -wing), (0, 0), (head, wing)))
    turn = np.deg2rad(angle)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]], np.float32)
    return tuple(part @ matrix for part in parts)


def heart(random: np.random.Generator) -> Strokes:
    """Return a heart, empty or filled (https://mathworld.wolfram.com/HeartCurve.html, the last one)."""
    t = np.linspace(0, 2 * np.pi, 40)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    outline = np.stack([x * random.uniform(0.8, 1.2), -y], axis=1).astype(np.float32)
    return _perhaps_filled(outline, random)


def star(random: np.random.Generator) -> Strokes:
    """Return a star: its outline, filled, drawn in one go, or as crossing lines."""
    style, points = random.random(), int(random.integers(4, 9))
    if style < 0.3:
        return (star_of(5, 1)[::2][[0, 2, 4, 1, 3, 0]],)
    if style < 0.5:
        ends = star_of(points, 1)[:-1]
        return tuple(np.stack([end, np.array([50, 50], np.float32)]) for end in ends[::2])
    return _perhaps_filled(star_of(points, random.uniform(0.35, 0.6)), random)


def sign(random: np.random.Generator) -> Strokes:
    """Return a sign that is neither a letter nor a digit: polygons, a spiral, a tick, a grid, a cloud ..."""
    signs = (
        _polygon,
        _spiral,
        _tick,
        _grid,
        _cloud,
        _lightning,
        _moon,
        _target,
        _sun,
        _wave,
        _envelope,
        _cup,
    )
    return signs[random.integers(len(signs))](random)


def _perhaps_filled(outline: np.ndarray, random: np.random.Generator) -> Strokes:
    style = random.random()
    if style < 0.5:
        return (outline,)
    return hatched((outline,), 40 if style < 0.8 else int(random.integers(6, 12)), bool(random.integers(2)))


def _tangle(random: np.random.Generator) -> np.ndarray:
    return through(random.random((int(random.integers(9, 26)), 2)) * 100 * [1, random.uniform(0.4, 1)])


def _to_and_fro(random: np.random.Generator) -> np.ndarray:
    turns = int(random.integers(7, 22))
    points = np.stack([np.linspace(0, 100, turns), np.where(np.arange(turns) % 2, 0.0, 60.0)], axis=1)
    points += random.normal(0, random.uniform(2, 9), points.shape)
    angle = random.uniform(0, np.pi)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = (points @ matrix).astype(np.float32)
    return through(points) if random.random() < 0.6 else points


def _loops(random: np.random.Generator) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi * random.uniform(3, 8), 120)
    radius = random.uniform(12, 40) * (1 + random.uniform(0, 0.4) * np.sin(t * random.uniform(0.2, 0.9)))
    drift, angle = t * random.uniform(1, 6), random.uniform(0, 2 * np.pi)
    x = np.cos(t) * radius + drift * np.cos(angle)
    y = np.sin(t) * radius * random.uniform(0.5, 1) + drift * np.sin(angle)
    return np.stack([x, y], axis=1).astype(np.float32)


def _polygon(random: np.random.Generator) -> Strokes:
    corners = int(random.choice([3, 4, 4, 5, 6]))
    outline = star_of(corners, 1, random.choice([-90, 0, 45]))[::2]
    parts = _perhaps_filled(outline, random)
    # An empty square, drawn carelessly, is a 0.
    return (*parts, line(*outline[[0, 2]])) if corners >= 4 and len(parts) == 1 else parts


def _spiral(random: np.random.Generator) -> Strokes:
    t = np.linspace(0, 2 * np.pi * random.uniform(2.5, 5), 90) * random.choice([-1, 1])
    return (np.stack([np.cos(t) * t, np.sin(t) * t], axis=1).astype(np.float32),)


def _tick(random: np.random.Generator) -> Strokes:
    return (line((0, random.uniform(30, 60)), (random.uniform(20, 40), 100), (100, 0)),)


def _grid(random: np.random.Generator) -> Strokes:
    count = int(random.integers(2, 5))
    at = (np.arange(count) + 0.5) * 100 / count
    return (*(line((0, y), (100, y)) for y in at), *(line((x, 0), (x, 100)) for x in at))


def _cloud(random: np.random.Generator) -> Strokes:
    bumps = int(random.integers(5, 9))
    centre = star_of(bumps, 1)[:-1:2]
    return tuple(arc(x, y * 0.6, 24, 22, 360 * i / bumps - 180, 200) for i, (x, y) in enumerate(centre))


def _lightning(random: np.random.Generator) -> Strokes:
    outline = closed((45, 0), (10, 55), (40, 55), (25, 100), (90, 40), (55, 40), (80, 0))
    return _perhaps_filled(outline, random)


def _moon(random: np.random.Generator) -> Strokes:
    outer, inner = arc(50, 50, 50, 50, 60, 240), arc(75, 50, 48, 44, 290, -220)
    return _perhaps_filled(np.concatenate([outer, inner, outer[:1]]), random)


def _target(random: np.random.Generator) -> Strokes:
    rings = int(random.integers(2, 4))
    return tuple(arc(50, 50, 50 * (i + 1) / rings, 50 * (i + 1) / rings) for i in range(rings))


def _sun(random: np.random.Generator) -> Strokes:
    inner, rays = random.uniform(18, 28), star_of(int(random.integers(6, 11)), 1)[:-1:2]
    from_px = (rays - 50) * (inner + 8) / 50 + 50
    return (arc(50, 50, inner, inner), *(np.stack(pair) for pair in zip(from_px, rays, strict=True)))


def _wave(random: np.random.Generator) -> Strokes:
    x = np.linspace(0, 100, 50)
    wave = np.sin(x / 100 * 2 * np.pi * random.uniform(2, 4)) * random.uniform(8, 20)
    apart = random.uniform(15, 40)
    return tuple(
        np.stack([x, wave + i * apart], axis=1).astype(np.float32) for i in range(random.integers(1, 4))
    )


def _envelope(random: np.random.Generator) -> Strokes:
    high = random.uniform(55, 80)
    return closed((0, 0), (100, 0), (100, high), (0, high)), line((0, 0), (50, high * 0.6), (100, 0))


def _cup(random: np.random.Generator) -> Strokes:
    body = closed((10, 20), (75, 20), (random.uniform(60, 72), 100), (20, 100))
    return (body, arc(75, 50, random.uniform(15, 25), 20, -80, 160))
