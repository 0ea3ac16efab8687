"""The model file of what scikit-learn has learnt, or somebody brought: ONNX, and what it says of itself.

Read without scikit-learn, which is not installed where archives are only built and served.
"""

import json
from dataclasses import asdict
from pathlib import Path

import onnx
from onnx import helper

from system.files import written_aside
from training.models.weights import About, about_of

ABOUT = "about"


def save_classical(path: Path, network: onnx.ModelProto, about: About) -> None:
    """Write a model file; a reader sees the old one or the new one, never half of it."""
    helper.set_model_props(network, {ABOUT: json.dumps(asdict(about))})
    with written_aside(path) as draft:
        draft.write_bytes(network.SerializeToString())


def load_classical(path: Path) -> tuple[bytes, About]:
    """Return a model file's network, as the archive carries it, and what it says of itself.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a model file of this project.
    """
    if not path.exists():
        raise FileNotFoundError(f"The model {path} does not exist: train it with `make train MODEL=...`.")
    content = path.read_bytes()
    try:
        network = onnx.load_model_from_string(content)
        about = about_of(json.loads({entry.key: entry.value for entry in network.metadata_props}[ABOUT]))
        names = [value.name for value in (*network.graph.input, *network.graph.output)]
        expected = ["frames", "probabilities"] + ["known_score"] * (about.known_threshold is not None)
        if names != expected:
            raise ValueError(f"it has {', '.join(names) or 'nothing'} instead of {', '.join(expected)}")
    except Exception as error:  # protobuf raises what its implementation raises, which is not one class
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{path} is not a model file of Sketchserve ({words}): train it again.") from None
    return content, about
