"""The data sets by name, as frames that went through the serving preprocessing."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from training.data import idx_sets
from training.data.frames import DataSet, cached, framed, validation_index
from training.data.idx_sets import DIGITS, idx_images, load_idx
from training.data.image_folder import load_folder
from training.data.looking import chosen_framing
from training.data.rendered import drawn_by, render, writers
from training.names import FOLDER

CACHE = Path("var/frames")  # drawn or framed once, and found there by later runs
STROKE_COPIES = {"train": 8, "validation": 2, "report": 2}  # how often each pen digit is drawn
OPTDIGITS_TRAIN = 1500  # of 1,797


def load(name: str, data_dir: Path, cache_dir: Path, framing: str | None = None) -> DataSet:
    """Return a data set by name, a key of SOURCES.

    Args:
        name: which one.
        data_dir: where its files lie, or where they are downloaded to; for "folder" the folder of images.
        cache_dir: where frames are kept between runs, by preprocessing fingerprint.
        framing: how images become frames, for "folder" alone, where "photo" leaves the side to be chosen,
            and None all of it, by looking at them; the others have their own.

    Raises:
        FileNotFoundError: the files are not there and cannot be downloaded.
        ValueError: the files cannot be used, or the framing is not the data set's.
    """
    if name == FOLDER:
        return load_folder(data_dir, chosen_framing(data_dir, framing))
    data = SOURCES[name](data_dir, cache_dir)
    if framing not in (None, data.framing):
        raise ValueError(
            f"--framing {framing} does not go with --dataset {name}, whose framing is {data.framing}: leave "
            "it out. It is for --dataset folder."
        )
    return data


def mnist(data_dir: Path, cache_dir: Path) -> DataSet:
    """Return MNIST: 60,000 training and 10,000 test images (http://yann.lecun.com/exdb/mnist)."""
    return load_idx(idx_sets.MNIST, data_dir, cache_dir)


def mnist_images(data_dir: Path, *, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return MNIST's images as they came, uint8 (count, 28, 28), and labels, int64 (count,).

    Raises:
        FileNotFoundError: MNIST is not under data_dir and could not be downloaded.
    """
    return idx_images(idx_sets.MNIST, data_dir, train)


def digits(data_dir: Path, cache_dir: Path) -> DataSet:
    """Return MNIST together with pen strokes, drawn in many ways; no writer is in two parts."""
    base = mnist(data_dir, cache_dir)
    drawn = {
        part: cached(
            cache_dir / f"strokes-{part}-{drawn_by()}", partial(render, pen, STROKE_COPIES[part], seed)
        )
        for seed, (part, pen) in enumerate(writers(data_dir).items())
    }
    return DataSet(
        "digits",
        DIGITS,
        base.train.joined(drawn["train"]),
        base.validation.joined(drawn["validation"]),
        {**base.tests, "strokes": drawn["report"]},
    )


def optdigits(data_dir: Path, cache_dir: Path) -> DataSet:
    """Return scikit-learn's bundled 8x8 digits: 1,500 to train on and 297 to test with.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", https://doi.org/10.24432/C50P49.
    They come in the order of collection, so the last ones are by other hands than the first.
    """
    images, labels = optdigits_images()
    count = OPTDIGITS_TRAIN
    train = framed(cache_dir / "optdigits-train", images[:count], labels[:count])
    test = framed(cache_dir / "optdigits-test", images[count:], labels[count:])
    chosen = validation_index(train.labels)
    return DataSet(
        "optdigits",
        DIGITS,
        train.take(~chosen),
        train.take(chosen),
        {"optdigits": test},
    )


def optdigits_images() -> tuple[np.ndarray, np.ndarray]:
    """Return optdigits' images as they came, uint8 (count, 8, 8), and labels, int64 (count,)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.clip(bunch.images * (255 / 16), 0, 255).astype(np.uint8)
    return images, bunch.target.astype(np.int64)


SOURCES: dict[str, Callable[[Path, Path], DataSet]] = {
    "mnist": mnist,
    "digits": digits,
    "optdigits": optdigits,
    "fashion_mnist": partial(load_idx, idx_sets.FASHION_MNIST),
    "kmnist": partial(load_idx, idx_sets.KMNIST),
    "emnist_letters": partial(load_idx, idx_sets.EMNIST_LETTERS),
    FOLDER: lambda data_dir, _: load_folder(data_dir),
}
