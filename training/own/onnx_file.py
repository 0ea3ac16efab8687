"""Somebody's own network as ONNX: what it reads, and how it is put between frames and probabilities."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from handler.framings import PHOTO, frame_shape
from handler.photo import LEAST_SIDE_PX, MOST_SIDE_PX
from training.data.looking import HINT

EXPECTED = "float32 (batch, 3, side, side) for photographs or (batch, 1, 28, 28), values 0..1"
PREFIX = "network/"  # theirs get it, so that ours can have any name
LEVELS = 255


@dataclass(frozen=True)
class Interface:
    """What a network reads and gives.

    Attributes:
        reads: the name of its input.
        shape: of the input: batch, channels, height, width; None where it is open.
        gives: the name of its output.
    """

    reads: str
    shape: tuple[int | None, ...]
    gives: str


def read_model(path: Path) -> onnx.ModelProto:
    """Return the network of an ONNX file, with weights that it keeps in files beside it.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not such a file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--network {path}: there is no such file.")
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except OSError:
        raise
    except Exception as error:  # protobuf raises what its implementation raises, which is not one class
        words = " ".join(str(error).split())[:300]
        raise ValueError(f"--network {path} is not a usable ONNX file ({words}).") from None
    return model


def interface_of(model: onnx.ModelProto) -> Interface:
    """Return what a network reads and gives.

    Raises:
        ValueError: it is not one picture tensor and one tensor of logits, or the number of pictures is fixed.
    """
    constants = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in constants]
    for what, found in (("inputs", inputs), ("outputs", model.graph.output)):
        if len(found) != 1:
            names = ", ".join(one.name for one in found) or "none"
            raise ValueError(f"The network has {len(found)} {what} ({names}), expected one: {EXPECTED}.")
    (given,), (gives,) = inputs, model.graph.output
    for what, one in (("reads", given), ("returns", gives)):
        kind = one.type.tensor_type.elem_type
        if kind != TensorProto.FLOAT:
            name = TensorProto.DataType.Name(kind).lower()
            raise ValueError(f"The network {what} {name} ({one.name}), expected float32.")
    shape = tuple(
        one.dim_value if one.HasField("dim_value") else None for one in given.type.tensor_type.shape.dim
    )
    if len(shape) != 4 or shape[1] not in (1, 3, None):
        first = " It has channels last: export it with channels first." if shape[-1:] == (3,) else ""
        raise ValueError(f"The network reads {_in_words(shape)} ({given.name}), expected {EXPECTED}.{first}")
    if shape[0] is not None:
        raise ValueError(
            f"The network reads {shape[0]} picture{'s' * (shape[0] != 1)} at once, neither more nor fewer "
            f"({given.name} is {_in_words(shape)}): export it with a dynamic batch, for torch.onnx.export "
            'dynamic_shapes=({0: torch.export.Dim("batch")},), and do not assume a batch size in the code: '
            "x.flatten(1), not x.reshape(1, -1)."
        )
    return Interface(given.name, shape, gives.name)


def framing_for(shape: tuple[int | None, ...], wanted: str | None) -> str:
    """Return the framing whose frames a network reads.

    Args:
        shape: as Interface has it.
        wanted: a framing's name; None or "photo" to have it from the shape.

    Raises:
        ValueError: they do not fit together, or the shape does not say enough.
    """
    channels, height, width = shape[1:]
    if wanted in (None, PHOTO):
        if channels == 1 or height is None or width is None:
            raise ValueError(
                f"The network reads {_in_words(shape)}, which leaves open how pictures become frames: say so "
                f"with --framing: {HINT}."
            )
        if not _squares(shape):
            raise ValueError(
                f"The network reads {_in_words(shape)}; frames are squares of {LEAST_SIDE_PX} to "
                f"{MOST_SIDE_PX} px."
            )
        return f"{PHOTO}-{height}"
    expected = input_shape(str(wanted))
    if any(found not in (None, one) for found, one in zip(shape[1:], expected, strict=True)):
        do = (
            f"leave it out, for {PHOTO}-{height}"
            if _squares(shape)
            else f"name one that makes such frames ({HINT})"
        )
        makes = _in_words((None, *expected))
        raise ValueError(f"The network reads {_in_words(shape)}; --framing {wanted} makes {makes}: {do}.")
    return str(wanted)


def _squares(shape: tuple[int | None, ...]) -> bool:
    """Return whether a network reads photographs' frames, and says how large they are."""
    channels, height, width = shape[1:]
    return channels != 1 and height == width and height in range(LEAST_SIDE_PX, MOST_SIDE_PX + 1)


def input_shape(framing: str) -> tuple[int, int, int]:
    """Return channels, height and width of what a network reads of frames."""
    height, width, *colours = frame_shape(framing)
    return (colours[0] if colours else 1), height, width


def of_frames(model: onnx.ModelProto, framing: str) -> onnx.ModelProto:
    """Return a network that gives "logits" for "frames", uint8 (batch, *frame_shape).

    Args:
        model: gives logits of float32 (batch, channels, height, width), 0..1.
        framing: of the frames.
    """
    made = compose.add_prefix(model, PREFIX)
    own = interface_of(made)
    constants = {"most": np.array(LEVELS, np.float32)}
    if len(frame_shape(framing)) == 3:
        order = helper.make_node("Transpose", ["frames"], ["channels first"], perm=[0, 3, 1, 2])
    else:
        order = helper.make_node("Reshape", ["frames", "shape"], ["channels first"])
        constants["shape"] = np.array([-1, *input_shape(framing)], np.int64)
    first = [
        order,
        helper.make_node("Cast", ["channels first"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["levels", "most"], [own.reads]),
    ]
    graph = made.graph
    others = [*graph.node]
    kept = [one for one in graph.input if one.name != own.reads]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend([*first, *others, helper.make_node("Identity", [own.gives], ["logits"])])
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    frames = helper.make_tensor_value_info("frames", TensorProto.UINT8, ["batch", *frame_shape(framing)])
    graph.input.extend([frames, *kept])
    graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "labels"]))
    if not any(one.domain in ("", "ai.onnx") for one in made.opset_import):
        made.opset_import.append(helper.make_opsetid("", 13))
    return made


def calibrated(model: onnx.ModelProto, temperature: float, labels: int) -> onnx.ModelProto:
    """Return what archives carry: "probabilities", float32 (batch, labels), of `of_frames`' network.

    Args:
        model: as `of_frames` returns it.
        temperature: what logits are divided by.
        labels: how many there are.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    graph.initializer.append(numpy_helper.from_array(np.array(temperature, np.float32), "temperature"))
    graph.node.append(helper.make_node("Div", ["logits", "temperature"], ["cooled"]))
    graph.node.append(helper.make_node("Softmax", ["cooled"], ["probabilities"], axis=1))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", labels]))
    return made


def _in_words(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if one is None else str(one) for one in shape)})"
