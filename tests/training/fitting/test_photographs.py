"""Photographs from a folder to an archive: framing, network, training, first weights, serving."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from handler import self_check
from handler.model import Model
from training.archive.build import build
from training.data.augment import Draws
from training.data.drawing import STROKES, png
from training.data.photographs import augment_photos, mixed
from training.data.sets import load
from training.fitting.batches import strength
from training.fitting.known import scores
from training.fitting.run import Run
from training.fitting.settings import Settings
from training.fitting.train import train
from training.models import weights
from training.models.first_weights import begin_with
from training.models.networks import build as network_of

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::UserWarning")]

LABELS = {"leaf": (40, 160, 60), "sky": (60, 110, 220)}


def fill(folder: Path, side_px: int = 40, of_each: int = 20) -> Path:
    """Fill a folder with noisy pictures whose labels are their colours."""
    for seed, (label, colour) in enumerate(LABELS.items()):
        (folder / label).mkdir(parents=True)
        random = np.random.default_rng(seed)
        for number in range(of_each):
            pixels = random.normal(colour, 40, (side_px, side_px + 8, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.jpg", quality=90)
    return folder


def settings(data: Path, out: Path, **others: object) -> Settings:
    usual: dict[str, object] = {"dataset": "folder", "epochs": 2, "batch": 16, "device": "cpu"}
    return Settings(data, out, **{**usual, **others})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of photographs, and what training left of it."""
    folder = tmp_path_factory.mktemp("photos")
    train(settings(fill(folder / "scenes"), folder / "out"))
    return folder / "scenes", folder / "out"


def test_pictures_in_colour_become_photographs_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = load("folder", fill(tmp_path / "scenes", side_px=70), tmp_path)
    assert data.framing == "photo-64"
    assert data.train.frames.shape[1:] == (64, 64, 3)
    assert "framing photo-64 (40 of 40 images look like photographs" in capsys.readouterr().out


