"""Pictures of other sets: drawn here, or from data sets whose files are there; none is a photograph."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from handler.bad_image import BadImage
from handler.fingerprint import preprocessing_fingerprint
from handler.framings import frame_of_file
from training.data import omniglot
from training.data.drawing import STROKES, encoded
from training.data.frames import arrays
from training.data.rendered import KINDS
from training.data.sets import mnist_images
from training.data.strokes import Drawn
from training.outliers.frames import sources
from training.outliers.hand import by_hand
from training.outliers.kinds import NO_DIGIT, NOBODY, PAINT_SHARES, Material, picture

DATA = Path("data")  # where data sets are by default; nothing is downloaded for this
OF_EACH = 100  # pictures; the standard error of an area under the curve of 0.95 is 0.01 then
SEED = 18
DRAWN_PICTURES = ("hearts", "stars", "faces", "clothes", "stick figures", "houses", "fish", "flowers")
NOTHING = Material([], np.empty((0, 28, 28), np.uint8))  # of these kinds none is made of digits


def frames(framing: str, cache_dir: Path, data_dir: Path = DATA) -> dict[str, np.ndarray]:
    """Return frames of other sets by name, uint8 (count, *frame_shape) each, kept between runs.

    Args:
        framing: as handler.framings has it.
        cache_dir: where they are kept.
        data_dir: MNIST's test digits and Omniglot's characters are taken from here if they are there.

    Raises:
        ValueError: files of these sets are there and damaged.
    """
    sets = {
        **DRAWN,
        **{name: made for name, (path, made) in FROM_FILES.items() if (data_dir / path).exists()},
    }
    key = f"{OF_EACH}-{framing}-{preprocessing_fingerprint(framing=framing)}-{sources()}"
    found = {
        name: arrays(
            cache_dir / f"others-{name.replace(' ', '-')}-{key}.npz",
            partial(_framed, made, data_dir, framing),
        )["frames"]
        for name, made in sets.items()
    }
    return {name: some for name, some in found.items() if len(some)}


def _framed(made: Callable[[Path], Iterator[bytes]], data_dir: Path, framing: str) -> dict[str, np.ndarray]:
    """Return the frames of the first OF_EACH image files that are not refused."""
    found: list[np.ndarray] = []
    for file in made(data_dir):
        try:
            found.append(frame_of_file(file, framing))
        except BadImage:  # serving refuses it before it comes to a network
            continue
        if len(found) == OF_EACH:
            break
    return {"frames": np.array(found, np.uint8)}


def _drawn(*names: str) -> Callable[[Path], Iterator[bytes]]:
    """Return what draws pictures of these kinds in turn, as often thin, coloured ... as digits are."""

    def draw(_: Path) -> Iterator[bytes]:
        for index in range(2 * OF_EACH):
            random = np.random.default_rng((SEED, index))
            yield picture(names[index % len(names)], NOTHING, random).encoded()

    return draw


def _digits(_: Path) -> Iterator[bytes]:
    for index in range(2 * OF_EACH):
        random = np.random.default_rng((SEED, index))
        strokes = tuple(np.array(one, np.float32) for one in STROKES[str(index % 10)])
        way = str(random.choice(tuple(PAINT_SHARES), p=tuple(PAINT_SHARES.values())))
        yield KINDS[way](Drawn(NO_DIGIT, NOBODY, by_hand(strokes, random)), random).encoded()


def _scanned_digits(data_dir: Path) -> Iterator[bytes]:
    for index, image in enumerate(mnist_images(data_dir, train=False)[0][: 2 * OF_EACH]):
        yield encoded(Image.fromarray(image if index % 2 else 255 - image))


def _characters(data_dir: Path) -> Iterator[bytes]:
    written = omniglot.characters(data_dir / omniglot.FILE)
    for index in np.random.default_rng(SEED).permutation(len(written))[: 2 * OF_EACH]:
        yield encoded(Image.fromarray(255 - written[index].ink))


DRAWN: dict[str, Callable[[Path], Iterator[bytes]]] = {
    "drawn digits": _digits,
    "drawn letters": _drawn("letters"),
    "drawn pictures": _drawn(*DRAWN_PICTURES),
    "scribbles": _drawn("scribbles"),
    "textures": _drawn("textures"),
}
# By the file that has to be there.
FROM_FILES: dict[str, tuple[str, Callable[[Path], Iterator[bytes]]]] = {
    "MNIST's digits": ("MNIST/raw/t10k-images-idx3-ubyte", _scanned_digits),
    "Omniglot's characters": (omniglot.FILE, _characters),
}
