"""A folder of images, one sub-folder a label: somebody's own classifier.

Where nothing is split by hand, 80 % are for training, 10 % for validation, 10 % for the test. What was held
out by hand is what is held out; what is missing then is taken from train.
"""

import hashlib
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from handler.bad_image import BadImage
from handler.framings import frame_of_file
from training.data.folder_layout import (
    PARTS,
    Files,
    files_below,
    labelled_files,
    require_folder,
    say_alike,
)
from training.data.frames import DataSet, Frames
from training.names import folder_name

USUAL_FRAMING = "picture"
VALIDATION = "validation"
TEST_SHARE = VALIDATION_SHARE = 0.1  # of each label's images
FEWEST_OF_A_LABEL = 10  # so that each part gets one at least
MOST_NAMED = 50  # images with two labels


@dataclass(frozen=True)
class Example:
    """One image that could be read.

    Attributes:
        path: of its file.
        label: its sub-folder's name.
        frame: uint8, as handler.framings.frame_shape has its shape.
        digest: of the file's bytes. It decides part and order, so that a renamed file changes nothing.
    """

    path: Path
    label: str
    frame: np.ndarray
    digest: bytes


def load_folder(folder: Path, framing: str = USUAL_FRAMING) -> DataSet:
    """Return the images below a folder, with the names of its sub-folders as labels, sorted.

    What cannot be read, and all but one of equal files, is named on standard error and left out.

    Args:
        folder: `folder_layout` says what may be in it.
        framing: as handler.framings has it.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has fewer than two labels, too few images of one, images with two labels, looks like a
            split and is none, or has a name that fits no URL.
    """
    name = folder_name(folder)
    parts = read_folder(folder, framing)
    label_names = sorted({example.label for part in parts.values() for example in part})
    _require_enough(folder, label_names, parts)
    frames = {part: _frames(members, label_names) for part, members in parts.items()}
    return DataSet(
        name, tuple(label_names), frames["train"], frames["validation"], {name: frames["test"]}, framing
    )


def read_folder(folder: Path, framing: str) -> dict[str, list[Example]]:
    """Return the images of each of PARTS, by label and content; what was split by hand stays so, and is said.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: images have two labels, none of a label can be read, or it looks like a split and is none.
    """
    require_folder(folder, "name one with --data that has a folder of images for each label")
    files = labelled_files(folder)
    read = {part: _read(part, files[part], framing) for part in files}
    labels = {label for part in files for label, _ in files[part]}
    if lost := sorted(labels - {example.label for part in read for example in read[part]}):
        raise ValueError(
            f"{folder} has no image of {', '.join(map(repr, lost[:5]))} that can be read: save its pictures "
            "in another format, or move the folder elsewhere."
        )
    say_alike(labels)
    parts = _without_copies(read)
    share = VALIDATION_SHARE
    if "test" not in parts:
        parts["train"], parts["test"] = _divided(parts["train"], TEST_SHARE)
        share = VALIDATION_SHARE / (1 - TEST_SHARE)
    if "validation" not in parts:
        parts["train"], parts["validation"] = _divided(parts["train"], share)
    counts = ", ".join(
        f"{len(parts[part])} for {part}{'' if part in files else ' (of train)'}" for part in PARTS
    )
    print(f"{folder_name(folder)}: {counts}", flush=True)
    return {part: sorted(parts[part], key=lambda one: (one.label, one.digest)) for part in PARTS}


