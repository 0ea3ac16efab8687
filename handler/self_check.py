"""Golden pictures in the archive: does this machine still read them as it did when the archive was built?

A library of another version, a mixed-up file, or changed preprocessing does not fail: it answers, and
differently. So a worker reads the archive's golden pictures before it takes its first request.
"""

import base64
import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import PIL

from handler.bad_image import BadImage
from handler.fingerprint import preprocessing_fingerprint
from handler.model import BrokenArchive, Model, rebuild_command

FILE = "golden.json"
# Levels of 255, at the frame's worst pixel. Other versions of all four libraries, and a CPU without vector
# instructions, were measured to move it by 1 at most, and JPEG pixels that are off by 3 levels by 6; a box or
# a centre that lies one pixel off moves it by 50 to 255.
FRAME_TOLERANCE = 10
# For one and the same frame: adding up in another order moves an output by less than 0.00001. Networks
# of one recipe may agree to this on clear digits, so some golden pictures are not clear.
NETWORK_TOLERANCE = 0.001
# For the whole way from file to answer, which passes the frame's tolerance on to the network. The label is
# then equal too, wherever it was ahead by twice this much.
ANSWER_TOLERANCE = 0.05


@dataclass(frozen=True)
class Golden:
    """A picture and what came of it when the archive was built.

    Attributes:
        name: what it shows and in which format.
        file: the encoded picture's bytes.
        frame: uint8, of the model's shape; None for a picture that is refused.
        outputs: float32 (labels,), probabilities, and after them the digit score of a model with a gate; None
            for a picture that is refused.
        refusal: the refusal's message; None for a picture that is read.
    """

    name: str
    file: bytes
    frame: np.ndarray | None
    outputs: np.ndarray | None
    refusal: str | None


def golden_of(name: str, file: bytes, model: Model) -> Golden:
    """Return the picture with what comes of it now.

    Args:
        name: what it shows and in which format.
        file: the encoded picture's bytes.
        model: what reads it.
    """
    try:
        frame = model.frame(file)
    except BadImage as error:
        return Golden(name, file, None, None, str(error))
    return Golden(name, file, frame, _outputs(model, frame[None])[0], None)


def _outputs(model: Model, frames: np.ndarray) -> np.ndarray:
    """Return all that the networks say of frames: float32 (batch, labels, or one more with a gate)."""
    return np.stack(
        [
            reading.probabilities
            if reading.digit_score is None
            else np.append(reading.probabilities, np.float32(reading.digit_score))
            for reading in model.read(frames)
        ]
    )


