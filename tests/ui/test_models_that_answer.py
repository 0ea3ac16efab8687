"""Which model a drawing is read by, and what is said of one that has no worker or is not there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from client.inference import Inference
from tests.ui.answering import ANSWER, SESSION, answering
from tests.ui.managing import Managing
from tests.ui.several_models import put_archive
from tests.ui.test_outcome import counted, pad_value
from ui.backend import Backend
from ui.draw.outcome import BLANK, NoReading, Reading, predict

MakeBackend = Callable[..., Backend]


def test_a_drawing_is_read_by_the_model_that_it_names(vit: tuple[Backend, Managing], drawing: bytes) -> None:
    answer = {**ANSWER, "model": "digits-vit", "set": ["7", "1"], "is_digit": True, "digit_score": 0.9}
    with answering(answer) as server:
        backend = replace(vit[0], inference=Inference(server.url))
        reading = predict(backend, {**pad_value(drawing), "model": "digits-vit/1.0.0"}, SESSION)
        predict(backend, pad_value(drawing), SESSION)
    assert server.paths == ["/predictions/digits-vit/1.0.0", "/predictions/digits"]
    assert isinstance(reading, Reading)
    assert (reading.prediction.model_name, reading.prediction.label_set, reading.coverage) == (
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
        backend = replace(backend, inference=Inference(server.url))
        result = predict(backend, {**pad_value(drawing), "model": "digits-vit/1.0.0"}, SESSION)
        own = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(result, NoReading)
    assert "digits-vit 1.0.0 was idle" in result.title
    assert result.loads == "digits-vit/1.0.0"
    assert isinstance(own, NoReading)
    assert own.loads == ""


def test_a_busy_model_with_workers_is_not_loaded_again(vit: tuple[Backend, Managing], drawing: bytes) -> None:
    with answering({}, status=503) as server:
        backend = replace(vit[0], inference=Inference(server.url))
        result = predict(backend, {**pad_value(drawing), "model": "digits-vit/1.0.0"}, SESSION)
    assert isinstance(result, NoReading)
    assert ("busy" in result.title, result.loads) == (True, "")


def test_a_model_that_is_not_there_is_told_and_no_other_one_reads_for_it(
    vit: tuple[Backend, Managing], drawing: bytes
) -> None:
    backend, _ = vit
    value = {**pad_value(drawing), "model": "digits-gone/1.0.0"}
    result = predict(backend, value, SESSION)
    assert result == NoReading(
        "That model is not available now", "Using digits 1.0.0 instead.", loads="digits-gone/1.0.0"
    )
    assert counted(backend, "unreachable") == 1
    assert backend.writer.pending == 0
    assert predict(backend, {**value, "image": ""}, SESSION) == BLANK


def test_after_another_version_became_the_default_one_coverage_is_its_own(
    vit: tuple[Backend, Managing], drawing: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.models.listing.LIST_AGAIN_S", 0.0)
    backend, server = vit
    backend.models.listing()
    put_archive(tmp_path, "digits-1.1.0.mar", "digits", "1.1.0", coverage=0.9)
    server.register(tmp_path / "digits-1.1.0.mar")
    server.set_default("digits", "1.1.0")
    reading = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(reading, Reading)
    assert (reading.prediction.model_version, reading.coverage) == ("1.1.0", 0.9)
    assert backend.models.own().version == "1.1.0"


def test_the_coverage_of_a_version_that_nobody_knows_is_not_anothers(
    vit: tuple[Backend, Managing], drawing: bytes
) -> None:
    backend, server = vit
    server.workers["digits", "2.0.0"] = 1
    server.set_default("digits", "2.0.0")
    server.workers["digits", "1.0.0"] = server.workers.pop(("digits", "1.0.0"))
    reading = predict(backend, pad_value(drawing), SESSION)
    assert isinstance(reading, Reading)
    assert (reading.prediction.model_version, reading.coverage) == ("2.0.0", None)