def test_what_scikit_learn_cannot_read_is_refused_in_words(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    for model in ("extra_trees", "svm"):
        with pytest.raises(ValueError, match=f"--model {model} cannot read photographs"):
            train(settings(trained[0], tmp_path, model=model))


def test_a_run_is_finished_once_and_its_file_says_how_frames_are_made(trained: tuple[Path, Path]) -> None:
    data, out = trained
    model, about = weights.load(out / "model.safetensors")
    assert (about.framing, about.architecture) == ("photo-32", "cnn")
    assert about.reference is not None
    assert list(about.reference.features) == ["brightness"]
    with torch.no_grad():
        assert model(torch.rand(3, 3, 32, 32)).shape == (3, 2)
    before = json.loads((out / "metrics.json").read_text())
    assert train(settings(data, out))["validation"] == before["validation"]


def test_its_card_says_what_it_tells_apart_and_on_what(trained: tuple[Path, Path]) -> None:
    card = (trained[1] / "model_card.md").read_text()
    assert "the labels of the data set `scenes` apart on a 32x32 frame" in card


@pytest.fixture(scope="module")
def unpacked(trained: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of its archive."""
    folder = tmp_path_factory.mktemp("archive")
    with zipfile.ZipFile(build(trained[1] / "model.safetensors", "scenes", folder / "scenes.mar")) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_its_archive_reads_photographs_as_training_did(trained: tuple[Path, Path], unpacked: Path) -> None:
    data, out = trained
    served = Model(unpacked)
    self_check.check(unpacked, served)
    golden = json.loads((unpacked / "golden.json").read_text())["pictures"]
    assert "JPEG with a profile of its colours" in [one["name"] for one in golden]
    files = sorted(data.glob("*/*.jpg"))[::4]
    frames = np.stack([served.frame(path.read_bytes()) for path in files])
    network, about = weights.load(out / "model.safetensors")
    with torch.no_grad():
        logits = network(torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255)
    expected = torch.softmax(logits / about.temperature, dim=1).numpy()
    assert np.abs(served.probabilities(frames) - expected).max() < 1e-4


def test_its_archive_answers_the_mirror_image_as_it_does_the_photograph(
    trained: tuple[Path, Path], unpacked: Path
) -> None:
    served = Model(unpacked)
    frames = np.stack([served.frame(path.read_bytes()) for path in sorted(trained[0].glob("*/*.jpg"))[::8]])
    own, mirrored = (served.read(some) for some in (frames, np.ascontiguousarray(frames[:, :, ::-1])))
    for one, other in zip(own, mirrored, strict=True):
        assert np.allclose(one.probabilities, other.probabilities, atol=1e-5)
        assert one.known_score == pytest.approx(other.known_score, abs=1e-5)
    # It is the mean of what the network says of each by itself, as it does in training.
    network, _ = weights.load(trained[1] / "model.safetensors")
    both = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        answer = network(both)
        network.training = network.network.training = True  # and none of its layers
        each = (network(both) + network(both.flip(3))) / 2
    assert torch.allclose(answer, each, atol=1e-4)


def test_its_archive_tells_photographs_from_drawings(trained: tuple[Path, Path], unpacked: Path) -> None:
    data, out = trained
    served = Model(unpacked)
    files = sorted(data.glob("*/*.jpg"))
    frames = np.stack([served.frame(file.read_bytes()) for file in files])
    drawn = np.stack([served.frame(png(digit)) for digit in STROKES])
    own, others = ([served.answer(one) for one in served.read(some)] for some in (frames, drawn))
    assert sum(answer["is_known"] for answer in own) > len(own) / 2
    assert not any(answer["is_known"] for answer in others)
    # What validation was measured with is what the archive's one network says.
    network, about = weights.load(out / "model.safetensors")
    bank = weights.bank_of(out / "model.safetensors")
    assert bank is not None
    expected = scores(network, frames, bank, torch.device("cpu"))
    assert np.allclose([answer["known_score"] for answer in own], expected, atol=1e-4)
    assert served.known_threshold == about.known_threshold
    measured = json.loads((out / "metrics.json").read_text())["known"]
    assert measured["threshold"] == about.known_threshold
    assert measured["others"]["drawn digits"]["auroc"] > 0.9
    assert "| scribbles | 100 |" in (out / "model_card.md").read_text()


def test_a_file_from_before_there_was_a_score_is_built_without_one(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    network, about = weights.load(trained[1] / "model.safetensors")
    weights.save(tmp_path / "old.safetensors", network.state_dict(), replace(about, known_threshold=None))
    with zipfile.ZipFile(build(tmp_path / "old.safetensors", "scenes", tmp_path / "scenes.mar")) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert "known_threshold" not in json.loads((tmp_path / "unpacked" / "model.json").read_text())
    served = Model(tmp_path / "unpacked")
    answer = served.answer(served.read(np.zeros((1, 32, 32, 3), np.uint8))[0])
    assert list(answer) == ["label", "confidence", "set", "probabilities"]


def test_first_weights_are_taken_but_for_a_head_of_other_labels(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    own = trained[1] / "model.safetensors"
    torch.save({"state_dict": weights.load(own)[0].state_dict()}, tmp_path / "theirs.pt")
    network = network_of("cnn", 5, "photo-32")
    assert "newly initialised: head.weight, head.bias" in begin_with(network, tmp_path / "theirs.pt")
    taken = network.state_dict()["network.body.0.weight"]
    assert torch.equal(taken, weights.load(own)[0].state_dict()["network.body.0.weight"])
    with pytest.raises(ValueError, match="weights of another network"):
        begin_with(network_of("resnet18", 5, "photo-32"), own)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": Path("anything")}, tmp_path / "code.pt")
    with pytest.raises(ValueError, match="safetensors, or a state dict"):
        begin_with(network_of("cnn", 2, "photo-32"), tmp_path / "code.pt")


def test_a_frozen_network_learns_its_last_layer_alone(trained: tuple[Path, Path], tmp_path: Path) -> None:
    data, out = trained
    first = out / "model.safetensors"
    train(settings(data, tmp_path / "out", epochs=1, init=str(first), freeze=True))
    before, after = (weights.load(path)[0].state_dict() for path in (first, tmp_path / "out" / first.name))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"network.head.weight", "network.head.bias"}


def test_a_run_is_trained_anew_when_larger_pictures_came_for_which_another_framing_is_chosen(
    trained: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(data: Path, **others: object) -> Run:
        given = settings(data, tmp_path / "out", **others)
        return Run(given, load("folder", data, data, given.framing), torch.device("cpu"))

    (tmp_path / "out").mkdir()
    before = run(trained[0])
    before.epoch = 1
    before.keep()
    larger = run(fill(tmp_path / "scenes", side_px=70))
    larger.resume()
    assert larger.epoch == 0
    said = capsys.readouterr().out
    assert (
        f"training from the start: since the run in {tmp_path}/out/last.pt, the data changed in: train"
        in said
    )
    with pytest.raises(ValueError, match=r"a run with different settings \(framing, preprocessing\)"):
        run(tmp_path / "scenes", framing="photo-96").resume()


@pytest.mark.parametrize(
    ("architecture", "framing", "words"),
    [("resnet18", "ink", "cannot read frames of 28x28"), ("lenet5", "photo-32", "cannot read photographs"),
     ("vit_b_16", "photo-32", "cannot read frames of 32x32 px")],
)  # fmt: skip
def test_networks_for_other_frames_are_refused(architecture: str, framing: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        network_of(architecture, 2, framing)


def test_augmentation_of_a_part_is_that_of_the_whole_batch() -> None:
    photos = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    def made(part: slice) -> torch.Tensor:
        draws = Draws(torch.Generator().manual_seed(1), 8, part, torch.device("cpu"))
        blended, _ = mixed(photos[part], photos.roll(1, 0)[part], draws)
        return augment_photos(blended, draws)

    whole = made(slice(None))
    assert torch.allclose(torch.cat([made(slice(0, 4)), made(slice(4, 8))]), whole, atol=1e-6)
    assert (whole.min(), whole.max()) >= (0, 0.9)
    assert float((whole - photos).abs().mean()) > 0.05


def test_photographs_are_changed_as_much_for_longer_than_drawings() -> None:
    of_drawings, of_photos = (
        [strength(done, framing) for done in (0, 0.6, 0.8, 0.85, 1)] for framing in ("ink", "photo-32")
    )
    assert of_drawings == pytest.approx([1, 1, 0.6, 0.5, 0.2])
    assert of_photos == pytest.approx([1, 1, 1, 1, 0.2])
