"""What is sent to the server: MNIST's test set and the strokes of writers that training never saw."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from training.data.rendered import writers
from training.data.sets import mnist_images
from training.data.strokes import Drawn
from training.evaluation import changes
from training.evaluation.ask import Question
from training.evaluation.renderers import RENDERERS, Cover, Painted

# Pictures are drawn from this seed, so that two evaluations send the same ones.
SEED = 2024
MNIST = "MNIST test set"
UNCHANGED = "unchanged"


def mnist(data_dir: Path, count: int | None = None) -> Question:
    """Return MNIST's test images, or the first ones, as PNGs.

    Raises:
        FileNotFoundError: MNIST is not there and cannot be downloaded.
    """
    return as_they_are(MNIST, *mnist_images(data_dir, train=False), count)


def as_they_are(name: str, images: np.ndarray, labels: np.ndarray, most: int | None) -> Question:
    """Return images of a test set, or the first ones, as PNGs."""
    return Question(
        "mnist", name, "", labels[:most], lambda index: cv2.imencode(".png", images[index])[1].tobytes()
    )


def held_out(data_dir: Path, count: int) -> list[Drawn]:
    """Return at most this many digits of the report's writers, chosen by the seed.

    Raises:
        FileNotFoundError: the strokes are not under data_dir.
    """
    digits = writers(data_dir)["report"]
    return [digits[index] for index in np.random.default_rng(SEED).permutation(len(digits))[:count]]


def kinds(digits: list[Drawn]) -> Iterator[Question]:
    """Return every kind of picture, drawn by each renderer."""
    for name in RENDERERS[0].kinds:
        for renderer in RENDERERS:
            picture = partial(_painted, digits, renderer.kinds[name])
            yield Question("kind", name.replace("_", " "), renderer.name, _truth(digits), picture)


def resolutions(digits: list[Drawn]) -> Iterator[Question]:
    """Return the digits on sheets of few pixels; a question's name is the sheet's side in pixels."""
    for side_px in changes.SIDES_PX:
        for renderer in RENDERERS:
            sheet = changes.low_resolution(side_px)
            picture = partial(_on_one_sheet, digits, sheet, renderer.cover)
            yield Question("resolution", str(side_px), renderer.name, _truth(digits), picture)


def changed(digits: list[Drawn]) -> Iterator[Question]:
    """Return the digits unchanged and then with each change, for each renderer."""
    for renderer in RENDERERS:
        picture = partial(_on_one_sheet, digits, changes.UNCHANGED, renderer.cover)
        yield Question("change", UNCHANGED, renderer.name, _truth(digits), picture)
        for name in changes.CHANGES:
            picture = partial(_changed, digits, name, renderer.cover)
            yield Question("change", name, renderer.name, _truth(digits), picture)


def _truth(digits: list[Drawn]) -> np.ndarray:
    return np.array([drawn.label for drawn in digits])


def _painted(digits: list[Drawn], paint: Painted, index: int) -> bytes:
    return paint(digits[index], np.random.default_rng(SEED + index))


def _on_one_sheet(digits: list[Drawn], sheet: changes.Sheet, cover: Cover, index: int) -> bytes:
    return changes.picture(digits[index], sheet, cover)


def _changed(digits: list[Drawn], name: str, cover: Cover, index: int) -> bytes:
    sheet = changes.CHANGES[name](np.random.default_rng(SEED + index))
    return changes.picture(digits[index], sheet, cover)
