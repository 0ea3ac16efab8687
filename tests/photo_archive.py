"""A small real archive for photographs: which colour has the upper hand, among hundreds of labels."""

import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper, save

from handler.fingerprint import preprocessing_fingerprint
from handler.model import Model
from training.archive import golden

NAME, VERSION, FRAMING, SIDE_PX = "colours", "1.0.0", "photo-32", 32
LABELS = ("red", "green", "blue", *(f"kind {number:03}" for number in range(3, 300)))
# A picture of one colour gives it some 9 of 10: others are as probable as a gray that is as bright.
STEEPNESS = 20 / 255
CHANGED = {
    "MAR-INF/MANIFEST.json",
    "index_to_name.json",
    "model.json",
    "golden.json",
    "network.onnx",
    "gate.onnx",
}


def write_photo_archive(digits: Path, out: Path) -> Path:
    """Write the archive beside that of the digits, whose handler it gets, and return its path."""
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(digits) as source:
        folder = Path(name)
        save(_network(), folder / "network.onnx")
        about = {"framing": FRAMING, "coverage": 0.99, "set_threshold": 0.5, "digit_threshold": None}
        (folder / "model.json").write_text(json.dumps(about))
        labels = {str(index): label for index, label in enumerate(LABELS)}
        (folder / "index_to_name.json").write_text(json.dumps(labels))
        golden.write(folder, Model(folder, name=NAME))
        manifest = json.loads(source.read("MAR-INF/MANIFEST.json"))
        manifest["model"] |= {"modelName": NAME, "modelVersion": VERSION}
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
            for member in source.infolist():
                if member.filename not in CHANGED:
                    archive.writestr(member, source.read(member))
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)
    return out


def _network() -> ModelProto:
    """Return the network: uint8 (batch, 32, 32, 3) -> the softmax of mean red, green, blue and gray."""
    weights = np.full((3, len(LABELS)), STEEPNESS / 3, np.float32)
    weights[:, :3] = STEEPNESS * np.eye(3)
    nodes = [
        helper.make_node("Cast", ["frames"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    shape = ["batch", SIDE_PX, SIDE_PX, 3]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("frames", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(LABELS)])],
        [
            numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
            numpy_helper.from_array(weights, "weights"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def fingerprint() -> str:
    """Return the preprocessing that its answers name."""
    return preprocessing_fingerprint(framing=FRAMING)
