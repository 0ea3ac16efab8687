"""What people corrected, as frames with labels that a network learns from."""

import hashlib
from collections.abc import Iterable
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
        count: how many examples there were.
        digest: of these, as `digest_of` has it.
    """

    frames: Frames
    count: int
    digest: str

    @property
    def left_out(self) -> int:
        """How many could not be used: no digit, a label that the model does not know, no picture."""
        return self.count - len(self.frames)


def framed(examples: Iterable[Example], label_names: tuple[str, ...], framing: str) -> Feedback:
    """Return the examples' frames, made as serving makes them, whatever order they come in.

    Args:
        examples: what people said of which drawing. Each is let go of at once: photographs may have 8 MiB.
        label_names: those that the network tells apart.
        framing: how an image becomes a frame, as handler.framings has it.
    """
    lines, found = [], []
    for example in examples:
        lines.append(_line(example))
        if example.label not in label_names:
            continue
        try:
            frame = frame_of_file(example.drawing, framing)
        except BadImage:
            continue  # an archive of before took it; what serving refuses teaches nothing
        found.append((example.digest, label_names.index(example.label), frame))
    found.sort(key=lambda one: one[0])
    frames = [frame for *_, frame in found]
    made = np.stack(frames) if frames else np.empty((0, *frame_shape(framing)), np.uint8)
    labels = np.array([label for _, label, _ in found], np.int64)
    return Feedback(Frames(made, labels), len(lines), _digest_of(lines))


def digest_of(examples: Iterable[Example]) -> str:
    """Return the SHA-256 of all pictures' digests and labels, in hexadecimal, whatever order they come in."""
    return _digest_of([_line(one) for one in examples])


def _line(example: Example) -> str:
    return f"{example.digest.hex()} {'-' if example.label is None else example.label}"


def _digest_of(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
