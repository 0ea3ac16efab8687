"""Whether a picture is like those of the validation folder, told by somebody's own network.

By what the last layer reads, as networks that were trained here tell it (`training/models/known.py`). What
this one was trained on is not here: half of the folder stands for that, and the other half sets the limit.
"""

from dataclasses import dataclass

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from training.data.frames import Frames
from training.fitting.known import spread, threshold_of
from training.models.known import nearest_of, nearness
from training.own.checks import outputs_of, session_of

LAST_LAYERS = ("Gemm", "MatMul")
# TopK has its number as an input since.
LEAST_OPSET = 11
LEAST_LENGTH = 1e-12
# Of the bank: 32 MB, which each worker has. Where the last layer reads very much, fewer pictures are kept.
MOST_NUMBERS = 2**23


@dataclass(frozen=True)
class Known:
    """What tells whether a picture is known.

    Attributes:
        features: the name of what the network's last layer reads.
        bank: float32 (count, width), of half of the pictures, each of length 1.
        threshold: of `nearness`, -1..1; pictures below it are not known.
        held_out: the share of the other half that is known.
    """

    features: str
    bank: np.ndarray
    threshold: float
    held_out: float


def fit(model: onnx.ModelProto, pictures: Frames) -> Known | None:
    """Return what tells, or None where the network ends in another layer, or its operators are too old.

    Args:
        model: gives "logits" of "frames", as `onnx_file.of_frames` returns it.
        pictures: that it was not trained on.
    """
    name = last_layer_reads(model)
    opset = max(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    if name is None or opset < LEAST_OPSET:
        return None
    found = outputs_of(session_of(_giving(model, name)), pictures.frames)
    features = F.normalize(torch.from_numpy(found).flatten(1), dim=1)
    half = np.zeros(len(features), bool)
    half[np.random.default_rng(0).permutation(len(features))[: len(features) // 2]] = True
    kept = np.flatnonzero(half)
    chosen = kept[spread(pictures.labels[kept])]
    bank = features[chosen[:: -(-chosen.size * features.shape[1] // MOST_NUMBERS)]]
    scores = nearness(features[torch.from_numpy(~half)], bank).numpy()
    threshold = threshold_of(scores)
    return Known(name, bank.numpy(), threshold, float(np.mean(scores >= threshold)))


def last_layer_reads(model: onnx.ModelProto) -> str | None:
    """Return the name of what the last layer with weights reads, on the only way to the logits."""
    graph = model.graph
    constants = {"", *(one.name for one in graph.initializer)}  # an input that is left out has no name
    for node in graph.node:  # each stands after those that it reads
        if constants.issuperset(node.input):
            constants.update(node.output)
    made_by = {name: node for node in graph.node for name in node.output}
    name = "logits"
    while (node := made_by.get(name)) is not None:
        read = [one for one in node.input if one not in constants]
        if len(read) != 1:
            return None
        if node.op_type in LAST_LAYERS:
            return read[0]
        name = read[0]
    return None


def scored(model: onnx.ModelProto, known: Known) -> onnx.ModelProto:
    """Return a network that gives "known_score", too: float32 (batch,), -1..1.

    Args:
        model: as `onnx_file.calibrated` returns it.
        known: of that network.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    count, width = known.bank.shape
    nearest = nearest_of(count)
    constants = {
        "bank": known.bank.T.copy(),
        "ones": np.ones((width, 1), np.float32),
        "least length": np.array(LEAST_LENGTH, np.float32),
        "nearest": np.array([nearest], np.int64),
        "last": np.array(nearest - 1, np.int64),
    }
    made.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    made.graph.node.extend(
        helper.make_node(*node)
        for node in (
            ("Flatten", [known.features], ["features"]),
            ("Mul", ["features", "features"], ["squares"]),
            ("MatMul", ["squares", "ones"], ["square length"]),
            ("Sqrt", ["square length"], ["length"]),
            ("Max", ["length", "least length"], ["divisor"]),
            ("Div", ["features", "divisor"], ["direction"]),
            ("MatMul", ["direction", "bank"], ["cosines"]),
            ("TopK", ["cosines", "nearest"], ["near", "which"]),
            ("Gather", ["near", "last"], ["known_score"]),
        )
    )
    made.graph.node[-1].attribute.append(helper.make_attribute("axis", 1))
    made.graph.output.append(helper.make_tensor_value_info("known_score", TensorProto.FLOAT, ["batch"]))
    return made


def _giving(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Return a network whose output is one of its inner values."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.output[:]
    made.graph.output.append(helper.make_empty_tensor_value_info(name))
    return made
