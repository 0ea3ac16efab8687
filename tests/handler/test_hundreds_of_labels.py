"""An archive of 300 labels: how many of them answers have, from the handler itself and through TorchServe."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import torch

from client.inference import Inference
from handler.digit_handler import DigitHandler
from handler.fingerprint import preprocessing_fingerprint
from handler.likeliest import BadTop, asked_for, told
from launch.temporary import running
from training.archive.build import build
from training.data.drawing import png
from training.models import weights
from training.models.networks import build as network_of
from training.score.answering import Context

LABELS = tuple(f"sign {number}" for number in range(300))
SEVEN = png("7")
BAD = ["0", "101", "-1", "+5", "1.5", "ten", "", "1e1", "٣", "9" * 400]


class Asked(Context):
    """What the handler asks of TorchServe's context, for requests with these headers."""

    def __init__(self, folder: Path, headers: Sequence[Mapping[str, str]]) -> None:
        super().__init__(folder)
        self._headers = headers

    def get_all_request_header(self, index: int) -> dict[str, str]:
        """Return a request's headers."""
        return dict(self._headers[index])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archive of a tiny network of 300 labels that has learnt nothing."""
    folder = tmp_path_factory.mktemp("signs")
    torch.manual_seed(0)
    network = network_of("cnn-8", len(LABELS))
    about = weights.About(
        "cnn-8", LABELS, "1.0.0", 1.0, preprocessing_fingerprint(), "signs", 0.02, known_threshold=-1.0
    )
    weights.save(folder / "signs.safetensors", network.state_dict(), about, torch.rand(400, 32).half())
    build(folder / "signs.safetensors", "signs", folder / "signs.mar")
    return folder


@pytest.fixture(scope="module")
def handler(store: Path) -> DigitHandler:
    with zipfile.ZipFile(store / "signs.mar") as archive:
        archive.extractall(store / "unpacked")
    handler = DigitHandler()
    handler.initialize(Asked(store / "unpacked", []))
    return handler


def asked(handler: DigitHandler, store: Path, *headers: dict[str, str]) -> tuple[list[dict[str, Any]], Asked]:
    context = Asked(store / "unpacked", headers)
    answers = handler.handle([{"body": SEVEN}] * len(headers), context)
    return [json.loads(answer) for answer in answers], context


def test_an_answer_has_as_many_labels_as_were_asked_for(handler: DigitHandler, store: Path) -> None:
    wanted = [{}, {"X-Top": "1"}, {"X-Top": "25"}, {"x-top": " 100 "}]
    answers, context = asked(handler, store, *wanted)
    assert context.codes == {}
    assert [len(answer["top"]) for answer in answers] == [10, 1, 25, 100]
    for answer in answers:
        assert "probabilities" not in answer
        assert answer["is_known"] is True
        likeliest = [one["probability"] for one in answer["top"]]
        assert likeliest == sorted(likeliest, reverse=True)
        assert answer["top"][0] == {"label": answer["label"], "probability": answer["confidence"]}
        assert answer["top"][:1] == answers[3]["top"][:1]
    assert [one["label"] for one in answers[2]["top"]] == [one["label"] for one in answers[3]["top"][:25]]


def test_a_number_that_cannot_be_asked_for_is_refused_alone(handler: DigitHandler, store: Path) -> None:
    answers, context = asked(
        handler, store, {"X-Top": "0"}, {"X-Top": "3"}, {"X-Top": "0", "explain": "True"}
    )
    assert context.codes == {0: 400}
    words = "The header X-Top is '0': send a whole number from 1 to 100, as in X-Top: 10."
    assert answers[0] == {"code": 400, "type": "BadRequest", "message": words}
    assert len(answers[1]["top"]) == 3
    assert "importance" in answers[2]
    registry = handler.metrics.registry
    named = {"model": "signs", "version": "1.0.0"}
    assert registry.get_sample_value("handler_bad_images_total", named) == 0


@pytest.mark.parametrize("given", BAD, ids=range(len(BAD)))
def test_no_other_number_is_accepted(given: str) -> None:
    with pytest.raises(BadTop, match="a whole number from 1 to 100"):
        asked_for({"x-top": given})


def test_who_does_not_ask_gets_all_of_up_to_a_hundred_labels() -> None:
    for count in (2, 10, 100):
        probabilities = np.random.default_rng(0).dirichlet(np.ones(count)).astype(np.float32)
        names = [str(index) for index in range(count)]
        assert list(told(probabilities, names, None)["probabilities"]) == names
        assert len(told(probabilities, names, 10)["top"]) == min(count, 10)
    more = np.full(101, 1 / 101, np.float32)
    assert len(told(more, [str(index) for index in range(101)], None)["top"]) == 10


@pytest.mark.integration
def test_torchserve_passes_the_number_on_and_its_refusal_back(store: Path) -> None:
    with running(store, "signs.mar") as server:
        url = f"{server.inference_url}/predictions/signs"
        sizes = {}
        for given, count in {"": 10, "25": 25, "100": 100}.items():
            response = requests.post(url, data=SEVEN, headers={"X-Top": given} if given else {}, timeout=30)
            assert response.status_code == 200, response.text
            assert len(response.json()["top"]) == count
            sizes[count] = len(response.content)
        assert sizes[10] < 1500 < sizes[100]
        response = requests.post(url, data=SEVEN, headers={"X-Top": "many"}, timeout=30)
        assert (response.status_code, response.json()["type"]) == (400, "BadRequest")
        answer = Inference(server.inference_url, timeout_s=30).predict(SEVEN, "signs")
        assert len(answer.probabilities) == 10
        assert (answer.has_all, answer.is_digit) == (False, True)
