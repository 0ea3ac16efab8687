"""A network as ONNX: no pickled module, since loading it runs no code, and it answers four times as fast."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def program_of(
    network: nn.Module, given: str, example: Tensor, outputs: Sequence[str], dynamic: dict[int, Any]
) -> torch.onnx.ONNXProgram:
    """Return the program of a network in evaluation mode, by an example of its one input, called `given`."""
    # It warns of torchvision's operators where there is no torchvision; these networks have none of them.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    program = torch.onnx.export(
        network,
        (example,),
        input_names=[given],
        output_names=list(outputs),
        dynamic_shapes=(dynamic,),
        opset_version=20,
        dynamo=True,
        verbose=False,
    )
    assert program is not None, "dynamo=True always gives a program"
    return program
