"""What people corrected, as frames with labels that a network learns from."""

import hashlib
from dataclasses import dataclass

import numpy as np

from handler.bad_image import BadImage
from handler.framings import frame_of_file, frame_shape
from training.data.frames import Frames


@dataclass(frozen=True)
class Example:
    """A drawing that a run took up.

    Attributes:
        drawing: the image file as it was sent.
        label: what people say that it is; None for no digit.
        digest: SHA-256 of the file, 32 bytes.
    """

    drawing: bytes
    label: str | None
    digest: bytes


@dataclass(frozen=True)
class Feedback:
    """What a network of some labels can learn of examples.

    Attributes:
        frames: theirs, in the order of their digests.
        left_out: how many could not be used: no digit, a label that the model does not know, no picture.
    """

    frames: Frames
    left_out: int


def framed(examples: list[Example], label_names: tuple[str, ...], framing: str) -> Feedback:
    """Return the examples' frames, made as serving makes them, whatever order they come in.

    Args:
        examples: what people said of which drawing.
        label_names: those that the network tells apart.
        framing: how an image becomes a frame, as handler.framings has it.
    """
    frames, labels = [], []
    for example in sorted(examples, key=lambda one: one.digest):
        if example.label not in label_names:
            continue
        try:
            frames.append(frame_of_file(example.drawing, framing))
        except BadImage:
            continue  # an archive of before took it; what serving refuses teaches nothing
        labels.append(label_names.index(example.label))
    made = np.stack(frames) if frames else np.empty((0, *frame_shape(framing)), np.uint8)
    return Feedback(Frames(made, np.array(labels, np.int64)), len(examples) - len(labels))


def digest_of(examples: list[Example]) -> str:
    """Return the SHA-256 of all pictures' digests and labels, in hexadecimal, whatever order they come in."""
    lines = sorted(f"{one.digest.hex()} {'-' if one.label is None else one.label}" for one in examples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
