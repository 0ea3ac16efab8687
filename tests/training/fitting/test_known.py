"""What a network knows: which frames it is compared with, from which score on, and what features are."""

import numpy as np
import pytest
import torch
from torch import nn

from training.data.frames import DataSet, Frames
from training.fitting.known import KNOWN, fit, measured, scores, spread, threshold_of, with_known
from training.fitting.measure import calibrated, logits_of
from training.models.known import logits_and_features, nearness
from training.models.networks import Ensemble, build
from training.models.photo_networks import photo_network

CPU = torch.device("cpu")


def test_so_many_of_validation_are_known_as_is_promised() -> None:
    random = np.random.default_rng(0)
    known = [float(np.mean(random.random(2000) >= threshold_of(random.random(500)))) for _ in range(200)]
    assert np.mean(known) == pytest.approx(KNOWN, abs=0.002)


def test_of_few_frames_the_threshold_is_the_lowest_score() -> None:
    assert threshold_of(np.array([0.5, 0.2, 0.9])) == 0.2


@pytest.mark.parametrize(("labels", "of_each", "kept"), [(3, 40, 40), (4, 900, 500), (300, 12, 10)])
def test_all_labels_are_kept_alike(labels: int, of_each: int, kept: int) -> None:
    given = np.random.default_rng(0).permutation(np.repeat(np.arange(labels), of_each))
    assert (np.bincount(given[spread(given)], minlength=labels) == kept).all()


def test_of_a_rare_label_all_frames_are_kept() -> None:
    given = np.repeat([0, 1], [5000, 30])
    assert np.bincount(given[spread(given)]).tolist() == [1970, 30]


def test_the_nearer_one_scores_higher_and_a_stray_frame_makes_nothing_known() -> None:
    angles = torch.cat([torch.linspace(-0.1, 0.1, 599), torch.tensor([2.0])])
    bank = torch.stack([angles.cos(), angles.sin()], dim=1)
    asked = torch.tensor([0.0, 0.5, 2.0])
    near, far, stray = nearness(torch.stack([asked.cos(), asked.sin()], dim=1), bank).tolist()
    assert near > far > stray
    assert near == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("architecture", ["cnn-8", "vit", "cnn-8+lenet5"])
def test_features_are_what_the_last_layers_read(architecture: str) -> None:
    model = build(architecture, 5).eval()
    inputs = torch.rand(3, 1, 28, 28)
    with torch.no_grad():
        logits, found = logits_and_features(model, inputs)
        assert torch.equal(logits, model(inputs))
        members = list(model.members) if isinstance(model, Ensemble) else [model]
        assert found.shape == (3, sum(member.head.in_features for member in members))
        assert torch.allclose(found.norm(dim=1), torch.ones(3), atol=1e-5)
        if architecture == "cnn-8":
            read = model.body(inputs)
            assert torch.allclose(found, read / read.norm(dim=1, keepdim=True), atol=1e-5)


def test_of_a_network_without_a_linear_layer_the_logits_are_compared() -> None:
    model = photo_network("squeezenet1_1", 7, "photo-64").eval()
    assert not any(isinstance(one, nn.Linear) for one in model.modules())
    with torch.no_grad():
        logits, found = logits_and_features(model, torch.rand(2, 3, 64, 64))
    assert torch.allclose(found, logits / logits.norm(dim=1, keepdim=True), atol=1e-5)


def some(count: int, seed: int) -> Frames:
    """Return frames of two labels: a bar that stands, and one that lies."""
    random = np.random.default_rng(seed)
    frames, labels = np.zeros((count, 28, 28), np.uint8), np.arange(count) % 2
    for index, at in enumerate(random.integers(6, 20, count)):
        frames[index, at : at + 3, 4:24] = 200 + random.integers(0, 55, (3, 20))
        if labels[index]:
            frames[index] = frames[index].T
    return Frames(frames, labels)


def test_other_pictures_are_told_from_its_own() -> None:
    torch.manual_seed(0)
    model = build("cnn-8", 2).eval()
    data = DataSet("bars", ("lies", "stands"), some(300, 0), some(300, 1), {"bars": some(100, 2)})
    fitted = fit(model, data.train, data.validation, CPU)
    noise = np.random.default_rng(3).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    other = {"noise": noise, "more of the same": some(100, 4).frames}
    found = measured(fitted.threshold, lambda frames: scores(model, frames, fitted.bank, CPU), data, other)
    assert found["validation"] == pytest.approx(KNOWN, abs=0.01)
    assert found["tests"]["bars"] > 0.9
    assert found["others"]["noise"] == {"pictures": 50, "auroc": 1.0, "called_known": 0.0}
    assert found["others"]["more of the same"]["auroc"] == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_models_with_a_gate_tell_it_in_no_second_way(name: str) -> None:
    data = DataSet(name, ("lies", "stands"), some(40, 0), some(40, 1), {name: some(40, 2)})
    model = build("cnn-8", 2)
    about, found = calibrated(lambda part: logits_of(model, part, CPU), data, "cnn-8", "1.0.0")
    assert with_known(about, found, model, data, CPU) == (about, found, None)
    assert about.known_threshold is None
    assert "known" not in found
