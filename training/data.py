"""The data sets, as frames that went through the serving preprocessing."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from handler.bad_image import BadImage
from handler.fingerprint import preprocessing_fingerprint
from handler.frame import frame_of_pixels
from training.rendered import render, writers

VALIDATION_SHARE = 1 / 12  # 5,000 of MNIST's 60,000, as in its literature
STROKE_COPIES = {"train": 6, "validation": 2, "report": 2}  # how often each pen digit is drawn
DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Frames:
    """Frames with their labels.

    Attributes:
        frames: uint8 (count, 28, 28), 0 = paper .. 255 = ink.
        labels: int64 (count,), index into the data set's label names.
    """

    frames: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """Give the number of frames."""
        return len(self.labels)

    def take(self, index: np.ndarray) -> "Frames":
        """Give the frames at these positions."""
        return Frames(self.frames[index], self.labels[index])

    def joined(self, other: "Frames") -> "Frames":
        """Give these frames and the other's after them."""
        return Frames(
            np.concatenate([self.frames, other.frames]), np.concatenate([self.labels, other.labels])
        )


@dataclass(frozen=True)
class DataSet:
    """A data set split for training: validation selects and calibrates, the tests only report."""

    name: str
    label_names: tuple[str, ...]
    train: Frames
    validation: Frames
    tests: dict[str, Frames]


def load(name: str, data_dir: Path, cache_dir: Path) -> DataSet:
    """Give a data set by name, a key of SOURCES.

    Args:
        name: which one.
        data_dir: where its files lie, or where torchvision puts them.
        cache_dir: where frames are kept between runs, by preprocessing fingerprint.

    Raises:
        FileNotFoundError: the files are not there and cannot be downloaded.
    """
    return SOURCES[name](data_dir, cache_dir)


def validation_index(labels: np.ndarray) -> np.ndarray:
    """Give which training items select the checkpoint: bool (count,), the same share of every label.

    The choice depends on the labels' order alone, never on a run's seed, so that runs compare.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        chosen[members[: round(len(members) * VALIDATION_SHARE)]] = True
    return chosen


def mnist(data_dir: Path, cache_dir: Path) -> DataSet:
    """Give MNIST: 60,000 training and 10,000 test images (http://yann.lecun.com/exdb/mnist)."""
    train, test = (
        _framed(cache_dir / f"mnist-{part}", *mnist_images(data_dir, train=part == "train"))
        for part in ("train", "test")
    )
    chosen = validation_index(train.labels)
    return DataSet("mnist", DIGITS, train.take(~chosen), train.take(chosen), {"mnist": test})


def digits(data_dir: Path, cache_dir: Path) -> DataSet:
    """Give MNIST together with pen strokes, drawn in many ways; writers are not shared between the parts."""
    base = mnist(data_dir, cache_dir)
    drawn = {
        part: _cached(cache_dir / f"strokes-{part}", partial(render, pen, STROKE_COPIES[part], seed))
        for seed, (part, pen) in enumerate(writers(data_dir).items())
    }
    return DataSet(
        "digits",
        DIGITS,
        base.train.joined(drawn["train"]),
        base.validation.joined(drawn["validation"]),
        {**base.tests, "strokes": drawn["report"]},
    )


def mnist_images(data_dir: Path, *, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Give MNIST's images as they came, uint8 (count, 28, 28), and labels, int64 (count,).

    Raises:
        FileNotFoundError: MNIST is not under data_dir and could not be downloaded.
    """
    from torchvision.datasets import MNIST

    try:
        found = MNIST(str(data_dir), train=train, download=False)
    except RuntimeError:
        print(f"MNIST is not in {data_dir}/MNIST/raw: downloading it there (11 MB).", file=sys.stderr)
        try:
            found = MNIST(str(data_dir), train=train, download=True)
        except (RuntimeError, OSError) as error:
            raise FileNotFoundError(
                f"MNIST is not in {data_dir}/MNIST/raw and cannot be downloaded ({error}). "
                "Put its four idx files there, or name another folder with --data."
            ) from None
    return found.data.numpy(), found.targets.numpy()


def optdigits(data_dir: Path, cache_dir: Path) -> DataSet:
    """Give scikit-learn's bundled 8x8 digits: 1,500 to train on and 297 to test with.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", https://doi.org/10.24432/C50P49.
    They come in the order of collection, so the last ones are by other hands than the first.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.clip(bunch.images * (255 / 16), 0, 255).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    train = _framed(cache_dir / "optdigits-train", images[:1500], labels[:1500])
    test = _framed(cache_dir / "optdigits-test", images[1500:], labels[1500:])
    chosen = validation_index(train.labels)
    return DataSet("optdigits", DIGITS, train.take(~chosen), train.take(chosen), {"optdigits": test})


SOURCES: dict[str, Callable[[Path, Path], DataSet]] = {
    "mnist": mnist,
    "digits": digits,
    "optdigits": optdigits,
}


def as_pixels(gray: np.ndarray) -> np.ndarray:
    """Give grey values, uint8 (height, width), as opaque RGBA, uint8 (height, width, 4)."""
    return np.dstack([gray, gray, gray, np.full_like(gray, 255)])


def _framed(path: Path, images: np.ndarray, labels: np.ndarray) -> Frames:
    """Give the frames of grey images, uint8 (count, height, width)."""

    def make() -> tuple[np.ndarray, np.ndarray]:
        made, whose, refused = [], [], []
        for image, label in zip(
            tqdm(images, desc=f"framing {path.name}", unit="image", disable=None), labels, strict=True
        ):
            try:
                made.append(frame_of_pixels(as_pixels(image)))
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

    return _cached(path, make)


def _cached(path: Path, make: Callable[[], tuple[np.ndarray, np.ndarray]]) -> Frames:
    """Give what `make` gives, from the cache when it was made with this preprocessing before."""
    path = path.with_name(f"{path.name}-{preprocessing_fingerprint()}.npz")
    if not path.exists():
        frames, labels = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}")
        with unfinished.open("wb") as file:
            np.savez_compressed(file, frames=frames, labels=labels)
        unfinished.replace(path)
    with np.load(path) as kept:
        return Frames(kept["frames"], kept["labels"])
