"""ONNX networks that give the same for every frame, where a test needs one and not a trained one."""

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, save


def network(path: Path, output: str, says: list[float] | float, **others: float) -> ModelProto:
    """Write a network that gives the same for every frame, and give it.

    Args:
        path: where it is written.
        output: the output's name.
        says: its value for one frame.
        others: further outputs with their values.
    """
    nodes = [helper.make_node("Shape", ["frames"], ["batch"], end=1)]
    outputs, constants = [], []
    for name, given in {output: says, **others}.items():
        value = np.asarray(given, np.float32)
        nodes += [
            helper.make_node("Concat", ["batch", f"{name}_rest"], [f"{name}_shape"], axis=0),
            helper.make_node("Expand", [f"{name}_value", f"{name}_shape"], [name]),
        ]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *value.shape]))
        constants += [
            helper.make_tensor(f"{name}_rest", TensorProto.INT64, [value.ndim], list(value.shape)),
            helper.make_tensor(f"{name}_value", TensorProto.FLOAT, value.shape, value.ravel().tolist()),
        ]
    frames = helper.make_tensor_value_info("frames", TensorProto.UINT8, ["batch", 28, 28])
    graph = helper.make_graph(nodes, "constant", [frames], outputs, constants)
    opset = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    save(model, path)
    return model
