"""What scikit-learn has learnt as an ONNX network: uint8 frames in, calibrated probabilities out.

ONNX and not scikit-learn's own pickle: loading a pickle runs whatever code it names, with the server's
rights, while ONNX is data, which also needs no scikit-learn (and no certain version of it) to be served.

The trees are written by skl2onnx. The support vectors are written here, as two matrix products: ONNX's own
operator for them, which skl2onnx takes, needed 970 microseconds a frame to look at 2,455 vectors, where these
look at 8,821 in 120, and its file holds each pixel of a vector in four bytes where it came in one.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from handler.frame import FRAME_PX
from training.models.classical_recipes import Estimator

FORESTS = (ExtraTreesClassifier, RandomForestClassifier)
PIXELS = FRAME_PX**2
# A label that no tree votes for is unlikely, not impossible: its logarithm is taken of this share of votes.
LEAST_VOTES = 1e-3
OPSETS = {"": 20, "ai.onnx.ml": 3}
IR_VERSION = 10  # that of this opset: ONNX Runtime refuses files of a format newer than itself
TEMPERATURE = "temperature"


class Graph:
    """A network in the making: nodes in order, and the constants that they use."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray | np.generic, name: str = "") -> str:
        """Add a constant; return its name."""
        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def add(self, operator: str, inputs: Iterable[str], output: str = "", **attributes: Any) -> str:
        """Add a node of ONNX's operators (https://onnx.ai/onnx/operators); return its output's name."""
        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output


def pixels_of(frames: np.ndarray) -> np.ndarray:
    """Return what the estimators learn from: float32 (count, 784), 0 = paper .. 1 = ink, of uint8 frames."""
    return frames.reshape(len(frames), -1).astype(np.float32) / np.float32(255)


def scores_of(estimator: Estimator, frames: np.ndarray) -> np.ndarray:
    """Return scikit-learn's own scores, float64 (count, labels); their softmax is the uncalibrated answer."""
    if isinstance(estimator, FORESTS):
        return np.log(estimator.predict_proba(pixels_of(frames)) + LEAST_VOTES)
    decisions = estimator.decision_function(pixels_of(frames))
    return np.stack([-decisions, decisions], axis=1) if decisions.ndim == 1 else decisions


