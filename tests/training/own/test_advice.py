"""What somebody does wrong who brings a network for the first time: the error says what to do."""

import contextlib
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.docs.documents import blocks
from tests.training.own import own_networks
from tests.training.own.own_networks import LABELS, Always, Plain
from training.archive import own_network
from training.data.image_folder import load_held_out
from training.models.first_weights import tensors_of
from training.own import module
from training.own.bring import Own, bring
from training.own.onnx_file import framing_for

pytestmark = pytest.mark.training
MODULE = own_networks.__name__


def folder_of(path: Path, of_a_label: int = 4) -> Path:
    """Return a folder of noise, with a sub-folder for each of LABELS."""
    random = np.random.default_rng(0)
    for label in LABELS:
        (path / label).mkdir(parents=True)
        for number in range(of_a_label):
            pixels = random.integers(0, 255, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(path / label / f"{number}.png")
    return path


@pytest.mark.parametrize(
    "around",
    [lambda network: network, lambda network: {"epoch": 3, "network": network}],
    ids=["alone", "in a checkpoint"],
)
def test_of_a_pickled_network_it_says_whose_object_came_and_how_to_save_the_tensors(
    tmp_path: Path, around: Callable[[torch.nn.Module], object]
) -> None:
    torch.save(around(Plain()), tmp_path / "whole.pt")
    with pytest.raises(ValueError) as refused:
        tensors_of(tmp_path / "whole.pt", "--weights")
    said = str(refused.value)
    assert f"holds Python objects ({MODULE}.Plain)" in said
    assert said.endswith("save only its tensors: torch.save(network.state_dict(), FILE).")
    assert said.isprintable()  # PyTorch's own advice, to load it all the same, has escape sequences


def test_torchscript_is_named_as_such(tmp_path: Path) -> None:
    torch.jit.trace(Plain().eval(), torch.rand(1, 3, 32, 32)).save(str(tmp_path / "script.pt"))
    with pytest.raises(ValueError, match=r"holds a network compiled to TorchScript.*state_dict\(\)"):
        tensors_of(tmp_path / "script.pt")


def test_what_is_no_weights_at_all_is_told_from_them(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    with pytest.raises(ValueError, match="this file is neither, or it is damaged"):
        tensors_of(tmp_path / "labels.txt")


def test_weights_of_another_network_come_with_what_to_do(tmp_path: Path) -> None:
    torch.save({"head.weight": torch.zeros(3, 256)}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match="let the function build the one that these weights were saved from"):
        module.network_of(f"{MODULE}:Plain", tmp_path / "weights.pt")


@pytest.mark.parametrize(
    ("shape", "framing", "words"),
    [
        ((None, 3, 224, 224), "photo-96", "leave it out, for photo-224"),
        ((None, 1, 28, 28), "photo-32", "name one that makes such frames (ink, picture, photo"),
    ],
    ids=["photographs", "gray"],
)
def test_a_framing_of_another_side_comes_with_the_one_that_fits(
    shape: tuple[int | None, ...], framing: str, words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        framing_for(shape, framing)


def test_a_folder_with_a_label_too_many_may_mean_that_the_labels_lack_a_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="remove it, or add the missing line to --labels"):
        load_held_out(folder_of(tmp_path / "pictures"), LABELS[:2], "photo-32")


def test_images_beside_no_label_are_to_be_put_into_sub_folders(tmp_path: Path) -> None:
    of_one = folder_of(tmp_path / "pictures", 12) / LABELS[0]
    with pytest.raises(ValueError, match="0 readable images in its labels' folders"):
        load_held_out(of_one, LABELS, "photo-32")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is said of a network that always gives its first label, exported to ONNX as documented."""
    folder = tmp_path_factory.mktemp("exported")
    document = blocks("docs/your-own-classifier.md")
    (export,) = (block.text for block in document if "torch.onnx.export" in block.text)
    names = {"torch": torch, "network": Always().eval(), "pictures": torch.rand(2, 3, 32, 32)}
    with contextlib.chdir(folder):
        exec(export, names)
    (folder / "labels.txt").write_text("\n".join(LABELS))
    pictures = folder_of(folder / "pictures")
    lines: list[str] = []
    own = Own(str(folder / "scenes.onnx"), None, folder / "labels.txt", pictures, None, "1.0.0")
    bring(own, folder / "mine.onnx", lines.append)
    return lines


def test_the_documented_export_writes_a_file_that_is_served(said: list[str]) -> None:
    assert said[0].startswith("12 pictures of ")
    assert "framing photo-32: 33.33% right" in said[0]


def test_a_network_that_is_as_right_as_a_guess_comes_with_what_to_look_at(said: list[str]) -> None:
    assert "commonest label (33.33%): check that the lines of --labels are in the order" in said[1]


def test_the_command_that_builds_an_archive_again_can_be_pasted() -> None:
    folder = Path("/models of mine")
    command = own_network._rebuild("scenes", folder / "scenes.onnx", folder / "scenes.mar")
    assert shlex.split(command)[3:] == [
        "--weights", "/models of mine/scenes.onnx", "--name", "scenes", "--out", "/models of mine/scenes.mar",
    ]  # fmt: skip