def load_parted(folder: Path, framing: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames of all images below a folder but a tenth, and that tenth: uint8 (count, 28, 28) both.

    What is left out is as for `load_folder`, and named so.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has too few images.
    """
    require_folder(folder, "name one with images in it")
    files = [(folder.name, folder / path) for path in files_below(folder)]
    examples = _without_copies({"train": _read(folder.name, files, framing)})["train"]
    if len(examples) < FEWEST_OF_A_LABEL:
        raise ValueError(
            f"{folder} has {len(examples)} readable images, not counting copies; expected at least "
            f"{FEWEST_OF_A_LABEL}."
        )
    rest, taken = _divided(examples, TEST_SHARE)
    return np.stack([one.frame for one in rest]), np.stack([one.frame for one in taken])


def load_held_out(folder: Path, label_names: Sequence[str], framing: str) -> Frames:
    """Return the frames of images that somebody's own network was not trained on, with its labels.

    Of a folder that is split by hand they are the images for validation. Not every label has to be there.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has others labels, too few images, images with two labels, or is split otherwise.
    """
    require_folder(folder, "name one with --validation that has a folder of images for each label")
    files = labelled_files(folder)
    if len(files) > 1 and VALIDATION not in files:
        raise ValueError(
            f"{folder} is split into {' and '.join(files)}: with --validation, name the one whose images "
            "the network was not trained on."
        )
    part = VALIDATION if VALIDATION in files else next(iter(files))
    foreign = sorted({label for label, _ in files[part]} - set(label_names))
    if foreign:
        raise ValueError(
            f"{folder} has images of {', '.join(map(repr, foreign[:5]))}, but the network's labels are "
            f"{', '.join(label_names[:5])}{', ...' if len(label_names) > 5 else ''}: rename the folder, "
            "remove it, or add the missing line to --labels."
        )
    examples = _without_copies({part: _read(VALIDATION, files[part], framing)})[part]
    if len(examples) < FEWEST_OF_A_LABEL:
        raise ValueError(
            f"{folder} has {len(examples)} readable images in its labels' folders; expected at least "
            f"{FEWEST_OF_A_LABEL}, and 199 for sets that hold the true label in 99 % of answers."
        )
    return _frames(sorted(examples, key=lambda one: (one.label, one.digest)), list(label_names))


def _read(part: str, files: Files, framing: str) -> list[Example]:
    """Return those of the files that can be read; name the others."""
    with ThreadPoolExecutor() as pool:  # decoding and resizing let other threads run
        each = pool.map(lambda file: _example(file[0], file[1], framing), files)
        made = list(tqdm(each, total=len(files), desc=f"framing {part}", unit="image", disable=None))
    for (_, path), found in zip(files, made, strict=True):
        if isinstance(found, str):
            print(f"left out {path}: {found}", file=sys.stderr)
    return [found for found in made if isinstance(found, Example)]


def _example(label: str, path: Path, framing: str) -> Example | str:
    """Return what a file holds, or why it cannot be read."""
    try:
        payload = path.read_bytes()
        frame = frame_of_file(payload, framing)
        return Example(path, label, frame, hashlib.sha256(payload).digest())
    except (BadImage, OSError) as error:
        return str(error)


def _without_copies(parts: dict[str, list[Example]]) -> dict[str, list[Example]]:
    """Return each image once: what is tested on is not trained on.

    Raises:
        ValueError: copies of one image have different labels.
    """
    first: dict[bytes, Example] = {}
    copies: list[tuple[Example, Example]] = []
    for part in reversed(PARTS):
        for example in parts.get(part, []):
            original = first.setdefault(example.digest, example)
            if example is not original:
                copies.append((example, original))
    wrong = [f"{copy.path} and {one.path}" for copy, one in copies if copy.label != one.label]
    if wrong:
        more = [f"and {len(wrong) - MOST_NAMED} more"] if len(wrong) > MOST_NAMED else []
        lines = "\n  ".join([*wrong[:MOST_NAMED], *more])
        raise ValueError(f"{len(wrong)} images have two labels; remove one of each pair:\n  {lines}")
    for copy, original in copies:
        print(f"left out {copy.path}, a copy of {original.path}", file=sys.stderr)
    kept = {id(example) for example in first.values()}
    return {part: [one for one in members if id(one) in kept] for part, members in parts.items()}


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
        found = f"only {label_names[0]!r}" if label_names else "none"
        raise ValueError(
            f"{folder} needs at least two folders of images, each named after its label; found {found}."
        )
    for label in label_names:
        counts = {part: sum(each.label == label for each in examples) for part, examples in parts.items()}
        if sum(counts.values()) < FEWEST_OF_A_LABEL:
            raise ValueError(
                f"{folder} has {sum(counts.values())} readable images of {label!r}, not counting copies; "
                f"expected at least {FEWEST_OF_A_LABEL} of each label."
            )
        if not all(counts.values()):
            empty = next(part for part, count in counts.items() if not count)
            raise ValueError(f"{folder} has no image of {label!r} for {empty}: each part needs every label.")


def _frames(examples: list[Example], label_names: list[str]) -> Frames:
    labels = [label_names.index(example.label) for example in examples]
    return Frames(np.stack([example.frame for example in examples]), np.array(labels, np.int64))
