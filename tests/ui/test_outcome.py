"""From a drawing to an answer and a record; from a correction to feedback."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from db.records import HistoryRow, Prediction
from tests.ui.answering import ANSWER, SESSION, answering
from tests.ui.managing import Managing, managing
from tests.ui.test_chooser import put_archive
from ui.loading import Loader
from ui.management import Management
from ui.models import Models
from ui.outcome import BLANK, Backend, NoReading, Reading, correct, predict
from ui.torchserve import TorchServe

MakeBackend = Callable[..., Backend]
MakePrediction = Callable[..., Prediction]


def pad_value(image: bytes) -> dict[str, str]:
    url = "data:image/png;base64," + base64.b64encode(image).decode()
    return {"image": url, "source": "sketchpad", "pen": "#1c1b22", "paper": "#ffffff"}


def counted(backend: Backend, outcome: str, label: str = "") -> float | None:
    labels = {"outcome": outcome, "label": label}
    return backend.metrics.registry.get_sample_value("sketchserve_predictions_total", labels)


def test_an_answer_is_shown_and_recorded(make_backend: MakeBackend, drawing: bytes) -> None:
    with answering(ANSWER) as server:
        backend = make_backend(server.url)
        reading = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(reading, Reading)
    prediction = reading.prediction
    assert reading.is_kept
    assert reading.frame == ANSWER["frame"]
    assert (prediction.predicted_label, prediction.session_id, prediction.drawing) == ("7", SESSION, drawing)
    assert (prediction.pen_colour, prediction.background_colour) == ("#1c1b22", "#ffffff")
    assert prediction.request_id == "8a6e"
    assert backend.writer.pending == 1
    assert [row.prediction for row in backend.recent.rows(SESSION)] == [prediction]
    assert counted(backend, "answered", "7") == 1


def test_blank_paper_asks_nobody(make_backend: MakeBackend) -> None:
    assert predict(make_backend(), {"image": ""}, SESSION) == BLANK


def test_a_refused_drawing_is_told_in_the_servers_words(make_backend: MakeBackend, drawing: bytes) -> None:
    body = {"code": 400, "type": "BadImage", "message": "Nothing is drawn."}
    with answering(body, status=400) as server:
        backend = make_backend(server.url)
        result = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(result, NoReading)
    assert result.advice == "Nothing is drawn."
    assert backend.writer.pending == 0
    assert counted(backend, "refused") == 1


def test_a_busy_model_is_told_and_counted(make_backend: MakeBackend, drawing: bytes) -> None:
    with answering({}, status=503) as server:
        backend = make_backend(server.url)
        result = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(result, NoReading)
    assert "busy" in result.title
    assert counted(backend, "busy") == 1


def test_an_absent_torchserve_is_told_and_counted(make_backend: MakeBackend, drawing: bytes) -> None:
    backend = make_backend()
    result = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(result, NoReading)
    assert "cannot be reached" in result.title
    assert counted(backend, "unreachable") == 1


def test_an_answer_without_room_for_its_record_is_still_shown(
    make_backend: MakeBackend, drawing: bytes
) -> None:
    with answering(ANSWER) as server:
        reading = predict(make_backend(server.url, max_records=0), pad_value(drawing), SESSION)
    assert isinstance(reading, Reading)
    assert not reading.is_kept


def test_without_a_session_nothing_is_kept(make_backend: MakeBackend, drawing: bytes) -> None:
    with answering(ANSWER) as server:
        backend = make_backend(server.url)
        reading = predict(backend, pad_value(drawing), None)
    assert isinstance(reading, Reading)
    assert not reading.is_kept
    assert backend.writer.pending == 0


def test_a_correction_is_recorded_and_may_be_changed(
    make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    backend = make_backend()
    prediction = make_prediction()
    backend.recent.add(HistoryRow(prediction, None))
    assert correct(backend, SESSION, str(prediction.id), "1") == ""
    assert correct(backend, SESSION, str(prediction.id), "7") == ""
    assert backend.writer.pending == 2
    assert backend.recent.rows(SESSION) == [HistoryRow(prediction, "7")]


@pytest.mark.parametrize("label", ["10", "", None, "<b>", ["7"]])
def test_a_label_that_the_model_does_not_have_is_not_recorded(
    label: object, make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    backend = make_backend()
    prediction = make_prediction()
    backend.recent.add(HistoryRow(prediction, None))
    assert "not a label" in correct(backend, SESSION, str(prediction.id), label)
    assert backend.writer.pending == 0


def test_nobody_corrects_another_visitors_drawing(
    make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    backend = make_backend()
    prediction = make_prediction()
    backend.recent.add(HistoryRow(prediction, None))
    assert "not in your history" in correct(backend, "f" * 32, str(prediction.id), "1")
    assert backend.writer.pending == 0
    assert backend.recent.rows(SESSION)[0].true_label is None


@pytest.mark.parametrize("prediction_id", ["", "7", None, {}])
def test_a_correction_of_nothing_is_told(prediction_id: object, make_backend: MakeBackend) -> None:
    assert "not in your history" in correct(make_backend(), SESSION, prediction_id, "1")


@pytest.fixture
def vit(make_backend: MakeBackend, tmp_path: Path) -> Iterator[tuple[Backend, Managing]]:
    """A backend whose management API has a second model loaded; inference is away."""
    for name in ("digits", "digits-vit"):
        put_archive(tmp_path, f"{name}.mar", name, coverage=0.95)
    with managing(tmp_path, loaded=["digits.mar", "digits-vit.mar"]) as server:
        management = Management(server.url)
        models = Models("digits", management, tmp_path)
        models.listing()
        backend = replace(make_backend(), models=models, loader=Loader(management, idle_s=60))
        yield backend, server


def test_a_drawing_is_read_by_the_model_that_it_names(vit: tuple[Backend, Managing], drawing: bytes) -> None:
    answer = {**ANSWER, "model": "digits-vit", "set": ["7", "1"], "is_digit": True, "digit_score": 0.9}
    with answering(answer) as server:
        backend = replace(vit[0], torchserve=TorchServe(server.url))
        reading = predict(backend, {**pad_value(drawing), "model": "digits-vit/1.0.0"}, SESSION)
        predict(backend, pad_value(drawing), SESSION)
    assert server.paths == ["/predictions/digits-vit/1.0.0", "/predictions/digits"]
    assert isinstance(reading, Reading)
    assert (reading.prediction.model_name, reading.label_set, reading.coverage) == (
        "digits-vit",
        ("7", "1"),
        0.95,
    )


@pytest.mark.parametrize("status", [503, 404])
def test_a_model_that_lost_its_workers_has_to_be_loaded_first(
    status: int, vit: tuple[Backend, Managing], drawing: bytes
) -> None:
    backend, management = vit
    management.workers["digits-vit", "1.0.0"] = 0
    with answering({}, status=status) as server:
        backend = replace(backend, torchserve=TorchServe(server.url))
        result = predict(backend, {**pad_value(drawing), "model": "digits-vit/1.0.0"}, SESSION)
        own = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(result, NoReading)
    assert "digits-vit 1.0.0 was idle" in result.title
    assert result.loads == "digits-vit/1.0.0"
    assert isinstance(own, NoReading)
    assert own.loads == ""


def test_a_busy_model_with_workers_is_not_loaded_again(vit: tuple[Backend, Managing], drawing: bytes) -> None:
    with answering({}, status=503) as server:
        backend = replace(vit[0], torchserve=TorchServe(server.url))
        result = predict(backend, {**pad_value(drawing), "model": "digits-vit/1.0.0"}, SESSION)
    assert isinstance(result, NoReading)
    assert ("busy" in result.title, result.loads) == (True, "")


def test_labels_are_those_of_the_last_answer_where_no_archive_says(
    make_backend: MakeBackend, drawing: bytes
) -> None:
    with answering({**ANSWER, "probabilities": {"Bag": 0.1, "7": 0.9}}) as server:
        backend = make_backend(server.url)
        own = backend.models.find("")
        assert backend.models.labels(own) == ()
        predict(backend, pad_value(drawing), SESSION)
    assert backend.models.labels(own) == ("Bag", "7")
