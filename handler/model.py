"""What an archive holds of a model: its networks, labels, framing, and how sure it has to be."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from handler.framings import Place, frame_shape, framing_of
from handler.likeliest import told
from handler.mending import decode_mended
from handler.provider import CPU, NoProvider, session

NETWORK, GATE, LABELS, ABOUT = "network.onnx", "gate.onnx", "index_to_name.json", "model.json"
UNNAMED = "<its name>"  # in advice, where the caller does not say


class Framed(NamedTuple):
    """A frame and what tells where it lies: that is for explanations alone.

    Attributes:
        frame: uint8 (28, 28), 0 = paper .. 255 = ink; of a photograph (side, side, 3), sRGB.
        place_decoded: gives its place in the decoded picture.
        reduction: the factor by which decoding reduced the picture.
    """

    frame: np.ndarray
    place_decoded: Callable[[], Place]
    reduction: int

    def place(self) -> Place:
        """Return its place in the picture as it is seen, EXIF rotation undone; it may reach beyond it."""
        left, top, side = self.place_decoded()
        return left * self.reduction, top * self.reduction, side * self.reduction


@dataclass(frozen=True)
class Reading:
    """What the networks make of one frame.

    Attributes:
        probabilities: float32 (labels,), calibrated, sums to 1.
        digit_score: 0..1, high = a digit; None for a model without a gate.
        known_score: high = like what the model was trained on; None where its archive has no threshold.
    """

    probabilities: np.ndarray
    digit_score: float | None
    known_score: float | None = None


class BrokenArchive(RuntimeError):  # noqa: N818 - what it is, as callers read it
    """An archive that cannot be served; its text is one line with the command that builds it anew.

    TorchServe logs the text of a RuntimeError that `initialize` raises, and gives the worker up.

    Args:
        cause: what is the matter, without the advice.
        name: the model's.
    """

    def __init__(self, cause: str, name: str) -> None:
        self.cause = cause
        super().__init__(f"{cause}: build it again with `{rebuild_command(name)}`.")


def rebuild_command(name: str) -> str:
    """Return the command that builds the archive of the model of this name, however new the old one is."""
    return f"make -B archive MODEL={name}"


class Model:
    """An unpacked archive's model, loaded.

    Args:
        folder: where its files lie.
        network_file: the network's name there.
        name: the model's, for advice.
        provider: where its networks run, as handler/provider.py names it.

    Raises:
        BrokenArchive: the files are incomplete or do not fit together.
        NoProvider: the provider cannot be had.
    """

    def __init__(
        self, folder: Path, network_file: str = NETWORK, name: str = UNNAMED, provider: str = CPU
    ) -> None:
        self.name = name
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            self.framing = str(about["framing"])
            self._frame_of_pixels = framing_of(self.framing)
            self.frame_shape = frame_shape(self.framing)
            self.set_threshold = float(about["set_threshold"])
            self.digit_threshold = about["digit_threshold"]
            # Archives have it since there is such a score; those of digits have a gate in its place.
            self.known_threshold = about.get("known_threshold")
            names = json.loads((folder / LABELS).read_text(encoding="utf-8"))
            self.label_names = [names[str(index)] for index in range(len(names))]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BrokenArchive(
                f"The archive's {ABOUT} or {LABELS} is missing or broken ({type(error).__name__}: {error})",
                name,
            ) from None
        self._network = _session(folder / network_file, name, provider)
        self._gate = None if self.digit_threshold is None else _session(folder / GATE, name, provider)
        read = self._network.get_inputs()[0].shape[1:]
        if read != list(self.frame_shape):
            raise BrokenArchive(
                f"The archive's network reads frames of {read}, its framing {self.framing} makes "
                f"{list(self.frame_shape)}",
                name,
            )
        if self.known_threshold is not None and len(self._network.get_outputs()) < 2:
            raise BrokenArchive(
                f"The archive's {ABOUT} has a threshold of a score that its network lacks", name
            )
        outputs = self._network.get_outputs()[0].shape[-1]
        if outputs != len(self.label_names):
            raise BrokenArchive(
                f"The archive's network has {outputs} outputs, its {LABELS} {len(self.label_names)} labels",
                name,
            )

    def framed(self, payload: bytes) -> Framed:
        """Return what becomes of an image file's bytes.

        Raises:
            BadImage: they are no readable image, or nothing is on it.
        """
        return self.framed_pixels(*decode_mended(payload), payload)

    def framed_pixels(self, pixels: np.ndarray, reduction: int = 1, payload: bytes = b"") -> Framed:
        """Return what becomes of decoded pixels.

        Args:
            pixels: uint8 (height, width, 4), straight RGBA.
            reduction: the factor by which decoding reduced the picture.
            payload: the file that they come from, where that may have a profile of its colours.
        """
        frame, place = self._frame_of_pixels(pixels, payload)
        return Framed(frame, place, reduction)

    def frame(self, payload: bytes) -> np.ndarray:
        """Return the frame alone, uint8 of `frame_shape`, as `framed` does."""
        return self.framed(payload).frame

    def probabilities(self, frames: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities in one pass: float32 (batch, labels), rows sum to 1.

        Args:
            frames: uint8 (batch, *frame_shape).
        """
        return self._network.run(None, {"frames": frames})[0]

    def read(self, frames: np.ndarray) -> list[Reading]:
        """Return what the networks make of each frame, uint8 (batch, *frame_shape)."""
        if self.known_threshold is not None:
            probabilities, known = self._network.run(None, {"frames": frames})
            return [Reading(row, None, one) for row, one in zip(probabilities, known.tolist(), strict=True)]
        probabilities = self.probabilities(frames)
        if self._gate is None:
            return [Reading(row, None) for row in probabilities]
        scores = self._gate.run(None, {"frames": frames})[0].tolist()
        return [Reading(row, score) for row, score in zip(probabilities, scores, strict=True)]

    def answer(self, reading: Reading, top: int | None = None) -> dict[str, Any]:
        """Return the answer's fields: label, confidence, set, whether it is a digit or known, probabilities.

        Args:
            reading: of a frame.
            top: of how many labels probabilities are asked for; None: where that is not said.
        """
        best = int(reading.probabilities.argmax())
        fields: dict[str, Any] = {
            "label": self.label_names[best],
            "confidence": round(float(reading.probabilities[best]), 6),
            "set": [self.label_names[index] for index in self._likely(reading.probabilities, best)],
        }
        if reading.digit_score is not None:
            fields["is_digit"] = reading.digit_score >= self.digit_threshold
            fields["digit_score"] = round(reading.digit_score, 6)
        if reading.known_score is not None:
            fields["is_known"] = reading.known_score >= self.known_threshold
            # What it is compared with is kept in half precision, and a hair longer or shorter than 1.
            fields["known_score"] = round(max(-1.0, min(reading.known_score, 1.0)), 6)
        return {**fields, **told(reading.probabilities, self.label_names, top)}

    def _likely(self, probabilities: np.ndarray, best: int) -> list[int]:
        """Return the labels that the true one is among, as often as the archive's coverage says; best first.

        An adaptive prediction set (Romano, Sesia, Candès 2020, arXiv:2006.02544): labels by falling
        probability, while those before add up to no more than the threshold that validation set. With a
        threshold of 1 these are all labels, though rounded sums may pass 1.
        """
        if float(probabilities[best]) > self.set_threshold and self.set_threshold < 1:
            return [best]  # nearly always: nothing to sort
        order = np.argsort(-probabilities, kind="stable")
        if self.set_threshold >= 1:
            return order.tolist()
        before = np.concatenate([[0.0], np.cumsum(probabilities[order], dtype=np.float64)[:-1]])
        return order[before <= self.set_threshold].tolist()


def _session(path: Path, name: str, provider: str) -> onnxruntime.InferenceSession:
    """Return a network, loaded.

    Args:
        path: its file.
        name: the model's, for advice.
        provider: where it runs.

    Raises:
        BrokenArchive: it cannot be loaded.
        NoProvider: the provider cannot be had.
    """
    try:
        return session(path, provider)
    except NoProvider:
        raise
    except Exception as error:  # onnxruntime's own classes have no common parent that it makes public
        words = " ".join(str(error).split())
        raise BrokenArchive(f"The archive's {path.name} cannot be loaded ({words})", name) from None
