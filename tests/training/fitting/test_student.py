"""A student: it begins as a narrower member of its teacher, and comes to answer as the teacher does."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from tests.training.fitting.test_train import settings
from training.data.sets import CACHE, load
from training.fitting import ensemble, student, train
from training.fitting.measure import logits_of
from training.fitting.student import Taught, narrowed
from training.models import weights
from training.models.networks import build

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an ensemble of a cnn and another network."""
    folder = tmp_path_factory.mktemp("teacher")
    for model in ("cnn", "lenet5"):
        train.train(replace(settings(folder / model, model=model), epochs=2))
    ensemble.put_together([folder / "cnn", folder / "lenet5"], Path("nowhere"), folder / "both", "1.0.0")
    return folder / "both" / "model.safetensors"


def test_it_learns_what_its_teacher_says_and_is_smaller(teacher: Path, tmp_path: Path) -> None:
    given = ["--teacher", str(teacher), "--data", "nowhere", "--epochs", "6", "--version", "1.1.0"]
    assert student.main([*given, "--out", str(tmp_path)]) == 0
    learnt, about = weights.load(tmp_path / "model.safetensors")
    assert (about.architecture, about.version, about.data_set) == ("cnn-slim", "1.1.0", "optdigits")
    both, of_teacher = weights.load(teacher)
    numbers = [sum(value.numel() for value in one.parameters()) for one in (learnt, both)]
    assert numbers[0] < numbers[1] / 2
    data = load("optdigits", Path("nowhere"), CACHE).validation
    said = torch.softmax(logits_of(both, data, torch.device("cpu")) / of_teacher.temperature, dim=1)
    begun = build("cnn-slim", 10)
    begun.load_state_dict(narrowed(both.members[0], begun))  # type: ignore[index]
    apart = [
        float(F.kl_div(torch.log_softmax(logits_of(one, data, torch.device("cpu")), dim=1), said))
        for one in (begun, learnt)
    ]
    assert apart[1] < apart[0] / 2


def test_channels_that_count_most_stay_with_all_that_belongs_to_them() -> None:
    torch.manual_seed(0)
    wide, slim = build("cnn", 10).eval(), build("cnn-slim", 10).eval()
    state = wide.state_dict()
    for name in ("body.2", "body.4"):
        inner = slim.get_submodule(name).first[0].out_channels  # type: ignore[index, union-attr]
        silent = torch.randperm(len(state[f"{name}.first.1.weight"]))[inner:]
        # A channel without scale and offset says nothing, so nothing is lost without it.
        state[f"{name}.first.1.weight"][silent] = 0
        state[f"{name}.first.1.bias"][silent] = 0
    slim.load_state_dict(narrowed(wide, slim))
    frames = torch.rand(4, 1, 28, 28)
    with torch.no_grad():
        torch.testing.assert_close(slim(frames), wide(frames), rtol=1e-4, atol=1e-5)


def test_its_loss_is_nought_where_it_answers_as_a_calibrated_teacher_does() -> None:
    wide = build("cnn-8", 10).eval()
    frames, loss = torch.rand(4, 1, 28, 28), Taught(wide, 0.5)
    with torch.no_grad():
        said = wide(frames) / 0.5
        assert float(loss(said, torch.zeros(4), frames)) == pytest.approx(0, abs=1e-5)
        assert float(loss(-said, torch.zeros(4), frames)) > 0.01


def test_a_teacher_that_is_no_ensemble_with_a_cnn_is_named(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    single = teacher.parents[1] / "lenet5" / "model.safetensors"
    given = ["--teacher", str(single), "--data", "nowhere", "--out", str(tmp_path / "out")]
    assert student.main(given) == 1
    assert "is lenet5, expected an ensemble whose first member is a cnn" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
