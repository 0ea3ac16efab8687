"""What the page says of an explanation, and when there is none."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from client.inference import Inference
from db.records import Prediction
from tests.ui.answering import SESSION, answering
from tests.ui.managing import Managing
from ui.backend import Backend
from ui.draw.explanation import explain
from ui.models.listing import Model

MakeBackend = Callable[..., Backend]
MakePrediction = Callable[..., Prediction]

ABSENT = "0f0e0d0c-0b0a-4908-8706-050403020100"


def one_value(value: float) -> list[list[float]]:
    """Return a map of zeros with one value."""
    return [[value if (row, column) == (10, 12) else 0.0 for column in range(28)] for row in range(28)]


EXPLAINED = {
    "label": "7",
    "runner_up": "1",
    "importance": one_value(2.5),
    "tip": one_value(-1.25),
    "box": [12.5, -3.25, 270.0],
    "model": "digits",
    "version": "1.0.0",
    "preprocessing": "a1b2c3d4",
}


def shown(backend: Backend, prediction: Prediction, session: str | None = SESSION) -> dict[str, Any]:
    """Return what the page shows of an explanation of a drawing that was just read."""
    backend.recent.add(prediction)
    return explain(backend, session, str(prediction.id), 3)


def test_the_very_model_that_answered_is_asked_about_the_very_drawing(
    make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    prediction = make_prediction(model_name="my letters", model_version="2.0/1")
    with answering(EXPLAINED) as server:
        value = shown(make_backend(server.url), prediction)
    assert [path for path in server.paths if path.startswith("/explanations/")] == [
        "/explanations/my%20letters/2.0%2F1"
    ]
    assert server.bodies == [prediction.drawing]
    assert (value["asked"], value["label"], value["runner_up"]) == (3, "7", "1")
    assert value["importance"][10][12] == 2.5
    assert json.loads(json.dumps(value))["box"] == EXPLAINED["box"]
    assert (value["importance_note"], value["tip_note"]) == ("", "")


def test_a_map_of_next_to_nothing_is_not_made_much_of(
    make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    with answering({**EXPLAINED, "importance": one_value(0.3), "tip": one_value(-0.5)}) as server:
        value = shown(make_backend(server.url), make_prediction())
    assert "hardly less likely" in value["importance_note"]
    assert "1 is far off" in value["tip_note"]


def test_why_there_is_no_explanation_is_said_in_words(
    make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    assert shown(make_backend(), make_prediction()) == {
        "asked": 3,
        "complaint": "The model cannot be reached. Try again in a moment.",
    }
    with answering({"code": 501, "type": "NotImplemented"}, status=501) as server:
        assert (
            shown(make_backend(server.url), make_prediction())["complaint"]
            == "This model cannot explain its answers."
        )


@pytest.mark.parametrize("status", [503, 404])
def test_a_model_that_lost_its_workers_is_loaded_before_it_explains(
    status: int, vit: tuple[Backend, Managing], make_prediction: MakePrediction
) -> None:
    backend, management = vit
    by_vit = make_prediction(model_name="digits-vit")
    with answering({}, status=status) as server:
        backend = replace(backend, inference=Inference(server.url))
        busy = shown(backend, by_vit)
        management.workers["digits-vit", "1.0.0"] = 0
        idle = shown(backend, by_vit)
        own = shown(backend, make_prediction())
    was_idle = "digits-vit 1.0.0 was idle and is being loaded again. Ask why once it has read your drawing."
    assert idle == {"asked": 3, "complaint": was_idle, "loads": "digits-vit/1.0.0"}
    for value in (busy, own):
        assert "loads" not in value
        assert value["complaint"].endswith("Try again in a moment.")


def test_to_explain_is_to_use_the_model(
    vit: tuple[Backend, Managing], make_prediction: MakePrediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, _ = vit
    used: list[Model] = []
    monkeypatch.setattr(backend.loader, "used", used.append)
    with answering(EXPLAINED) as server:
        shown(replace(backend, inference=Inference(server.url)), make_prediction(model_name="digits-vit"))
    assert [model.path for model in used] == ["digits-vit/1.0.0"]


@pytest.mark.parametrize("prediction_id", [None, "", "7", ABSENT, {}])
def test_a_drawing_that_is_not_at_hand_is_not_asked_about(
    make_backend: MakeBackend, prediction_id: object
) -> None:
    value = explain(make_backend(), SESSION, prediction_id, "many")
    assert value["asked"] == 0
    assert "was not stored. Add a stroke, or choose the picture again" in value["complaint"]


@pytest.mark.parametrize("session", [None, "f" * 32])
def test_nobody_is_told_about_anothers_drawing(
    make_backend: MakeBackend, make_prediction: MakePrediction, session: str | None
) -> None:
    with answering(EXPLAINED) as server:
        value = shown(make_backend(server.url), make_prediction(), session)
    assert "was not stored" in value["complaint"]
    assert server.paths == []
