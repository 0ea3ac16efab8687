"""The files that come with a network that somebody brings: its weights, and the names of its labels."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.training.own import own_networks
from tests.training.own.own_networks import Plain
from training.own import module
from training.own.labels import read_labels

pytestmark = pytest.mark.training
MODULE = own_networks.__name__


@pytest.mark.parametrize("write", [torch.save, save_file], ids=["state dict", "safetensors"])
def test_weights_are_those_of_the_file(tmp_path: Path, write: Callable[..., None]) -> None:
    theirs = Plain().state_dict()
    write(theirs, tmp_path / "weights")
    for name in ("Plain", "Other"):
        found = module.network_of(f"{MODULE}:{name}", tmp_path / "weights")
        assert not found.training
        assert all(
            torch.equal(one, other)
            for one, other in zip(found.state_dict().values(), theirs.values(), strict=True)
        )


def test_weights_of_another_network_are_refused_with_what_differs(tmp_path: Path) -> None:
    theirs = Plain().state_dict()
    del theirs["head.bias"]
    theirs["head.weight"] = theirs["head.weight"][:2]
    theirs["more"] = torch.zeros(1)
    torch.save(theirs, tmp_path / "weights.pt")
    words = (
        r"lacks head.bias; it also has more; it has in another shape head.weight \(2x256 in the file, "
        r"3x256 in the network\)"
    )
    with pytest.raises(ValueError, match=words):
        module.network_of(f"{MODULE}:Plain", tmp_path / "weights.pt")


def test_a_pickled_module_is_not_run(tmp_path: Path) -> None:
    torch.save(Plain(), tmp_path / "whole.pt")
    with pytest.raises(ValueError, match="safetensors, or a state dict"):
        module.network_of(f"{MODULE}:Plain", tmp_path / "whole.pt")


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("labels.txt", "cat\ncat", "'cat' is there twice"),
        ("labels.txt", "cat\n\ndog", "label 2 of 3 is empty"),
        ("labels.txt", "cat\n", "has 1 labels"),
        ("labels.json", '{"0": "cat", "2": "dog"}', "keys are not 0 to 1"),
        ("labels.json", '[["n01", "cat"], "dog"]', "neither a list nor an object of strings"),
        ("labels.json", "cat", "cannot be read"),
    ],
)
def test_a_file_without_labels_is_refused(tmp_path: Path, file: str, text: str, words: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(ValueError, match=words):
        read_labels(tmp_path / file)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("labels.txt", "cat\r\nhot dog\n"),
        ("labels.json", '["cat", "hot dog"]'),
        ("index_to_name.json", '{"1": "hot dog", "0": "cat"}'),
    ],
)
def test_labels_are_lines_or_json(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    assert read_labels(tmp_path / file) == ("cat", "hot dog")