def network_of(estimator: Estimator, labels: int) -> onnx.ModelProto:
    """Return the network whose answer is the softmax of the estimator's scores / temperature, which is 1.

    Its input is "frames", uint8 (batch, 28, 28); its output "probabilities", float32 (batch, labels).
    """
    graph = Graph()
    levels = graph.add("Cast", [graph.add("Flatten", ["frames"])], to=TensorProto.FLOAT)
    pixels = graph.add("Div", [levels, graph.constant(np.float32(255))])
    if isinstance(estimator, FORESTS):
        scores = _votes(graph, estimator, pixels)
    elif isinstance(estimator, Pipeline):
        scores = _kernel(graph, estimator[-1], _projected(graph, estimator[0], pixels), None)
    else:
        scores = _kernel(graph, estimator, pixels, 255)
    cooled = graph.add("Div", [scores, graph.constant(np.float32(1), TEMPERATURE)])
    graph.add("Softmax", [cooled], "probabilities", axis=1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "classical",
            [helper.make_tensor_value_info("frames", TensorProto.UINT8, ["batch", FRAME_PX, FRAME_PX])],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", labels])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid(*opset) for opset in OPSETS.items()],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model


def set_temperature(network: onnx.ModelProto, temperature: float) -> None:
    """Change what a network's scores are divided by before the softmax."""
    (constant,) = (tensor for tensor in network.graph.initializer if tensor.name == TEMPERATURE)
    constant.CopyFrom(numpy_helper.from_array(np.asarray(temperature, np.float32), TEMPERATURE))


def _votes(graph: Graph, forest: Estimator, pixels: str) -> str:
    """Add the trees; return the name of the logarithm of their mean vote."""
    written = to_onnx(
        forest, np.zeros((1, PIXELS), np.float32), options={"zipmap": False}, target_opset=OPSETS
    )
    (trees,) = (node for node in written.graph.node if node.op_type == "TreeEnsembleClassifier")
    _drop_zeros(trees)
    del trees.input[:], trees.output[:]
    trees.input.append(pixels)
    trees.output.extend(["label", "votes"])
    graph.nodes.append(trees)
    return graph.add("Log", [graph.add("Add", ["votes", graph.constant(np.float32(LEAST_VOTES))])])


def _drop_zeros(trees: onnx.NodeProto) -> None:
    """Leave out the leaves' weights that are zero: most are, and each takes memory in every worker."""
    weights = {entry.name: entry for entry in trees.attribute if entry.name.startswith("class_")}
    kept = np.flatnonzero(np.array(weights["class_weights"].floats))
    for entry in weights.values():
        values = entry.floats if entry.floats else entry.ints
        left = np.array(values)[kept].tolist()
        del values[:]
        values.extend(left)


def _projected(graph: Graph, pca: PCA, pixels: str) -> str:
    """Add the projection; return the name of its result, float32 (batch, components)."""
    matrix = pca.components_.T
    centre = -pca.mean_ @ matrix
    constants = (graph.constant(value.astype(np.float32)) for value in (matrix, centre))
    return graph.add("Gemm", [pixels, *constants])


def _kernel(graph: Graph, machines: OneVsRestClassifier, points: str, levels: int | None) -> str:
    """Add support vector machines with one Gaussian kernel, a label each; return the name of their decisions.

    Args:
        graph: what is added to.
        machines: fitted on the same frames, so that a frame may support several of them.
        points: the name of what they look at, float32 (batch, dimensions).
        levels: where the vectors are whole numbers of 1 / levels: they are kept as uint8 then.
    """
    vectors, coefficients, offsets, gamma = _shared(machines)
    squares = graph.constant((vectors**2).sum(axis=1).astype(np.float32))
    if levels:
        kept = graph.add(
            "Cast", [graph.constant(np.rint(vectors * levels).astype(np.uint8))], to=TensorProto.FLOAT
        )
        table = graph.add("Div", [kept, graph.constant(np.float32(levels))])
    else:
        table = graph.constant(vectors.astype(np.float32))
    # |p - v|^2 = |v|^2 - 2 p v + |p|^2: a matrix product, where the differences would be written out.
    partial = graph.add("Gemm", [points, table, squares], alpha=-2.0, transB=1)
    own = graph.add("ReduceSumSquare", [points, graph.constant(np.array([1], np.int64))], keepdims=1)
    distances = graph.add("Relu", [graph.add("Add", [partial, own])])  # rounding may give less than zero
    kernel = graph.add("Exp", [graph.add("Mul", [distances, graph.constant(np.float32(-gamma))])])
    constants = (graph.constant(value.astype(np.float32)) for value in (coefficients, offsets))
    return graph.add("Gemm", [kernel, *constants])


def _shared(machines: OneVsRestClassifier) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return all machines as one.

    Returns:
        Support vectors, float64 (count, dimensions), each once; what each adds to a label's decision,
        float64 (count, labels), and what is added to all, float64 (labels,); the kernel's gamma.
    """
    each: list[SVC] = machines.estimators_
    members = np.unique(np.concatenate([machine.support_ for machine in each]))
    vectors = np.zeros((len(members), each[0].support_vectors_.shape[1]))
    coefficients = np.zeros((len(members), len(each)))
    for label, machine in enumerate(each):
        rows = np.searchsorted(members, machine.support_)
        vectors[rows] = machine.support_vectors_
        coefficients[rows, label] = machine.dual_coef_[0]
    offsets = np.array([machine.intercept_[0] for machine in each])
    if len(each) == 1:  # of two labels one machine tells the second from the first
        coefficients, offsets = coefficients * [-1, 1], offsets * [-1, 1]
    return vectors, coefficients, offsets, float(each[0]._gamma)
