"""From somebody's own network to the model file that its archive is built from: checked and calibrated.

The file is an ONNX network with what it says of itself, as scikit-learn's models have it
(training/models/classical_file.py), so that the archive is built, and built again, like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from handler.framings import PHOTO
from training.data.frames import DataSet, Frames
from training.data.image_folder import load_held_out
from training.data.looking import HINT
from training.fitting.conformal import in_words
from training.fitting.measure import calibrated
from training.models.classical_file import save_classical
from training.models.inputs import as_input
from training.own import checks, known, module, onnx_file
from training.own.checks import AGREED
from training.own.labels import read_labels
from training.own.timing import timed

ONNX = ".onnx"
COMPARED = 64  # real pictures on which the exported network is compared with the module
AT_ONCE = 8


@dataclass(frozen=True)
class Own:
    """Somebody's own network.

    Attributes:
        network: PACKAGE.MODULE:FUNCTION, or an ONNX file's path.
        weights: the file with the module's; None: as the function gives them.
        labels: the file with the labels of the network's outputs.
        validation: the folder of labelled images that the network was not trained on.
        framing: how an image becomes a frame, as handler.framings has it; None: by the ONNX file's input.
        version: the model's.
    """

    network: str
    weights: Path | None
    labels: Path
    validation: Path
    framing: str | None
    version: str


def bring(own: Own, path: Path, say: Callable[[str], None]) -> dict[int, float]:
    """Check and calibrate a network and write its model file; say what was found.

    Returns how long a picture takes, as `timing.timed` does.

    Args:
        own: what was given.
        path: of the model file.
        say: prints a line.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: the network cannot be served as it is; the text says why, and what to do.
    """
    label_names = read_labels(own.labels)
    theirs = _onnx(own) if own.network.endswith(ONNX) else module.network_of(own.network, own.weights)
    if isinstance(theirs, nn.Module):
        framing = _said(own.framing)
        if own.weights is None:
            say(f"no --weights: {own.network} is served with the weights that it returns")
    else:
        framing = onnx_file.framing_for(onnx_file.interface_of(theirs).shape, own.framing)
    frames = load_held_out(own.validation, label_names, framing)
    served = onnx_file.of_frames(_exported(theirs, frames, len(label_names)), framing)
    session = checks.session_of(served)
    checks.check_batches(partial(checks.outputs_of, session), frames.frames, len(label_names))
    logits = checks.outputs_of(session, frames.frames)
    checks.require_finite(logits)
    data = DataSet(f"{own.validation.name} (validation)", label_names, frames, frames, {}, framing)
    about, found = calibrated(lambda _: torch.from_numpy(logits), data, own.network, own.version)
    if isinstance(theirs, nn.Module):
        say(_compared(theirs, session, frames, about.temperature))
    absent = len(label_names) - len(np.unique(frames.labels))
    say(
        f"{len(frames):,} pictures of {own.validation}, framing {framing}: "
        f"{found['validation']['accuracy']:.2%} right, temperature {about.temperature:.3f}, "
        f"calibration error {found['validation']['ece']:.4f}"
        + (f"; {absent} of {len(label_names)} labels have no pictures there" if absent else "")
    )
    for line in _doubts(found["validation"]["accuracy"], frames.labels):
        say(line)
    say(in_words(about.coverage, len(frames)))
    finished = onnx_file.calibrated(served, about.temperature, len(label_names))
    told = known.fit(served, frames)
    if told is None:
        say(
            "its answers do not say whether a picture is known: it does not end in a linear layer, or its "
            f"operator set is older than {known.LEAST_OPSET}"
        )
    else:
        finished = known.scored(finished, told)
        about = replace(about, known_threshold=told.threshold)
        say(
            f"a picture is known if it is like {len(told.bank):,} of these; of the other half, "
            f"{told.held_out:.2%} are"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    save_classical(path, finished, about)
    return timed(finished, frames.frames)


def _doubts(accuracy: float, labels: np.ndarray) -> list[str]:
    """Return what to look at where a network is no better than one that always gives the commonest label.

    Args:
        accuracy: 0..1, on the pictures.
        labels: of the pictures, integers (count,).
    """
    always = np.bincount(labels).max() / len(labels)
    if accuracy > always:
        return []
    return [
        f"that is no better than always giving the commonest label ({always:.2%}): check that the lines of "
        "--labels are in the order of the outputs, that the weights are the trained ones, and that the "
        "network normalises colours from 0 to 1 itself"
    ]


def _onnx(own: Own) -> onnx.ModelProto:
    """Return the network of a ready ONNX file.

    Raises:
        OSError, ValueError: it cannot be used, or came with weights.
    """
    if own.weights is not None:
        raise ValueError(
            f"--weights {own.weights} came with {own.network}, which has its own weights: leave it out."
        )
    return onnx_file.read_model(Path(own.network))


def _exported(theirs: nn.Module | onnx.ModelProto, frames: Frames, labels: int) -> onnx.ModelProto:
    """Return a module as ONNX, after looking whether it is worth it; an ONNX file's network as it is.

    Raises:
        ValueError: it cannot be exported, or cannot be served as it is.
    """
    if not isinstance(theirs, nn.Module):
        return theirs
    checks.check_batches(partial(_eager, theirs), frames.frames, labels)
    return module.exported(theirs, _pictures(frames.frames[: checks.TOGETHER]))


def _said(framing: str | None) -> str:
    """Return the framing for a module, whose code does not tell how large its pictures are.

    Raises:
        ValueError: none was given, or none with a side.
    """
    if framing in (None, PHOTO):
        raise ValueError(
            "A module does not say how large its pictures are: add --framing photo-224, or the side that "
            f"it was trained with ({HINT})."
        )
    return str(framing)


def _pictures(frames: np.ndarray) -> Tensor:
    return as_input(torch.from_numpy(frames))


def _eager(network: nn.Module, frames: np.ndarray) -> np.ndarray:
    """Return a module's own logits of frames, float32 (count, labels)."""
    starts = range(0, len(frames), AT_ONCE)
    return torch.cat(
        [module.logits_of(network, _pictures(frames[start : start + AT_ONCE])) for start in starts]
    ).numpy()


def _compared(
    network: nn.Module, session: onnxruntime.InferenceSession, frames: Frames, temperature: float
) -> str:
    """Return in words how far the exported network's probabilities are from the module's, on real pictures.

    Raises:
        ValueError: further than AGREED.
    """
    some = frames.frames[:: max(1, len(frames) // COMPARED)][:COMPARED]
    expected = _eager(network, some) / temperature
    apart = checks.difference(checks.outputs_of(session, some) / temperature, expected)
    words = f"{len(some)} pictures: ONNX Runtime's probabilities differ from PyTorch's by up to {apart:.2g}"
    if not apart <= AGREED:  # nor where it is not a number
        raise ValueError(
            f"The exported network does not match the module. On {words}, expected at most {AGREED:g}. "
            "Anything that depends on a Python value or on chance is exported as it was for one picture."
        )
    return f"{words} (accepted: {AGREED:g})"
