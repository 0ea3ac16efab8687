"""A network that somebody brings: what is served of it, and what is refused, with the reason."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from handler.framings import frame_of_file
from handler.provider import session
from tests.training.own import own_networks
from tests.training.own.own_networks import LABELS, Plain
from training.archive.__main__ import main
from training.models.classical_file import load_classical
from training.own import module, timing
from training.own.bring import Own, bring

pytestmark = pytest.mark.training
MODULE = own_networks.__name__


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with labels.txt and validation/, three labels with eight noisy pictures each."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "labels.txt").write_text("\n".join(LABELS))
    for seed, label in enumerate(LABELS):
        (folder / "validation" / label).mkdir(parents=True)
        random = np.random.default_rng(seed)
        for number in range(8):
            pixels = random.normal(60 + 60 * seed, 40, (40, 48, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "validation" / label / f"{number}.png")
    return folder


def own(given: Path, network: str, **others: object) -> Own:
    usual: dict[str, object] = {
        "weights": None,
        "labels": given / "labels.txt",
        "validation": given / "validation",
        "framing": None if network.endswith(".onnx") else "photo-32",
        "version": "1.0.0",
    }
    return Own(network, **{**usual, **others})  # type: ignore[arg-type]


def pictures(given: Path) -> np.ndarray:
    files = sorted((given / "validation").rglob("*.png"))[:5]
    return np.stack([frame_of_file(path.read_bytes(), "photo-32") for path in files])


def linear(
    path: Path,
    reads: tuple[str | int, ...] = ("batch", 3, 32, 32),
    kind: int = TensorProto.FLOAT,
    labels: int = len(LABELS),
    then: str = "Identity",
    names: tuple[str, str] = ("pictures", "logits"),
) -> str:
    """Write an ONNX network that adds pixels up, weighted; return its path."""
    weight = np.random.default_rng(0).normal(size=(3 * 32 * 32, labels)).astype(np.float32) / 50
    nodes = [
        helper.make_node("Cast", [names[0]], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["float"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["sums"]),
        helper.make_node(then, ["sums"], [names[1]]),
    ]
    graph = helper.make_graph(
        nodes,
        "theirs",
        [helper.make_tensor_value_info(names[0], kind, reads)],
        [helper.make_tensor_value_info(names[1], TensorProto.FLOAT, ["batch", labels])],
        [numpy_helper.from_array(weight, "weight")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return str(path)


def test_what_is_served_of_a_module_is_the_module_calibrated(given: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Plain()
    torch.save({"state_dict": network.state_dict()}, tmp_path / "theirs.pt")
    said: list[str] = []
    asked = own(given, f"{MODULE}:Other", weights=tmp_path / "theirs.pt", version="2.1.0")
    times = bring(asked, tmp_path / "mine.onnx", said.append)
    content, about = load_classical(tmp_path / "mine.onnx")
    assert (about.label_names, about.framing, about.version) == (LABELS, "photo-32", "2.1.0")
    assert about.architecture == f"{MODULE}:Other"
    assert re.match(r"24 pictures: .* differ from PyTorch's by up to \S+ \(accepted: 0.001\)", said[0])
    assert said[2].startswith("the true label is among those of a set in 90% of answers: 24 validation")
    assert 1 in times
    (tmp_path / "network.onnx").write_bytes(content)
    frames = pictures(given)
    with torch.no_grad():
        logits = network.eval()(torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255)
    expected = torch.softmax(logits / about.temperature, dim=1).numpy()
    found = session(tmp_path / "network.onnx").run(None, {"frames": frames})[0]
    assert np.abs(found - expected).max() < 1e-5


def test_a_module_that_takes_whatever_it_is_given_is_exported() -> None:
    made = module.exported(own_networks.Anything().eval(), torch.rand(2, 3, 32, 32))
    (reads,) = made.graph.input
    batch, *shape = reads.type.tensor_type.shape.dim
    assert (reads.name, batch.dim_param, [one.dim_value for one in shape]) == (
        "pictures",
        "batch",
        [3, 32, 32],
    )


def test_a_network_in_place_of_a_function_is_taken_as_it_is() -> None:
    assert module.network_of(f"{MODULE}:INSTANCE", None) is own_networks.INSTANCE


@pytest.mark.parametrize("names", [("pictures", "logits"), ("frames", "probabilities"), ("levels", "cooled")])
def test_an_onnx_file_is_served_whatever_its_names_are(
    given: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    said: list[str] = []
    bring(own(given, linear(tmp_path / "theirs.onnx", names=names)), tmp_path / "mine.onnx", said.append)
    content, about = load_classical(tmp_path / "mine.onnx")
    assert about.framing == "photo-32"
    (tmp_path / "network.onnx").write_bytes(content)
    frames = pictures(given)
    weight = numpy_helper.to_array(onnx.load(tmp_path / "theirs.onnx").graph.initializer[0])
    logits = frames.transpose(0, 3, 1, 2).reshape(5, -1).astype(np.float32) / 255 @ weight
    expected = torch.softmax(torch.from_numpy(logits) / about.temperature, dim=1).numpy()
    assert np.abs(session(tmp_path / "network.onnx").run(None, {"frames": frames})[0] - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Counts", "cannot be exported to ONNX: the operator .*aten.histc.* cannot be exported to ONNX"),
        ("Branches", r"depends on a picture's content \(File .*own_networks.py.*if pictures.mean\(\) > 0.5"),
        ("OfThree", r"cannot read 1x3x32x32: RuntimeError: .* \(own_networks.py, line \d+\)"),
        ("Chance", "for the same pictures the network returns other probabilities the second time"),
        ("OfItsBatch", "depends on the others in its batch"),
        ("Sure", "returns probabilities .*, expected logits"),
        ("Two", "returns a tuple, expected one tensor of logits"),
        ("Broken", "not finite .* for 3 of 3 pictures"),
        ("fails", r"RuntimeError: no such checkpoint \(own_networks.py, line \d+\)"),
        ("nothing", "returned a str, expected a torch.nn.Module"),
        ("missing", "has no missing"),
    ],
)
def test_a_module_that_cannot_be_served_is_refused_with_the_reason(
    given: Path, tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises(ValueError, match=f"(?i){words}"):
        bring(own(given, f"{MODULE}:{name}"), tmp_path / "mine.onnx", print)
    assert not (tmp_path / "mine.onnx").exists()


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"reads": (1, 3, 32, 32)}, r"reads 1 picture at once, .*\(1, 3, 32, 32\)"),
        ({"reads": ("batch", 32, 32, 3)}, "has channels last"),
        ({"reads": ("batch", 3, 32, 40)}, "frames are squares"),
        ({"reads": ("batch", 3, "height", "width")}, "leaves open how pictures become frames"),
        ({"kind": TensorProto.UINT8}, "reads uint8 .*, expected float32"),
        ({"labels": 4}, "returns 4 logits, but --labels has 3 labels"),
        ({"then": "Softmax"}, "returns probabilities"),
        ({"then": "Log"}, "not finite"),
        ({"then": "Foo"}, "Foo"),
    ],
    ids=str,
)
def test_an_onnx_file_that_cannot_be_served_is_refused_with_the_reason(
    given: Path, tmp_path: Path, others: dict[str, object], words: str
) -> None:
    path = linear(tmp_path / "theirs.onnx", **others)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=words):
        bring(own(given, path), tmp_path / "mine.onnx", print)


def test_a_framing_that_the_network_does_not_read_is_refused(given: Path, tmp_path: Path) -> None:
    path = linear(tmp_path / "theirs.onnx")
    with pytest.raises(ValueError, match=r"\(any, 3, 32, 32\); --framing photo-64 makes \(any, 3, 64, 64\)"):
        bring(own(given, path, framing="photo-64"), tmp_path / "mine.onnx", print)
    with pytest.raises(ValueError, match="add --framing photo-224"):
        bring(own(given, f"{MODULE}:Plain", framing=None), tmp_path / "mine.onnx", print)


def test_pictures_of_other_labels_are_refused(given: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("leaf\nsky\nsnow")
    path = linear(tmp_path / "theirs.onnx")
    with pytest.raises(
        ValueError, match="has images of 'sand', but the network's labels are leaf, sky, snow"
    ):
        bring(own(given, path, labels=tmp_path / "labels.txt"), tmp_path / "mine.onnx", print)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--network", "a:b"], "--network needs --labels and --validation"),
        (["--labels", "a.txt"], "--labels needs --network"),
        (["--framing", "ink"], "--framing needs --network"),
        (["--model", "lenet5"], "--model needs --dataset"),
        (["--data", "shapes"], "--data needs --dataset"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    words: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert error in capsys.readouterr().err


def test_a_name_of_a_data_set_is_not_taken(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--labels", str(given / "labels.txt"), "--validation", str(given / "validation")]
    assert main(["--network", "digits.onnx", *files]) == 1
    assert "is reserved for a data set of Sketchserve. Give another with --name" in capsys.readouterr().err


def test_the_command_says_that_importing_runs_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "imports and runs your module" in " ".join(capsys.readouterr().out.split())


def test_a_suggested_batch_is_worth_its_wait_and_workers_fit_into_the_memory() -> None:
    falling = {1: 0.010, 2: 0.008, 4: 0.005, 8: 0.0049, 16: 0.0049}
    found = timing.suggested(falling, own_bytes=400, shared_bytes=300, free_bytes=750)
    assert (found.workers, found.batch, found.delay_ms) == (1, 4, 1)
    slow = {1: 1.0, 2: 0.9, 4: 0.7}
    assert timing.suggested(slow, 1, 1, 10**9).batch == 2  # four take longer than a batch may
    assert timing.suggested({1: 0.1, 2: 0.1}, 1, 1, 10**9).batch == 1
