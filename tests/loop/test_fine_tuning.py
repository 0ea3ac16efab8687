"""What people corrected is learnt, for other hands too; what was known is not forgotten."""

import weakref
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from loop import candidate
from loop.candidate import Champion, NothingToLearn
from loop.feedback import Example, digest_of, framed
from loop.fine_tuning import CPU, Recipe, _fresh, fine_tuned
from tests.loop.answering import Small
from tests.loop.written import crossed_sevens, example
from training.data.drawing import png
from training.data.frames import Frames
from training.fitting.measure import logits_of
from training.models import weights
from training.models.networks import Ensemble, build

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::UserWarning")]
RECIPE = Recipe(steps=30)


def right(model: torch.nn.Module, part: Frames) -> float:
    """Return the share of frames that a network reads rightly."""
    return float((logits_of(model, part, CPU).argmax(dim=1).numpy() == part.labels).mean())


@pytest.fixture(scope="module")
def made(champion: Champion, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A candidate that learnt one writer's crossed sevens, and its record."""
    folder = tmp_path_factory.mktemp("candidate")
    record = candidate.make(champion, crossed_sevens(40, 1), Path("nowhere"), RECIPE, "1.1.0", folder)
    return folder, record


def test_other_writers_crossed_sevens_are_read_and_nothing_is_forgotten(small: Small, made) -> None:
    others = framed(crossed_sevens(60, 2), small.about.label_names, "ink").frames
    model, about = weights.load(made[0] / candidate.WEIGHTS)
    assert right(small.model, others) < 0.8
    assert right(model, others) > 0.95
    assert right(model, small.test) > right(small.model, small.test) - 0.011
    assert (about.version, about.data_set, about.architecture) == ("1.1.0", "optdigits", "cnn-8")
    assert about.temperature != small.about.temperature, "it is calibrated anew"


def test_the_record_says_all_that_made_it(champion: Champion, made) -> None:
    record = made[1]
    assert record["champion"]["version"] == "1.0.0"
    assert record["settings"] == {"steps": 30, "seed": 0}
    assert record["data"]["feedback"] == digest_of(crossed_sevens(40, 1))
    assert record["data"]["labels_of_drawings"] == {"7": 40}
    assert len(record["data"]["train"]) == 64
    assert (
        record["metrics"]["feedback"]["after"]["accuracy"]
        > record["metrics"]["feedback"]["before"]["accuracy"]
    )
    assert record["with"].keys() == {
        *("python", "torch", "numpy", "scipy", "opencv", "pillow", "numba", "deflate", "onnxruntime"),
        *("machine", "preprocessing"),
    }
    assert record["with"]["opencv"] == cv2.__version__


def test_the_same_run_again_gives_the_same_weights_bit_for_bit(
    champion: Champion, made, tmp_path: Path
) -> None:
    # In another order, on another number of threads, with other random numbers drawn before.
    torch.manual_seed(17)
    torch.set_num_threads(2)
    again = candidate.make(champion, crossed_sevens(40, 1)[::-1], Path("nowhere"), RECIPE, "1.1.0", tmp_path)
    torch.set_num_threads(1)
    assert again["weights_sha256"] == made[1]["weights_sha256"]
    assert (tmp_path / candidate.WEIGHTS).read_bytes() == (made[0] / candidate.WEIGHTS).read_bytes()
    other = candidate.make(
        champion, crossed_sevens(40, 1), Path("nowhere"), Recipe(RECIPE.steps, seed=1), "1.1.0", tmp_path
    )
    assert other["weights_sha256"] != made[1]["weights_sha256"]


def test_each_member_of_an_ensemble_learns_and_they_are_put_together_anew(small: Small) -> None:
    ensemble = Ensemble([small.model, build("cnn-8", 10)]).eval()
    before = {name: tensor.clone() for name, tensor in ensemble.state_dict().items()}
    feedback = framed(crossed_sevens(8, 1), small.about.label_names, "ink").frames
    learnt = fine_tuned(ensemble, small.data.train, feedback, small.data.validation, Recipe(steps=3))
    assert isinstance(learnt, Ensemble)
    changed = {name for name, tensor in learnt.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {"members.0.head.weight", "members.1.head.weight", "temperatures"} <= changed
    assert float(learnt.shares.sum()) == pytest.approx(1, abs=1e-5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in ensemble.state_dict().items())


@pytest.mark.parametrize(("count", "least", "most"), [(1, 40, 40), (8, 40, 40), (239, 40, 40), (1000, 9, 10)])
def test_all_drawings_are_shown_alike_and_none_without_end(count: int, least: int, most: int) -> None:
    """Each 40 times, or as often as there is room in an eighth of each batch."""
    batches = _fresh(count, 300, torch.Generator().manual_seed(0))
    assert len(batches) == 300
    assert max(map(len, batches)) <= 32
    shown = torch.cat(batches).bincount(minlength=count)
    assert (int(shown.min()), int(shown.max())) == (least, most)


def test_without_drawings_batches_are_of_what_was_known() -> None:
    assert [len(one) for one in _fresh(0, 3, torch.Generator())] == [0, 0, 0]


def test_what_cannot_be_learnt_is_left_out_and_counted(small: Small) -> None:
    examples = [example(png("3"), "3"), example(png("4"), None), example(png("5"), "x"), example(b"no", "6")]
    found = framed(examples, small.about.label_names, "ink")
    assert found.frames.labels.tolist() == [3]
    assert found.left_out == 3
    assert np.array_equal(
        framed(examples[::-1], small.about.label_names, "ink").frames.frames, found.frames.frames
    )


def test_of_the_pictures_that_are_framed_one_is_held_at_a_time() -> None:
    given: list[weakref.ref[Example]] = []
    held: list[int] = []

    def photographs() -> Iterator[Example]:
        for number in range(5):
            one = example(png("3") + bytes([number]), "3")
            given.append(weakref.ref(one))
            yield one
            del one
            held.append(sum(one() is not None for one in given))

    found = framed(photographs(), tuple("0123456789"), "ink")
    assert (found.count, found.left_out, max(held)) == (5, 0, 1)


def test_without_a_drawing_there_is_no_candidate(champion: Champion, tmp_path: Path) -> None:
    with pytest.raises(NothingToLearn, match="none of 1 drawings can be learnt from"):
        candidate.make(champion, [example(png("3"), None)], Path("nowhere"), RECIPE, "1.1.0", tmp_path)


def test_a_classical_champion_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only networks can be trained further"):
        candidate.make(
            Champion("1.0.0", tmp_path / "model.onnx"),
            crossed_sevens(1, 1),
            Path("nowhere"),
            RECIPE,
            "1.1.0",
            tmp_path,
        )


def test_without_git_the_record_names_the_commit_that_an_image_was_built_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidate, "PROJECT", tmp_path)
    assert candidate.commit() is None
    monkeypatch.setenv("REVISION", "9b607ac26e7b")
    assert candidate.commit() == "9b607ac26e7b"
