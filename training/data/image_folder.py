"""A folder of images, one sub-folder a label: somebody's own classifier.

shapes/circle/*.png, shapes/square/*.jpg, ...            split here: 80 % train, 10 % validation, 10 % test
shapes/train/circle/..., shapes/test/circle/..., ...     split by hand; validation/ is taken if it is there
"""

import hashlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from handler.bad_image import BadImage
from handler.mending import decode_mended
from training.data.frames import FRAMINGS, DataSet, Frames
from training.names import folder_name

USUAL_FRAMING = "picture"
TEST_SHARE = VALIDATION_SHARE = 0.1  # of each label's images
FEWEST_OF_A_LABEL = 10  # so that each part gets one at least
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Example:
    """One image that could be read.

    Attributes:
        path: of its file.
        label: its sub-folder's name.
        frame: uint8 (28, 28), 0 = background .. 255.
        digest: of the file's bytes. It decides the part, so that a renamed file changes nothing.
    """

    path: Path
    label: str
    frame: np.ndarray
    digest: bytes


def load_folder(folder: Path, framing: str = USUAL_FRAMING) -> DataSet:
    """Return the images below a folder, with the names of its sub-folders as labels, sorted.

    What cannot be read, and all but one of equal files, is named on standard error and left out.

    Args:
        folder: see above for what is in it.
        framing: a key of FRAMINGS.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has fewer than two labels, too few images of one, one image with two labels, or a name
            that fits no URL.
    """
    name = folder_name(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {folder}: name one with --data that has a folder of images for each label."
        )
    given = {path.name for path in _folders(folder)}
    if {"train", "test"} <= given <= set(PARTS) and _folders(folder / "train"):
        parts = _without_copies({part: _examples(folder / part, framing) for part in PARTS if part in given})
        if "validation" not in parts:
            parts["train"], parts["validation"] = _divided(parts["train"], VALIDATION_SHARE)
    else:
        examples = _without_copies({"train": _examples(folder, framing)})["train"]
        rest, test = _divided(examples, TEST_SHARE)
        train, validation = _divided(rest, VALIDATION_SHARE / (1 - TEST_SHARE))
        parts = {"train": train, "validation": validation, "test": test}
    label_names = sorted({example.label for examples in parts.values() for example in examples})
    _require_enough(folder, label_names, parts)
    frames = {part: _frames(examples, label_names) for part, examples in parts.items()}
    return DataSet(
        name, tuple(label_names), frames["train"], frames["validation"], {name: frames["test"]}, framing
    )


def _examples(folder: Path, framing: str) -> list[Example]:
    """Return all images below the sub-folders of a folder that can be read, by label and path."""
    loose = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if loose:
        print(
            f"{len(loose)} files beside the labels' folders are left out: {', '.join(loose[:5])}",
            file=sys.stderr,
        )
    files = [(label.name, path) for label in _folders(folder) for path in _files(label)]
    with ThreadPoolExecutor() as pool:  # decoding and resizing let other threads run
        made = list(
            tqdm(
                pool.map(lambda file: _example(file[0], file[1], framing), files),
                total=len(files),
                desc=f"framing {folder.name}",
                unit="image",
                disable=None,
            )
        )
    for (_, path), found in zip(files, made, strict=True):
        if isinstance(found, str):
            print(f"{path} is left out: {found}", file=sys.stderr)
    return [found for found in made if isinstance(found, Example)]


def _example(label: str, path: Path, framing: str) -> Example | str:
    """Return what a file holds, or why it cannot be read."""
    try:
        payload = path.read_bytes()
        frame = FRAMINGS[framing](decode_mended(payload)[0])
        return Example(path, label, frame, hashlib.sha256(payload).digest())
    except (BadImage, OSError) as error:
        return str(error)


def _without_copies(parts: dict[str, list[Example]]) -> dict[str, list[Example]]:
    """Return each image once: what is tested on is not trained on.

    Raises:
        ValueError: copies of one image have different labels.
    """
    first: dict[bytes, Example] = {}
    for part in reversed(PARTS):
        for example in parts.get(part, []):
            original = first.setdefault(example.digest, example)
            if example.label != original.label:
                raise ValueError(
                    f"{example.path} is a copy of {original.path}, which has another label: remove one."
                )
            if example is not original:
                print(f"{example.path} is a copy of {original.path}, left out", file=sys.stderr)
    kept = {id(example) for example in first.values()}
    return {part: [one for one in examples if id(one) in kept] for part, examples in parts.items()}


def _divided(examples: list[Example], share: float) -> tuple[list[Example], list[Example]]:
    """Return the examples without this share of each label's, and that share, which is one at least."""
    kept: list[Example] = []
    taken: list[Example] = []
    for label in sorted({example.label for example in examples}):
        members = sorted(
            (example for example in examples if example.label == label), key=lambda example: example.digest
        )
        count = max(1, round(len(members) * share))
        taken += members[:count]
        kept += members[count:]
    return kept, taken


def _require_enough(folder: Path, label_names: list[str], parts: dict[str, list[Example]]) -> None:
    """Return if there is something to learn and to measure.

    Raises:
        ValueError: see `load_folder`.
    """
    if len(label_names) < 2:
        found = f"{label_names[0]!r} alone" if label_names else "none"
        raise ValueError(
            f"{folder} needs at least two sub-folders with images, each named as its label; found {found}."
        )
    for label in label_names:
        counts = {part: sum(each.label == label for each in examples) for part, examples in parts.items()}
        if sum(counts.values()) < FEWEST_OF_A_LABEL:
            raise ValueError(
                f"{folder} has {sum(counts.values())} images of {label!r} that can be read, copies left out: "
                f"at least {FEWEST_OF_A_LABEL} of each label are needed."
            )
        if not all(counts.values()):
            empty = next(part for part, count in counts.items() if not count)
            raise ValueError(f"{folder} has no image of {label!r} for {empty}: each part needs every label.")


def _frames(examples: list[Example], label_names: list[str]) -> Frames:
    labels = [label_names.index(example.label) for example in examples]
    return Frames(np.stack([example.frame for example in examples]), np.array(labels, np.int64))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _files(folder: Path) -> Iterator[Path]:
    """Return the files below a label's folder, at any depth, but for hidden ones."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path
