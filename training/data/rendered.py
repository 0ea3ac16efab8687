"""Frames of pen strokes: each digit drawn in many ways, then sent through the serving preprocessing."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from handler.bad_image import BadImage
from handler.frame import frame_of_pixels
from training.data import paint
from training.data.hands import hands
from training.data.marked import encircled, outlined, underlined
from training.data.paint import Picture
from training.data.papers import cell, ruled, sheet_ends, squared
from training.data.pendigits import UCI, Source, download
from training.data.strokes import FILE, Drawn, read_unipen

# By writer, so that no hand is on two sides: chosen once by drawing lots, never by results.
VALIDATION_WRITERS = frozenset({3, 9, 14, 22, 28})
REPORT_WRITERS = frozenset({5, 11, 17, 24, 30})
# What people have on their paper besides a drawing, or draw unlike the recorded writers.
OTHER_KINDS: dict[str, Callable[[Drawn, np.random.Generator], Picture]] = {
    kind.__name__: kind for kind in (ruled, squared, cell, sheet_ends, underlined, encircled, outlined, hands)
}
KINDS = {**paint.KINDS, **OTHER_KINDS}
# How often each kind is drawn. Photos cost twenty times as much as the rest.
TRAINING_SHARES = {
    "plain": 0.1, "inverted": 0.04, "transparent": 0.05, "thin": 0.09, "thick": 0.08, "coloured": 0.05,
    "corner": 0.03, "wide": 0.03, "photo": 0.08, "strong_jpeg": 0.04, "small": 0.04,
    "ruled": 0.06, "squared": 0.06, "cell": 0.03, "sheet_ends": 0.06, "underlined": 0.04, "encircled": 0.04,
    "outlined": 0.04, "hands": 0.04,
}  # fmt: skip


# The modules beside this one that draw.
PAINTERS = ("hands", "marked", "paint", "papers", "rendered", "sheet", "strokes")


def drawn_by() -> str:
    """Return eight hexadecimal digits that change with the code that draws."""
    digest = hashlib.sha256()
    for name in PAINTERS:
        digest.update((Path(__file__).with_name(f"{name}.py")).read_bytes())
    return digest.hexdigest()[:8]


def writers(data_dir: Path, source: Source = UCI) -> dict[str, list[Drawn]]:
    """Return the pen digits by part: "train", "validation" and "report".

    Args:
        data_dir: where the strokes' file lies, or where it is put.
        source: where it is downloaded from when it is missing.

    Raises:
        FileNotFoundError: the file is not under data_dir and cannot be downloaded.
    """
    path = data_dir / FILE
    if not path.exists():
        download(path, source)
    parts: dict[str, list[Drawn]] = {"train": [], "validation": [], "report": []}
    for drawn in read_unipen(path):
        held = "validation" if drawn.writer in VALIDATION_WRITERS else "report"
        parts[held if drawn.writer in VALIDATION_WRITERS | REPORT_WRITERS else "train"].append(drawn)
    return parts


def render(
    digits: list[Drawn], copies: int, seed: int, shares: dict[str, float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return frames, uint8 (count, 28, 28), and labels, int64 (count,), of every digit drawn `copies` times.

    A picture that serving refuses as blank is left out, as it is in serving.

    Args:
        digits: what is drawn.
        copies: how often each.
        seed: of what is drawn by lots.
        shares: how often each of KINDS is drawn, relative to the others; by default TRAINING_SHARES.
    """
    jobs = [
        (drawn, seed * 1_000_003 + copy * len(digits) + i, shares or TRAINING_SHARES)
        for copy in range(copies)
        for i, drawn in enumerate(digits)
    ]
    with ProcessPoolExecutor() as pool:
        made = pool.map(_one, jobs, chunksize=200)
        frames = list(tqdm(made, total=len(jobs), desc="drawing", unit="picture", disable=None))
    labels = [drawn.label for (drawn, *_), frame in zip(jobs, frames, strict=True) if frame is not None]
    return np.stack([frame for frame in frames if frame is not None]), np.array(labels, np.int64)


def _one(job: tuple[Drawn, int, dict[str, float]]) -> np.ndarray | None:
    drawn, seed, shares = job
    random = np.random.default_rng(seed)
    total = sum(shares.values())
    kind = str(random.choice(tuple(shares), p=[share / total for share in shares.values()]))
    try:
        return frame_of_pixels(KINDS[kind](drawn, random).decoded())
    except BadImage:
        return None
