"""What the story's people write: pen strokes of 30 writers, nearly all of whom cross their sevens.

Nobody is in two parts: a network that never saw a crossed seven is trained on some writers' digits, others
visit the page and correct it, and the rest are those whose digits are measured.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from training.data.paint import Picture, opaque
from training.data.rendered import writers
from training.data.strokes import Drawn, placed, rasterise, smooth

SEVEN = 7
TRAINED = frozenset({1, 2, 4, 6, 7, 8, 10, 12})
VALIDATED = frozenset({26, 27, 29})
MEASURED = frozenset({3, 5, 11, 17, 24, 30})
SIDE_PX = 112
# Of each part and label, so many digits are in the folder that the network is trained on.
OF_A_LABEL = {"train": 120, "validation": 40, "test": 60}


def all_digits(data_dir: Path) -> list[Drawn]:
    """Return all writers' digits.

    Raises:
        FileNotFoundError: they are not below the folder and cannot be downloaded.
    """
    return [drawn for part in writers(data_dir).values() for drawn in part]


def is_crossed(drawn: Drawn) -> bool:
    """Return whether it is a seven with a bar: one that took more than one stroke."""
    return drawn.label == SEVEN and len(drawn.strokes) > 1


def without_bar(drawn: Drawn) -> Drawn:
    """Return a digit as it is, and of a crossed seven the longest stroke alone."""
    return replace(drawn, strokes=(max(drawn.strokes, key=_length),)) if is_crossed(drawn) else drawn


def picture(drawn: Drawn, seed: int) -> bytes:
    """Return a PNG of a digit, black on white, by a pen, of a size and at a place that the seed chooses."""
    random = np.random.default_rng(seed)
    box = SIDE_PX * random.uniform(0.5, 0.8)
    left, top = 6 + (SIDE_PX - box - 12) * random.random(2)
    strokes = [smooth(stroke, 1) for stroke in placed(drawn.strokes, box, left, top)]
    cover = rasterise(strokes, (SIDE_PX, SIDE_PX), box * random.uniform(0.06, 0.11))
    return Picture(opaque(np.repeat((1 - cover)[..., None], 3, axis=2))).encoded()


def write_folder(digits: list[Drawn], folder: Path) -> None:
    """Write pictures of the digits, sevens without their bars, for training.data.image_folder."""
    parts = {"train": TRAINED, "validation": VALIDATED, "test": MEASURED}
    for part, of_part in parts.items():
        for label in range(10):
            into = folder / part / str(label)
            into.mkdir(parents=True)
            written = [one for one in digits if one.writer in of_part and one.label == label]
            for number in np.random.default_rng(label).permutation(len(written))[: OF_A_LABEL[part]]:
                (into / f"{number}.png").write_bytes(picture(without_bar(written[number]), int(number)))


def _length(stroke: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum())
