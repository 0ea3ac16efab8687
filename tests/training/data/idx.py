"""Small data sets in MNIST's file format, laid out as torchvision expects them."""

import struct
from pathlib import Path

import numpy as np

from training.data.idx_sets import IdxSet

# A file's name by part: of all but EMNIST, and of EMNIST.
NAMES = {"train": "train", "test": "t10k"}


def write_idx(path: Path, values: np.ndarray) -> None:
    """Write unsigned bytes in the idx format (http://yann.lecun.com/exdb/mnist)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.astype(np.uint8).tobytes())


def write_set(data_dir: Path, source: IdxSet, parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Write images, uint8 (count, 28, 28), and labels, as they are in the files, of "train" and "test"."""
    for part, (images, labels) in parts.items():
        split = source.options.get("split")
        beginning = f"emnist-{split}-{part}" if split else NAMES[part]
        folder = data_dir / source.loader / "raw"
        write_idx(folder / f"{beginning}-images-idx3-ubyte", images)
        write_idx(folder / f"{beginning}-labels-idx1-ubyte", labels)


def drawn_set(
    source: IdxSet, copies: dict[str, int], seed: int = 0
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return a bright shape for each label, `copies` times a part, with noise: as `write_set` takes them."""
    random = np.random.default_rng(seed)
    classes = len(source.label_names)
    shapes = (random.random((classes, 7, 7)) < 0.4).repeat(4, axis=1).repeat(4, axis=2)
    shapes[:, :2, :2] = shapes[:, -2:, -2:] = shapes[:, :2, -2:] = shapes[:, -2:, :2] = False
    shapes[:, 4:8, 12:16] = True
    parts = {}
    for part, count in copies.items():
        labels = np.tile(np.arange(classes), count)
        images = shapes[labels] * random.integers(180, 256, (len(labels), 28, 28))
        parts[part] = (images.astype(np.uint8), labels + source.first_label)
    return parts
