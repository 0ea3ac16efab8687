"""ONNX networks that give the same for every frame, where a test needs one and not a trained one."""

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, save


def network(path: Path, output: str, says: list[float] | float) -> ModelProto:
    """Write a network that gives the same for every frame, and give it.

    Args:
        path: where it is written.
        output: the output's name.
        says: its value for one frame.
    """
    value = np.asarray(says, np.float32)
    shape = ["batch", *value.shape]
    nodes = [
        helper.make_node("Shape", ["frames"], ["batch"], end=1),
        helper.make_node("Concat", ["batch", "rest"], ["shape"], axis=0),
        helper.make_node("Expand", ["value", "shape"], [output]),
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("frames", TensorProto.UINT8, ["batch", 28, 28])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [
            helper.make_tensor("rest", TensorProto.INT64, [value.ndim], list(value.shape)),
            helper.make_tensor("value", TensorProto.FLOAT, value.shape, value.ravel().tolist()),
        ],
    )
    opset = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    save(model, path)
    return model
