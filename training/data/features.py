"""What frames look like in a few numbers each: how much ink, how wide its strokes, in what proportions.

How large something was drawn on its sheet is not among them: MNIST's digits come without a sheet, and a
frame is scaled to its ink.
"""

import numpy as np

# Pixels with a quarter of full ink belong to the drawing's box: soft edges of strokes do not widen it.
IN_BOX = 64
CHUNK = 4096  # frames at once: some 13 MB for each array of them


def features(frames: np.ndarray, framing: str = "ink") -> dict[str, np.ndarray]:
    """Return figures of frames by name, each float64 (count,); of photographs their brightness, 0..1, alone.

    ink_share: the mean of a frame, 0 = empty .. 1 = full ink everywhere.
    stroke_width_px: of the 28 px of a frame. A stroke has ink of its width times its length, and an edge of
    twice its length, so the width is twice the ink over the edges' length. That is measured as the total
    variation (Rudin, Osher, Fatemi 1992), which for ink of 0 and 1 is the length, and with soft edges too.
    aspect: the width of the ink's box over its height; over 1 = wider than high.

    Frames of whole pictures have no strokes and fill their box: of them ink_share, their brightness, is all.

    Args:
        frames: uint8 (count, 28, 28), 0 = paper .. 255 = ink, none of them empty.
        framing: how they were made, "ink" or "picture".
    """
    if frames.ndim > 3:
        chunks = (frames[start : start + CHUNK] for start in range(0, len(frames), CHUNK))
        return {"brightness": np.concatenate([one.mean(axis=(1, 2, 3)) for one in chunks]) / 255}
    parts = [_of_some(frames[start : start + CHUNK]) for start in range(0, len(frames), CHUNK)]
    names = ("ink_share", "stroke_width_px", "aspect") if framing == "ink" else ("ink_share",)
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _of_some(frames: np.ndarray) -> dict[str, np.ndarray]:
    # A border of paper, so that ink at a frame's edge has an edge too.
    ink = np.pad(frames, ((0, 0), (1, 1), (1, 1))).astype(np.float32) / 255
    down, right = np.diff(ink, axis=1)[:, :, :-1], np.diff(ink, axis=2)[:, :-1]
    edges = np.hypot(down, right).sum(axis=(1, 2), dtype=np.float64)
    mass = ink.sum(axis=(1, 2), dtype=np.float64)
    inside = frames >= IN_BOX
    return {
        "ink_share": mass / frames[0].size,
        "stroke_width_px": 2 * mass / edges,
        "aspect": _extent(inside.max(axis=1)) / _extent(inside.max(axis=2)),
    }


def _extent(touched: np.ndarray) -> np.ndarray:
    """Return how many places lie from each row's first to its last that is touched: float64 (count,)."""
    first, after_last = touched.argmax(axis=1), touched.shape[1] - touched[:, ::-1].argmax(axis=1)
    return (after_last - first).astype(np.float64)
