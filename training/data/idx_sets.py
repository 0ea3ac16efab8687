"""MNIST and its relatives: idx files that torchvision reads, and downloads where there is a network."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.data.frames import DataSet, framed, validation_index

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class IdxSet:
    """A data set in MNIST's format.

    Attributes:
        name: its key of training.data.sets.SOURCES.
        title: its name in texts for people.
        loader: torchvision's class; the files lie in a folder of the same name.
        megabytes: the size of its download.
        framing: how an image becomes a frame.
        label_names: the label of each class, in order.
        options: what else the class is told.
        first_label: the number of the first class in the files.
        transposed: whether the files hold columns first.
    """

    name: str
    title: str
    loader: str
    megabytes: int
    framing: str
    label_names: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    first_label: int = 0
    transposed: bool = False


MNIST = IdxSet("mnist", "MNIST", "MNIST", 12, "ink", DIGITS)
# Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747. Clothes: what is inside the outline counts, and no centre of
# mass means anything; `handler/picture.py` follows the paper's own protocol.
FASHION_MNIST = IdxSet(
    "fashion_mnist", "Fashion-MNIST", "FashionMNIST", 31, "picture",
    ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
     "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)  # fmt: skip
# Clanuwat et al. 2018, arXiv:1812.01718: one cursive character in ink on paper, so it is found as digits are,
# below any light and in any colour. Its images fill their 28 px, and 20 px cost some detail; in return what
# somebody draws, at any size and place, lies as the characters of training do.
KMNIST = IdxSet(
    "kmnist", "KMNIST", "KMNIST", 21, "ink", ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
)
# Cohen et al. 2017, arXiv:1702.05373: "letters" merges upper and lower case into 26 classes, numbered from 1;
# the files hold them transposed. They were made from NIST's by nearly MNIST's protocol, and are framed by it.
EMNIST_LETTERS = IdxSet(
    "emnist_letters", "EMNIST", "EMNIST", 562, "ink", tuple("abcdefghijklmnopqrstuvwxyz"),
    {"split": "letters"}, first_label=1, transposed=True,
)  # fmt: skip


def load_idx(source: IdxSet, data_dir: Path, cache_dir: Path) -> DataSet:
    """Return a data set, with a twelfth of its training images for validation.

    Raises:
        FileNotFoundError: it is not under data_dir and could not be downloaded.
        ValueError: its files are damaged.
    """
    train, test = (
        framed(
            cache_dir / f"{source.name}-{part}",
            *idx_images(source, data_dir, part == "train"),
            source.framing,
        )
        for part in ("train", "test")
    )
    chosen = validation_index(train.labels)
    return DataSet(
        source.name,
        source.label_names,
        train.take(~chosen),
        train.take(chosen),
        {source.name: test},
        source.framing,
    )


def idx_images(source: IdxSet, data_dir: Path, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return images as they came, but upright, uint8 (count, 28, 28), and labels from 0, int64 (count,).

    Raises:
        FileNotFoundError: they are not under data_dir and could not be downloaded.
        ValueError: the files are damaged.
    """
    folder = data_dir / source.loader / "raw"
    try:
        found = _opened(source, data_dir, train, download=False)
    except FileNotFoundError:
        print(
            f"{source.title} is not in {folder}: downloading it to that folder ({source.megabytes} MB).",
            file=sys.stderr,
        )
        try:
            found = _opened(source, data_dir, train, download=True)
        except (RuntimeError, OSError) as error:
            raise FileNotFoundError(
                f"{source.title} is not in {folder} and cannot be downloaded ({error}). Put its unpacked "
                "idx files there, or name another folder with --data."
            ) from None
    images, labels = found.data.numpy(), found.targets.numpy() - source.first_label
    if len(images) != len(labels) or not np.isin(labels, range(len(source.label_names))).all():
        raise ValueError(f"{_damaged(source, folder)}: images and labels do not match.")
    return images.swapaxes(1, 2) if source.transposed else images, labels


def _opened(source: IdxSet, data_dir: Path, train: bool, *, download: bool) -> Any:
    """Return torchvision's object.

    Raises:
        FileNotFoundError: the files are not there.
        RuntimeError: the download failed.
        ValueError: the files are damaged.
    """
    from torchvision import datasets

    loader = getattr(datasets, source.loader)
    try:
        return loader(str(data_dir), train=train, download=download, **source.options)
    except RuntimeError as error:
        if "Dataset not found" in str(error):
            raise FileNotFoundError(str(error)) from None
        if download:
            raise
        raise ValueError(f"{_damaged(source, data_dir / source.loader / 'raw')} ({error}).") from None
    except (AssertionError, ValueError, TypeError, KeyError, IndexError) as error:
        why = f"{type(error).__name__}: {error}"
        raise ValueError(f"{_damaged(source, data_dir / source.loader / 'raw')} ({why}).") from None


def _damaged(source: IdxSet, folder: Path) -> str:
    return f"The files of {source.title} in {folder} are damaged; remove it to download them again"
