"""What an archive's model answers, and which archives it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from handler.model import Model, Reading
from tests.handler.constant_network import network
from training.fitting.conformal import sets

LABELS = ("cat", "dog", "owl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An unpacked archive of three labels, whose network always says 0.2, 0.7, 0.1 and its gate 0.4."""
    network(tmp_path / "network.onnx", "probabilities", [0.2, 0.7, 0.1])
    network(tmp_path / "gate.onnx", "digit_score", 0.4)
    (tmp_path / "index_to_name.json").write_text(json.dumps(dict(enumerate(LABELS))))
    about(tmp_path, digit_threshold=0.5)
    return tmp_path


def about(folder: Path, **changed: object) -> None:
    fields = {"framing": "ink", "coverage": 0.9, "set_threshold": 0.8, "digit_threshold": None, **changed}
    (folder / "model.json").write_text(json.dumps(fields))


def test_a_model_reads_a_batch(folder: Path) -> None:
    readings = Model(folder).read(np.zeros((3, 28, 28), np.uint8))
    assert len(readings) == 3
    assert Model(folder).answer(readings[2]) == {
        "label": "dog",
        "confidence": 0.7,
        "set": ["dog", "cat"],
        "is_digit": False,
        "digit_score": 0.4,
        "probabilities": {"cat": 0.2, "dog": 0.7, "owl": 0.1},
    }


def test_a_score_at_the_threshold_is_a_digit(folder: Path) -> None:
    model = Model(folder)
    assert model.answer(Reading(np.array([1, 0, 0], np.float32), 0.5))["is_digit"] is True


def test_without_a_gate_nothing_is_said_about_digits(folder: Path) -> None:
    (folder / "gate.onnx").unlink()
    about(folder, digit_threshold=None)
    model = Model(folder)
    assert list(model.answer(model.read(np.zeros((1, 28, 28), np.uint8))[0])) == [
        "label", "confidence", "set", "probabilities",
    ]  # fmt: skip


@pytest.mark.parametrize(("threshold", "is_known"), [(0.25, True), (0.26, False)])
def test_a_network_tells_what_it_knows(folder: Path, threshold: float, is_known: bool) -> None:
    network(folder / "network.onnx", "probabilities", [0.2, 0.7, 0.1], known_score=0.25)
    about(folder, known_threshold=threshold)
    model = Model(folder)
    answer = model.answer(model.read(np.zeros((2, 28, 28), np.uint8))[1])
    assert list(answer) == ["label", "confidence", "set", "is_known", "known_score", "probabilities"]
    assert (answer["is_known"], answer["known_score"]) == (is_known, 0.25)
    assert model.probabilities(np.zeros((2, 28, 28), np.uint8)).shape == (2, 3), "explanations ask for these"


def test_a_score_is_never_above_one(folder: Path) -> None:
    network(folder / "network.onnx", "probabilities", [0.2, 0.7, 0.1], known_score=1.000041)
    about(folder, known_threshold=0.5)
    model = Model(folder)
    assert model.answer(model.read(np.zeros((1, 28, 28), np.uint8))[0])["known_score"] == 1


def test_a_threshold_without_a_score_is_refused(folder: Path) -> None:
    about(folder, known_threshold=0.5)
    with pytest.raises(RuntimeError, match=r"a threshold of a score that its network lacks: build it again"):
        Model(folder)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.8, 0.95])
def test_sets_are_those_that_validation_measured(folder: Path, threshold: float) -> None:
    about(folder, set_threshold=threshold)
    model = Model(folder)
    probabilities = np.random.default_rng(0).dirichlet([0.3, 0.3, 0.3], 200).astype(np.float32)
    members = sets(probabilities, threshold)
    for row, expected in zip(probabilities, members, strict=True):
        found = model.answer(Reading(row, None))["set"]
        assert set(found) == {LABELS[index] for index in np.flatnonzero(expected)}
        assert found[0] == LABELS[int(row.argmax())]
        assert [row[LABELS.index(name)] for name in found] == sorted(
            (row[LABELS.index(name)] for name in found), reverse=True
        )


@pytest.mark.parametrize("threshold", [1.0, 1.5])
def test_a_threshold_of_one_leaves_no_label_out_however_sums_are_rounded(
    folder: Path, threshold: float
) -> None:
    about(folder, set_threshold=threshold)
    model = Model(folder)
    for row in ([1 + 1e-6, 1e-9, 0], [0.7, 0.3 + 1e-6, 1e-9], [0, 0, 1]):
        found = model.answer(Reading(np.array(row, np.float32), None))["set"]
        assert sorted(found) == sorted(LABELS)
        assert found[0] == LABELS[int(np.argmax(row))]


def test_a_label_at_the_threshold_is_followed_by_the_next_one(folder: Path) -> None:
    about(folder, set_threshold=float(np.float32(0.7)))
    found = Model(folder).answer(Reading(np.array([0.2, 0.7, 0.1], np.float32), None))
    assert found["set"] == ["dog", "cat"]
    # Less than a float32 can tell apart.
    about(folder, set_threshold=float(np.float32(0.7)) - 1e-9)
    found = Model(folder).answer(Reading(np.array([0.2, 0.7, 0.1], np.float32), None))
    assert found["set"] == ["dog"]


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("model.json", None, "model.json or index_to_name.json is missing or broken (FileNotFoundError"),
        ("model.json", "{", "missing or broken (JSONDecodeError"),
        ("model.json", "{}", "missing or broken (KeyError: 'framing'"),
        ("model.json", '{"framing": "cubist"}', "missing or broken (KeyError: 'cubist'"),
        (
            "index_to_name.json",
            '{"0": "cat"}',
            "The archive's network has 3 outputs, its index_to_name.json 1",
        ),
        ("network.onnx", "nonsense", "The archive's network.onnx cannot be loaded ("),
        ("gate.onnx", None, "The archive's gate.onnx cannot be loaded ("),
    ],
)
def test_a_broken_archive_is_refused_in_one_line(
    folder: Path, file: str, content: str | None, words: str
) -> None:
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(RuntimeError) as raised:
        Model(folder, name="pets")
    assert words in str(raised.value)
    assert str(raised.value).endswith(": build it again with `make -B archive MODEL=pets`.")
    assert "\n" not in str(raised.value)