def write(folder: Path, pictures: list[Golden], model: Model) -> None:
    """Write the golden file into an archive's folder: JSON, since reading that runs no code."""
    rows = [
        {
            "name": golden.name,
            "file": _text(golden.file),
            "frame": None if golden.frame is None else _text(golden.frame.tobytes()),
            "outputs": None if golden.outputs is None else golden.outputs.tolist(),
            "refusal": golden.refusal,
        }
        for golden in pictures
    ]
    content = {"built_with": built_with(model.framing), "labels": model.label_names, "pictures": rows}
    (folder / FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def built_with(framing: str) -> dict[str, str]:
    """Return the versions of all that has a say in an answer.

    Args:
        framing: how an image becomes a frame, as handler.framings has it.
    """
    return {
        "pillow": PIL.__version__,
        "opencv": cv2.__version__,
        "deflate": version("deflate"),
        "numba": version("numba"),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
        "machine": platform.machine(),
        "preprocessing": preprocessing_fingerprint(framing=framing),
    }


def check(folder: Path, model: Model) -> None:
    """Return if this machine answers to the golden pictures as the machine that built the archive did.

    Args:
        folder: the unpacked archive.
        model: the one that was loaded from it.

    Raises:
        RuntimeError: it does not, or the golden file is missing or broken; one line says which picture,
            what was expected, what came, and what to do.
    """
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        then, labels = dict(content["built_with"]), list(content["labels"])
        pictures = [_from_json(row, model.frame_shape) for row in content["pictures"]]
    except FileNotFoundError:
        raise _broken("is missing", model) from None
    except (ValueError, KeyError, TypeError) as error:
        raise _broken(f"is broken ({type(error).__name__}: {error})", model) from None
    if not pictures:
        raise _broken("has no picture", model)
    if labels != model.label_names:
        raise _failed(
            f"expected the labels {', '.join(labels)}; came {', '.join(model.label_names)}", then, model
        )
    found = [(golden.name, _difference(golden, model)) for golden in pictures]
    differing = [(name, words) for name, words in found if words]
    if differing:
        name, words = differing[0]
        raise _failed(
            f'golden picture "{name}" ({len(differing)} of {len(pictures)} differ): {words}', then, model
        )


def _from_json(row: dict[str, Any], shape: tuple[int, ...]) -> Golden:
    file = base64.b64decode(row["file"], validate=True)
    if row["refusal"] is not None:
        return Golden(row["name"], file, None, None, str(row["refusal"]))
    frame = np.frombuffer(base64.b64decode(row["frame"], validate=True), np.uint8)
    outputs = np.array(row["outputs"], np.float32)
    return Golden(row["name"], file, frame.reshape(shape), outputs, None)


def _difference(golden: Golden, model: Model) -> str:
    """Say what was expected and what came; return an empty text when they are the same but for drift."""
    label_names = model.label_names
    try:
        frame = model.frame(golden.file)
    except BadImage as error:
        if golden.refusal == str(error):
            return ""
        return f'expected {_expected(golden, label_names)}; came the refusal "{error}"'
    except Exception as error:
        # Whatever a library of another version raises: it has to become one line all the same.
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return f"expected {_expected(golden, label_names)}; came {words}"
    if golden.frame is None or golden.outputs is None:
        return f"expected {_expected(golden, label_names)}; came a frame"
    on_expected, on_found = _outputs(model, np.stack([golden.frame, frame]))
    if len(on_expected) != len(golden.outputs):
        return f"expected {len(golden.outputs)} outputs; came {len(on_expected)}"
    if not np.allclose(on_expected, golden.outputs, rtol=0, atol=NETWORK_TOLERANCE):
        return (
            f"from the same frame the network was expected to read {_expected(golden, label_names)}; "
            f"came {_reading(on_expected, label_names)}"
        )
    levels = int(np.abs(frame.astype(int) - golden.frame).max())
    if levels > FRAME_TOLERANCE or not np.allclose(on_found, golden.outputs, rtol=0, atol=ANSWER_TOLERANCE):
        return (
            f"expected {_expected(golden, label_names)}; came {_reading(on_found, label_names)}, from a "
            f"frame whose worst pixel is off by {levels} of 255 levels (accepted: {FRAME_TOLERANCE})"
        )
    return ""


def _expected(golden: Golden, label_names: list[str]) -> str:
    if golden.outputs is None:
        return f'the refusal "{golden.refusal}"'
    return _reading(golden.outputs, label_names)


def _reading(outputs: np.ndarray, label_names: list[str]) -> str:
    best = int(outputs[: len(label_names)].argmax())
    score = f", digit score {outputs[-1]:.4f}" if len(outputs) > len(label_names) else ""
    return f"{label_names[best]} at {outputs[best]:.4f}{score}"


def _broken(how: str, model: Model) -> BrokenArchive:
    return BrokenArchive(f"The archive cannot check itself, its {FILE} {how}", model.name)


def _failed(words: str, then: dict[str, str], model: Model) -> RuntimeError:
    now = built_with(model.framing)
    changes = [
        f"{name} {then.get(name)} -> {value}" for name, value in now.items() if then.get(name) != value
    ]
    cause = f"Changed since it was built: {', '.join(changes) or 'no version, so a file in it'}."
    return RuntimeError(
        f"The archive's self-check failed: {words}. {cause} If the new answer is meant, build the archive "
        f"again with `{rebuild_command(model.name)}`; if not, `pip install -r requirements.lock` brings the "
        "tested versions back."
    )
