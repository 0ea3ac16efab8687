"""Frames of outliers for training, validation and report, kept between runs."""

import hashlib
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from handler.fingerprint import preprocessing_fingerprint
from training.data import sets as data
from training.data.frames import arrays
from training.data.rendered import drawn_by, writers
from training.outliers.kinds import PICTURES, SEEN, SKETCHES, Material, frame

# How often each kind is drawn for training, relative to the others: 1 for a narrow kind, more for a wide one.
SHARES = {
    "letters": 7, "Cyrillic and Armenian": 3, "symbols": 3, "scribbles": 4, "made-up characters": 4,
    "few curves": 2, "lines": 2, "arrows": 1, "hearts": 1,
    "stars": 1, "signs": 3, "faces": 2, "clothes": 2, "stick figures": 1, "several digits": 5,
    "digits over each other": 4, "pieces of digits": 3, "struck out digits": 3, "textures": 2,
    "empty papers": 2, "marks of nothing": 2,
    "several scanned digits": 3, "scanned digits over each other": 3,
}  # fmt: skip
TRAINING_COUNT, VALIDATION_COUNT, REPORT_COUNT = 500, 100, 300  # of each kind; training's times its share
SEEDS = {"train": 0, "validation": 1, "report": 2}
CHUNK = 100  # pictures a process draws at a time
SCANNED = 5000  # of MNIST's images are enough to put side by side


def materials(data_dir: Path, cache_dir: Path) -> dict[str, Material]:
    """Return what each part's outliers are made of; the parts share neither writers nor scanned digits.

    Raises:
        FileNotFoundError: the pen strokes or MNIST are not under data_dir and cannot be downloaded.
    """
    scanned = data.load("mnist", data_dir, cache_dir)
    images = {"train": scanned.train, "validation": scanned.validation, "report": scanned.tests["mnist"]}
    return {
        part: Material(digits, images[part].frames[:SCANNED]) for part, digits in writers(data_dir).items()
    }


def counts(part: str) -> dict[str, int]:
    """Return how many frames of each kind a part has; only the report has what training does not."""
    if part == "train":
        return {kind: TRAINING_COUNT * SHARES[kind] for kind in SEEN}
    each = VALIDATION_COUNT if part == "validation" else REPORT_COUNT
    return dict.fromkeys(SEEN if part == "validation" else (*SKETCHES, *PICTURES), each)


def load(part: str, material: Material, cache_dir: Path) -> dict[str, np.ndarray]:
    """Return a part's frames by kind, uint8 (count, 28, 28) each, from the cache when nothing has changed."""
    path = cache_dir / f"outliers-{part}-{preprocessing_fingerprint()}-{sources()}.npz"
    return arrays(path, lambda: draw(counts(part), material, SEEDS[part]))


def draw(wanted: dict[str, int], material: Material, seed: int) -> dict[str, np.ndarray]:
    """Return so many frames of each kind, uint8 (count, 28, 28); the same seed gives the same frames."""
    jobs = [
        (kind, start, min(start + CHUNK, count))
        for kind, count in wanted.items()
        for start in range(0, count, CHUNK)
    ]
    found: dict[str, list[np.ndarray]] = {kind: [] for kind in wanted}
    with ProcessPoolExecutor() as pool:
        chunks = pool.map(partial(_chunk, material=material, seed=seed), jobs)
        shown = tqdm(chunks, total=len(jobs), desc="drawing outliers", unit="chunk", disable=None)
        for (kind, _, _), chunk in zip(jobs, shown, strict=True):
            found[kind].append(chunk)
    return {kind: np.concatenate(parts) for kind, parts in found.items()}


def _chunk(job: tuple[str, int, int], material: Material, seed: int) -> np.ndarray:
    kind, start, stop = job
    # The kind's name and not its place: a kind that is added changes no other one's pictures.
    mark = zlib.crc32(kind.encode())
    return np.stack([frame(kind, material, (seed, mark, index)) for index in range(start, stop)])


def sources() -> str:
    """Return eight hexadecimal digits that change with the code that draws."""
    digest = hashlib.sha256(drawn_by().encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]
