"""Real characters that are not digits: some to train the gate on, others only to report on.

They are used where the archives of them are among the data sets (training/data/omniglot.py). A character that
looks like a digit teaches nothing and counts nowhere: a person who is told that it is a digit would read it
as one. The list was made by looking at four or five drawings of each. Two that were doubtful (zeta, and the
fifth of Korean) were added when the gate, which had never seen either, had called all twenty drawings of them
digits.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from handler.bad_image import BadImage
from handler.frame import FRAME_PX, frame_of_pixels
from training.data.omniglot import FILE, OTHER_FILE, Character, characters, url
from training.data.paint import Picture, lit, opaque, photographed

KIND = "real characters"  # of the report: training has others
LIKE_DIGITS: dict[str, frozenset[int]] = {
    "Balinese": frozenset({5, 14}),  # 7, 7
    "Early_Aramaic": frozenset({2, 3, 4, 5, 6, 7, 10, 11, 12, 14, 16, 17, 20}),  # 9 7 9 3 4 1 2 7 6 9 0 7 4
    "Greek": frozenset({4, 6, 8, 9, 15, 18}),  # delta 8, zeta 5, theta 0, iota 1, omicron 0, sigma 6
    "Korean": frozenset({5, 9, 20, 21, 22, 27, 33, 37}),  # 4, 1, 4, 1, 7, 2, 0, 7
    "Latin": frozenset({2, 7, 9, 12, 15, 17, 19, 25, 26}),  # b 6, g 9, i 1, l 1, o 0, q 9, s 5, y 4, z 2
    "Japanese_(katakana)": frozenset({8, 12, 22, 24, 27, 30, 37, 38, 42, 43, 46}),  # 7 2 7 1 7 7 3 7 0 7 7
    "Sanskrit": frozenset({5, 12, 13, 21, 27, 29, 36, 37}),  # 5, 0, 5, 4, 2, 9, 5, 3
    "Tagalog": frozenset({3, 4, 16}),  # 3, 0, 0
}
# Training has no letter of the report's alphabets, and all that it may have of the others.
FILES = {"train": FILE, "report": OTHER_FILE}
REPORT_ALPHABETS = frozenset({"Japanese_(katakana)", "Sanskrit", "Tagalog"})
COPIES = 6  # of each drawing for training, as it was written
JOINED = 2500  # characters made of parts of two
# Turned, most characters are others, of which nobody reads one as a digit: so many kinds more to learn from.
TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mirrored": np.fliplr, "upside down": np.flipud, "half turn": lambda ink: np.rot90(ink, 2),
    "left": np.rot90, "right": lambda ink: np.rot90(ink, -1),
}  # fmt: skip
# Of most of these the gate of version 1.0.0 calls more than three of ten drawings digits, and often rightly.
TURNED_LIKE_DIGITS: dict[str, dict[str, frozenset[int]]] = {
    "mirrored": {
        "Early_Aramaic": frozenset({18, 19}),
        "Greek": frozenset({2, 5, 12, 14, 17}),
        "Korean": frozenset({1, 3}),
        "Latin": frozenset({1, 3, 4, 5, 6, 10, 16, 18}),
    },
    "upside down": {
        "Early_Aramaic": frozenset({13, 19}),
        "Greek": frozenset({2, 17}),
        "Korean": frozenset({7, 14, 17}),
        "Latin": frozenset({4, 5, 10, 16, 18}),
    },
    "half turn": {
        "Early_Aramaic": frozenset({13, 19}),
        "Greek": frozenset({2, 5, 14, 19}),
        "Korean": frozenset({1, 3, 14, 24, 38}),
        "Latin": frozenset({1, 3, 5, 6, 8}),
    },
    "left": {
        "Balinese": frozenset({1, 3, 4, 8, 12, 13, 15, 16, 17, 18, 20, 21, 23}),
        "Early_Aramaic": frozenset({21}),
        "Greek": frozenset({1, 13, 20, 21, 24}),
        "Korean": frozenset({6, 13, 19}),
        "Latin": frozenset({1, 21, 22, 23}),
    },
    "right": {
        "Balinese": frozenset({4, 8, 13, 15, 17, 20, 21, 22}),
        "Early_Aramaic": frozenset({18}),
        "Greek": frozenset({1, 17, 21}),
        "Korean": frozenset({14, 16, 17, 18, 19}),
        "Latin": frozenset({3, 8, 13, 14, 16, 22}),
    },
}


def parted(data_dir: Path) -> dict[str, list[Character]]:
    """Return the drawings of characters by part, "train" and "report"; none where there is no archive.

    No alphabet is in both parts.

    Raises:
        ValueError: an archive is there and cannot be used.
    """
    return {part: _of(part, data_dir / file) for part, file in FILES.items()}


def _of(part: str, path: Path) -> list[Character]:
    if not path.exists():
        return []
    return [
        one
        for one in characters(path)
        if (one.alphabet in REPORT_ALPHABETS) == (part == "report")
        and one.number not in LIKE_DIGITS.get(one.alphabet, ())
    ]


def without(data_dir: Path) -> list[str]:
    """Return a sentence for each archive that is not there: what is missing, and how to get it."""
    uses = {"train": "trained on", "report": "reported"}
    return [
        f"{data_dir / file} is missing, so no real characters are {uses[part]}. Get it at {url(file)}."
        for part, file in FILES.items()
        if not (data_dir / file).exists()
    ]


def frames(part: str, data_dir: Path) -> np.ndarray:
    """Return a part's frames, uint8 (count, 28, 28); those of the report of the drawings as they are.

    There are none where there is no archive.

    Args:
        part: "train" or "report".
        data_dir: where the archive lies.

    Raises:
        ValueError: the archive cannot be used.
    """
    drawn = parted(data_dir)[part]
    if part == "report":
        pictures = (picture(one) for one in drawn)
    else:
        more = [*drawn * COPIES, *turned(drawn), *joined(drawn, JOINED)]
        pictures = (varied(one, (index,)) for index, one in enumerate(more))
    made = [np.empty((0, FRAME_PX, FRAME_PX), np.uint8)]
    for one in pictures:
        with contextlib.suppress(BadImage):  # serving refuses it before it comes to a gate
            made.append(frame_of_pixels(one.decoded())[None])
    return np.concatenate(made)


def turned(drawn: list[Character]) -> list[Character]:
    """Return every drawing turned in every way in which its character does not look like a digit."""
    return [
        replace(one, ink=np.ascontiguousarray(turn(one.ink)))
        for way, turn in TURNS.items()
        for one in drawn
        if one.number not in TURNED_LIKE_DIGITS[way].get(one.alphabet, ())
    ]


def joined(drawn: list[Character], count: int) -> list[Character]:
    """Return so many drawings whose left or upper part is one character's, and the rest another's.

    Of none there are none.
    """
    made = []
    for index in range(count if drawn else 0):
        random = np.random.default_rng((JOINED, index))
        one, other = (drawn[chosen] for chosen in random.integers(0, len(drawn), 2))
        height, width = np.minimum(one.ink.shape, other.ink.shape)
        share = random.uniform(0.35, 0.65)
        rest = np.s_[:, int(width * share) :] if random.random() < 0.5 else np.s_[int(height * share) :, :]
        ink = one.ink[:height, :width].copy()
        ink[rest] = other.ink[:height, :width][rest]
        made.append(replace(one, ink=ink))
    return made


def picture(one: Character) -> Picture:
    """Return a drawing as it came, black on white."""
    return Picture(opaque(np.repeat(1 - one.ink[..., None] / 255, 3, axis=2)))


def varied(one: Character, seed: tuple[int, ...]) -> Picture:
    """Return a drawing larger, by another pen, of either polarity, now and then as JPEG or photo."""
    random = np.random.default_rng(seed)
    side = int(random.integers(105, 300))
    cover = cv2.resize(one.ink.astype(np.float32) / 255, (side, side), interpolation=cv2.INTER_CUBIC)
    pen = int(random.integers(0, side // 20))
    if pen:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen + 1, pen + 1))
        cover = cv2.dilate(cover, kernel)
    cover = np.clip(cv2.GaussianBlur(cover, (0, 0), random.uniform(0.4, 0.4 + side / 200)), 0, 1)
    margin = side // 12  # what a wide pen would otherwise write over the edge
    surface = 1 - np.pad(cover, margin)[..., None] * np.float32(random.uniform(0.6, 1)) * np.ones(
        3, np.float32
    )
    way = random.random()
    if way < 0.08:
        return photographed(surface, lit(surface.shape[:2], random), random)
    pixels = opaque(1 - surface if way < 0.35 else surface)
    return Picture(pixels, jpeg_quality=int(random.integers(30, 90)) if way > 0.85 else None)
