"""Labels of a model with hundreds of them, of which its answers have the likeliest."""

from collections.abc import Callable
from pathlib import Path

import pytest

from client.answers import Answer
from db.records import HistoryRow, Prediction
from tests.ui.managing import Managing
from tests.ui.several_models import listed, put_archive
from ui.labels import has_label, labels_of, labels_told, with_all_labels

SIGNS = tuple(f"sign {number}" for number in range(300))
MakePrediction = Callable[..., Prediction]


@pytest.fixture
def told(make_prediction: MakePrediction) -> Prediction:
    """What is recorded of an answer that names three of the labels."""
    likeliest = {"sign 20": 0.5, "sign 7": 0.2, "sign 120": 0.1}
    return make_prediction(model_name="signs", predicted_label="sign 20", probabilities=likeliest)


def test_a_row_gets_the_labels_of_its_models_archive(
    torchserve: Managing, store: Path, told: Prediction
) -> None:
    put_archive(store, "signs.mar", "signs", labels=SIGNS)
    models, _ = listed(torchserve, store)
    assert labels_of(models, told) == SIGNS
    row = with_all_labels(models, HistoryRow(told.summary, None))
    assert tuple(row.prediction.probabilities) == SIGNS
    assert {name: p for name, p in row.prediction.probabilities.items() if p} == told.probabilities


def test_a_label_that_was_left_out_may_be_the_right_one(
    torchserve: Managing, store: Path, told: Prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, _ = listed(torchserve, store)
    put_archive(store, "signs.mar", "signs", labels=SIGNS)
    assert labels_of(models, told) == tuple(told.probabilities)
    monkeypatch.setattr("ui.models.listing.LIST_AGAIN_S", 0.0)
    models._list_again_at = 0.0
    assert has_label(models, told, "sign 7")
    assert has_label(models, told, "sign 299"), "an archive that came since the models were listed"
    assert not has_label(models, told, "sign 300")
    assert not has_label(models, told, None)


def test_a_row_with_all_labels_stays_as_it_is(
    torchserve: Managing, store: Path, make_prediction: MakePrediction
) -> None:
    models, _ = listed(torchserve, store)
    row = HistoryRow(make_prediction().summary, None)
    assert with_all_labels(models, row) == row


@pytest.mark.parametrize(
    ("has_all", "expected"), [(True, ("b", "c")), (False, ("a", "b", "c"))]
)  # fmt: skip
def test_of_a_model_whose_archive_nobody_sees_labels_gather(has_all: bool, expected: tuple[str, ...]) -> None:
    answer = Answer("b", 0.9, {"b": 0.9, "c": 0.1}, "signs", "1", "", (), None, "", "", 1.0, has_all=has_all)
    assert labels_told(answer, ("a", "b")) == expected
