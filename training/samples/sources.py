"""All samples of a data set, with the pictures that they come from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from handler.bad_image import BadImage
from handler.mending import decode_mended
from training.data import idx_sets
from training.data.frames import FRAMINGS, as_pixels
from training.data.idx_sets import DIGITS, IdxSet, idx_images
from training.data.image_folder import read_folder
from training.data.rendered import KINDS, TRAINING_SHARES, writers
from training.data.sets import OPTDIGITS_TRAIN, optdigits_images
from training.names import FOLDER

IDX_SETS = {
    source.name: source
    for source in (idx_sets.MNIST, idx_sets.FASHION_MNIST, idx_sets.KMNIST, idx_sets.EMNIST_LETTERS)
}
STROKES = 1_000  # of the pen digits, drawn once each: training draws them anew in every way


@dataclass(frozen=True)
class Sample:
    """One labelled picture.

    Attributes:
        label: what it is said to be.
        part: what it is for: "train", "validation" or "test".
        where: its file, or its number in the data set.
        frame: uint8 (28, 28), what the network sees of it.
        picture: gives it as it is.
        file: its path where it has a file of its own.
    """

    label: str
    part: str
    where: str
    frame: np.ndarray
    picture: Callable[[], Image.Image]
    file: Path | None = None


def samples_of(dataset: str, data_dir: Path, framing: str) -> list[Sample]:
    """Return all samples of a data set that serving would read.

    Args:
        dataset: a key of training.data.sets.SOURCES.
        data_dir: where it is; for "folder" the folder of images.
        framing: how images become frames, for "folder" alone.

    Raises:
        FileNotFoundError: it is not there and cannot be downloaded.
        ValueError: it cannot be used.
    """
    if dataset == FOLDER:
        return list(_of_folder(data_dir, framing))
    if dataset == "optdigits":
        images, labels = optdigits_images()
        train, test = slice(None, OPTDIGITS_TRAIN), slice(OPTDIGITS_TRAIN, None)
        return [
            *_of_arrays(images[train], labels[train], "train", DIGITS, "ink"),
            *_of_arrays(images[test], labels[test], "test", DIGITS, "ink"),
        ]
    if dataset == "digits":
        return [*_of_idx(idx_sets.MNIST, data_dir), *_of_strokes(data_dir)]
    return list(_of_idx(IDX_SETS[dataset], data_dir))


def _of_folder(folder: Path, framing: str) -> Iterator[Sample]:
    for part, members in read_folder(folder, framing).items():
        for one in members:
            where = str(one.path.relative_to(folder))
            yield Sample(one.label, part, where, one.frame, partial(_decoded, one.path), one.path)


def _decoded(path: Path) -> Image.Image:
    return Image.fromarray(decode_mended(path.read_bytes())[0])


def _of_idx(source: IdxSet, data_dir: Path) -> Iterator[Sample]:
    for part in ("train", "test"):
        images, labels = idx_images(source, data_dir, part == "train")
        yield from _of_arrays(images, labels, part, source.label_names, source.framing)


def _of_arrays(
    images: np.ndarray, labels: np.ndarray, part: str, label_names: tuple[str, ...], framing: str
) -> Iterator[Sample]:
    for number, image in enumerate(tqdm(images, desc=f"framing {part}", unit="image", disable=None)):
        try:
            frame = FRAMINGS[framing](as_pixels(image))
        except BadImage:
            continue  # training leaves it out, and says so
        where = f"{part}, number {number}, counted from 0"
        yield Sample(label_names[labels[number]], part, where, frame, partial(Image.fromarray, image))


def _of_strokes(data_dir: Path) -> Iterator[Sample]:
    random = np.random.default_rng(0)
    drawn = [(one, part) for part, members in writers(data_dir).items() for one in members]
    for number in sorted(random.choice(len(drawn), min(STROKES, len(drawn)), replace=False)):
        one, part = drawn[number]
        kind = str(random.choice(tuple(TRAINING_SHARES), p=tuple(TRAINING_SHARES.values())))
        pixels = KINDS[kind](one, random).decoded()
        try:
            frame = FRAMINGS["ink"](pixels)
        except BadImage:
            continue
        where = f"strokes of writer {one.writer}, {kind}"
        part = "test" if part == "report" else part
        yield Sample(DIGITS[one.label], part, where, frame, partial(Image.fromarray, pixels))
