"""Frames with their labels: made from images by the serving preprocessing, and split for training."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from handler.bad_image import BadImage
from handler.fingerprint import preprocessing_fingerprint
from handler.frame import frame_of_pixels
from handler.picture import picture_frame_of_pixels
from system.files import written_aside

VALIDATION_SHARE = 1 / 12  # 5,000 of MNIST's 60,000, as in its literature
# How gray images in memory become frames, by the names that handler/framings.py has for image files.
FRAMINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ink": frame_of_pixels,
    "picture": picture_frame_of_pixels,
}


@dataclass(frozen=True)
class Frames:
    """Frames with their labels.

    Attributes:
        frames: uint8 (count, 28, 28), 0 = paper .. 255 = ink; of photographs (count, side, side, 3), sRGB.
        labels: int64 (count,), index into the data set's label names.
    """

    frames: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.labels)

    def take(self, index: np.ndarray) -> "Frames":
        """Return the frames at these positions."""
        return Frames(self.frames[index], self.labels[index])

    def joined(self, other: "Frames") -> "Frames":
        """Return these frames and the other's after them."""
        return Frames(
            np.concatenate([self.frames, other.frames]), np.concatenate([self.labels, other.labels])
        )


@dataclass(frozen=True)
class DataSet:
    """A data set split for training: validation selects and calibrates, the tests only report.

    Attributes:
        name: as in training.data.sets.SOURCES; a folder of images has its own.
        label_names: the label of each index.
        train: what weights are learnt from.
        validation: what selects and calibrates.
        tests: what is reported, by name.
        framing: how its images became frames, as handler.framings has it; serving has to do the same.
    """

    name: str
    label_names: tuple[str, ...]
    train: Frames
    validation: Frames
    tests: dict[str, Frames]
    framing: str = "ink"

    def content(self) -> dict[str, str]:
        """Return what is in it: the labels' names, and a digest of each part's frames and their labels."""
        whole = {"train": [self.train], "validation": [self.validation], "test": list(self.tests.values())}
        content = {"labels": "\n".join(self.label_names)}
        for part, members in whole.items():
            digest = hashlib.sha256()
            for one in members:
                digest.update(one.frames.tobytes())
                digest.update(one.labels.tobytes())
            content[part] = digest.hexdigest()
        return content


def validation_index(labels: np.ndarray) -> np.ndarray:
    """Return which training items select the checkpoint: bool (count,), the same share of every label.

    The choice depends on the labels' order alone, never on a run's seed, so that runs compare.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        chosen[members[: round(len(members) * VALIDATION_SHARE)]] = True
    return chosen


def as_pixels(gray: np.ndarray) -> np.ndarray:
    """Return grey values, uint8 (height, width), as opaque RGBA, uint8 (height, width, 4)."""
    return np.dstack([gray, gray, gray, np.full_like(gray, 255)])


def framed(path: Path, images: np.ndarray, labels: np.ndarray, framing: str = "ink") -> Frames:
    """Return the frames of grey images.

    Args:
        path: where they are kept between runs.
        images: uint8 (count, height, width).
        labels: int64 (count,).
        framing: a key of FRAMINGS.
    """
    frame_of = FRAMINGS[framing]

    def make() -> tuple[np.ndarray, np.ndarray]:
        made, whose, refused = [], [], []
        for image, label in zip(
            tqdm(images, desc=f"framing {path.name}", unit="image", disable=None), labels, strict=True
        ):
            try:
                made.append(frame_of(as_pixels(image)))
                whose.append(label)
            except BadImage as error:
                # Serving refuses it as well, so it can teach nothing; said once below, not hidden.
                refused.append(str(error))
        if refused:
            print(
                f"{path.name}: {len(refused)} of {len(images)} left out; the first: {refused[0]}",
                file=sys.stderr,
            )
        return np.stack(made), np.array(whose, np.int64)

    return cached(path, make, framing)


def cached(path: Path, make: Callable[[], tuple[np.ndarray, np.ndarray]], framing: str = "ink") -> Frames:
    """Return what `make` returns, from the cache when it was made with this preprocessing before."""
    path = path.with_name(f"{path.name}-{preprocessing_fingerprint(framing=framing)}.npz")
    kept = arrays(path, lambda: dict(zip(("frames", "labels"), make(), strict=True)))
    return Frames(kept["frames"], kept["labels"])


def arrays(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of a file, which is made first where it is not there."""
    if not path.exists():
        made = make()
        with written_aside(path) as draft, draft.open("wb") as file:
            np.savez_compressed(file, **made)  # type: ignore[arg-type]
    with np.load(path) as kept:
        return dict(kept)
