"""The committed gate: it lets through what people write and refuses what is no digit."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from handler.fingerprint import preprocessing_fingerprint
from handler.frame import frame_of
from system.files import PROJECT
from tests.training.outliers.outlier_material import material
from training.data import drawing
from training.data.paint import KINDS
from training.data.strokes import Drawn
from training.gate import network as gate
from training.gate import train
from training.outliers import kinds
from training.outliers.hand import Strokes, arc, line

# What ordinary people write and fonts do not: a slashed 0, a bare 1, a crossed 7, and their like.
WRITTEN: dict[str, Strokes] = {
    "a slashed 0": (arc(50, 50, 30, 45), line((22, 92), (78, 8))),
    "a slim slashed 0": (arc(50, 50, 20, 48), line((24, 104), (76, -4))),
    "a bare 1": (line((50, 0), (50, 50), (51, 100)),),
    "a slanted 1": (line((65, 0), (50, 50), (35, 100)),),
    "a 1 with a flag and a foot": (line((30, 25), (52, 0), (52, 100)), line((28, 100), (76, 100))),
    "a crossed 7": (line((20, 8), (76, 8), (60, 45), (42, 100)), line((36, 50), (72, 50))),
    "an open 4": (line((30, 5), (24, 52), (76, 52)), line((64, 8), (62, 100))),
    "a 9 with a straight leg": (
        line((66, 20), (48, 8), (32, 22), (36, 44), (54, 46), (66, 30), (67, 10), (66, 60), (65, 100)),
    ),
}


@pytest.fixture(scope="module")
def committed() -> tuple[gate.Gate, gate.GateAbout]:
    return gate.load(PROJECT / gate.DEFAULT_GATE)


def score(network: gate.Gate, picture: bytes) -> float:
    """Return the score of an image file, through the real preprocessing."""
    with torch.no_grad():
        return float(network(torch.from_numpy(frame_of(picture))[None])[0])


@pytest.mark.training
def test_the_runtime_scores_as_the_network_does(
    committed: tuple[gate.Gate, gate.GateAbout], tmp_path: Path
) -> None:
    network, _ = committed
    program = torch.onnx.export(
        network,
        (torch.zeros((2, 28, 28), dtype=torch.uint8),),
        input_names=["frames"],
        output_names=["digit_score"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    program.save(str(tmp_path / "gate.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "gate.onnx", providers=["CPUExecutionProvider"])
    for some in (material().images, material().images[:1]):
        (found,) = session.run(["digit_score"], {"frames": some})
        assert found.shape == (len(some),)
        np.testing.assert_allclose(found, train.scores(network, some), atol=1e-5)


def test_the_committed_gate_is_of_this_preprocessing_and_small(
    committed: tuple[gate.Gate, gate.GateAbout],
) -> None:
    network, about = committed
    assert about.preprocessing == preprocessing_fingerprint()
    assert 10_000 <= sum(parameter.numel() for parameter in network.parameters()) <= 100_000
    assert 0 < about.threshold < 1
    assert {sort for sort, share in about.measured["refused"].items() if share > 0.01} <= {
        train.OTHER.format(part) for part in train.HELD_OUT
    }
    assert max(about.measured["refused"].values()) <= 0.08
    unseen = {row["kind"] for row in about.measured["outliers"] if not row["seen"]}
    assert unseen >= kinds.HELD_OUT


@pytest.mark.parametrize("digit", drawing.STROKES)
def test_the_committed_gate_lets_clear_digits_pass(
    committed: tuple[gate.Gate, gate.GateAbout], digit: str
) -> None:
    network, about = committed
    for pen_px in (8, 18, 30):
        assert score(network, drawing.png(digit, pen_px=pen_px)) >= about.threshold
    white_on_black = drawing.png(digit, pen=(255, 255, 255), paper=(0, 0, 0))
    assert score(network, white_on_black) >= about.threshold


@pytest.mark.parametrize("name", WRITTEN)
def test_the_committed_gate_lets_what_people_write_pass(
    committed: tuple[gate.Gate, gate.GateAbout], name: str
) -> None:
    network, about = committed
    random = np.random.default_rng(0)
    for paint in ("plain", "inverted", "thin", "thick", "coloured", "corner", "strong_jpeg", "small"):
        picture = KINDS[paint](Drawn(0, 1, WRITTEN[name]), random).encoded()
        assert score(network, picture) >= about.threshold, paint


@pytest.mark.parametrize(
    "kind",
    [
        "scribbles",
        "faces",
        "clothes",
        "hearts",
        "stars",
        "several digits",
        "houses",
        "fish",
    ],
)
def test_the_committed_gate_refuses_what_is_no_digit(
    committed: tuple[gate.Gate, gate.GateAbout], kind: str
) -> None:
    network, about = committed
    random = np.random.default_rng(11)
    pictures = [KINDS["plain"](kinds.drawn(kind, material(), random), random).encoded() for _ in range(100)]
    refused = sum(score(network, picture) < about.threshold for picture in pictures)
    assert refused >= 90
