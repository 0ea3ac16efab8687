"""From a drawing to an answer and a record; from a correction to feedback."""

import base64
from collections.abc import Callable

import pytest

from db.records import HistoryRow, Prediction
from tests.ui.answering import ANSWER, SESSION, answering
from ui.backend import Backend
from ui.draw.judging import judging_value
from ui.draw.outcome import BLANK, NoReading, Reading, predict
from ui.history.corrections import judge

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
    assert prediction.request_id == server.headers[-1]["x-request-id"]
    assert backend.writer.pending == 1
    assert [row.prediction for row in backend.recent.rows(SESSION)] == [prediction.summary]
    assert counted(backend, "answered", "7") == 1


@pytest.mark.parametrize("sent", [None, "", "data:image/tiff;base64,SUkqAA=="])
def test_what_comes_without_a_thumbnail_has_what_the_network_saw(
    make_backend: MakeBackend, drawing: bytes, sent: str | None
) -> None:
    url = f"data:image/png;base64,{base64.b64encode(drawing).decode()}"
    tiff = "data:image/tiff;base64,SUkqAAgAAAA="
    with answering({**ANSWER, "frame": url}) as torchserve:
        value = {"image": tiff, "source": "upload"} | ({} if sent is None else {"thumbnail": sent})
        found = predict(make_backend(torchserve.url), value, SESSION)
    assert isinstance(found, Reading)
    assert found.prediction.thumbnail == drawing


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


def test_an_answer_without_room_for_its_record_is_shown_and_not_in_the_history(
    make_backend: MakeBackend, drawing: bytes
) -> None:
    with answering(ANSWER) as server:
        backend = make_backend(server.url, max_records=0)
        reading = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(reading, Reading)
    assert not reading.is_kept
    assert backend.recent.rows(SESSION) == []
    assert "not in your history" in judge(backend, SESSION, str(reading.prediction.id), "7")


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        ({"set": ["7", "1"], "is_digit": False}, (False, ("7", "1"))),
        ({"set": ["7"], "is_digit": True}, (True, ("7",))),
        ({}, (None, None)),
    ],
)
def test_what_the_model_doubts_is_recorded(
    said: dict[str, object], recorded: tuple[object, object], make_backend: MakeBackend, drawing: bytes
) -> None:
    with answering({**ANSWER, **said}) as server:
        backend = make_backend(server.url)
        reading = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(reading, Reading)
    assert (reading.prediction.is_digit, reading.prediction.label_set) == recorded
    doubted = backend.metrics.registry.get_sample_value(
        "sketchserve_not_a_digit_total", {"model": "digits", "version": "1.0.0"}
    )
    assert doubted == (recorded[0] is False)


@pytest.mark.parametrize(("status", "what"), [(503, "in a moment"), (500, "TorchServe is not responding")])
@pytest.mark.parametrize(
    ("source", "there"), [("upload", "Your picture is"), ("sketchpad", "Your drawing is")]
)
def test_who_has_no_answer_can_ask_again_and_loses_nothing(
    source: str, there: str, status: int, what: str, make_backend: MakeBackend, drawing: bytes
) -> None:
    with answering({}, status=status) as server:
        result = predict(make_backend(server.url), {**pad_value(drawing), "source": source}, SESSION)
    assert isinstance(result, NoReading)
    assert result.can_ask_again
    assert what in result.advice
    assert there in result.advice


def test_what_is_refused_would_be_refused_again(make_backend: MakeBackend, drawing: bytes) -> None:
    body = {"code": 400, "type": "BadImage", "message": "Nothing is drawn."}
    with answering(body, status=400) as server:
        result = predict(make_backend(server.url), pad_value(drawing), SESSION)
    assert isinstance(result, NoReading)
    assert not result.can_ask_again


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
    prediction = make_prediction(label_set=("7", "1"))
    backend.recent.add(prediction)
    for label in ("4", "1", "7"):
        assert isinstance(judge(backend, SESSION, str(prediction.id), label), HistoryRow)
    assert backend.writer.pending == 3
    assert backend.recent.rows(SESSION) == [HistoryRow(prediction.summary, "7")]
    for was in ("wrong", "left-open", "right"):
        labels = {"model_was": was, "model": "digits", "version": "1.0.0"}
        assert backend.metrics.registry.get_sample_value("sketchserve_feedback_total", labels) == 1


def test_what_is_kept_is_said_and_can_be_taken_back(
    make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    backend = make_backend()
    prediction = make_prediction(label_set=("7", "1"))
    backend.recent.add(prediction)

    def said(label: str, kind: str) -> str:
        value = judging_value(backend, SESSION, str(prediction.id), label, kind, 3)
        assert (value["complaint"], value["asked"], value["prediction"]) == ("", 3, str(prediction.id))
        return str(value["said"])

    assert said("7", "label") == "Saved: it is 7"
    assert said("4", "label") == "Saved: it is 4"
    # Not plainly wrong.
    assert said("1", "label") == "Saved: it is 1, which the model had not ruled out"
    assert said("", "not_a_digit") == "Saved: not a digit"
    assert backend.recent.rows(SESSION)[0].is_no_digit
    assert said("", "taken_back") == "Taken back. Is it 7?"
    assert not backend.recent.rows(SESSION)[0].is_judged


def test_why_nothing_is_kept_is_said(make_backend: MakeBackend) -> None:
    value = judging_value(make_backend(), SESSION, "nothing", "7", "label", None)
    assert "not in your history" in value["complaint"]
    assert (value["said"], value["asked"]) == ("", 0)


@pytest.mark.parametrize("label", ["10", "", None, "<b>", ["7"]])
def test_a_label_that_the_model_does_not_have_is_not_recorded(
    label: object, make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    backend = make_backend()
    prediction = make_prediction()
    backend.recent.add(prediction)
    assert "not a label" in judge(backend, SESSION, str(prediction.id), label)
    assert backend.writer.pending == 0


def test_nobody_corrects_another_visitors_drawing(
    make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    backend = make_backend()
    prediction = make_prediction()
    backend.recent.add(prediction)
    assert "not in your history" in judge(backend, "f" * 32, str(prediction.id), "1")
    assert backend.writer.pending == 0
    assert backend.recent.rows(SESSION)[0].true_label is None


@pytest.mark.parametrize("prediction_id", ["", "7", None, {}])
def test_a_correction_of_nothing_is_told(prediction_id: object, make_backend: MakeBackend) -> None:
    assert "not in your history" in judge(make_backend(), SESSION, prediction_id, "1")


def test_labels_are_those_of_the_last_answer_where_no_archive_says(
    make_backend: MakeBackend, drawing: bytes
) -> None:
    with answering({**ANSWER, "probabilities": {"Bag": 0.1, "7": 0.9}}) as server:
        backend = make_backend(server.url)
        own = backend.models.own()
        assert backend.models.labels(own) == ()
        predict(backend, pad_value(drawing), SESSION)
    assert backend.models.labels(own) == ("Bag", "7")
