"""Explanations: what the client takes for one."""

import json

import pytest

from client.errors import Busy, Refused, Unexplained, Unreachable
from client.inference import Inference
from tests.ui.answering import NOBODY, answering
from tests.ui.test_explanation import EXPLAINED, one_value

FLAT = [[0.0] * 28 for _ in range(28)]


def test_an_explanation_has_everything_that_was_sent() -> None:
    with answering(EXPLAINED) as server:
        explained = Inference(server.url).explain(b"\x89PNG\x00", "digits/1.0.0")
    assert (explained.label, explained.runner_up) == ("7", "1")
    assert explained.box == (12.5, -3.25, 270.0)
    assert (explained.importance[10][12], explained.tip[10][12]) == (2.5, -1.25)
    assert server.paths == ["/explanations/digits/1.0.0"]
    assert server.bodies == [b"\x89PNG\x00"]
    assert "x-frame" not in server.headers[0]


def test_explanations_and_predictions_share_a_connection() -> None:
    with answering(EXPLAINED) as server:
        client = Inference(server.url)
        for _ in range(3):
            client.explain(b"png", "digits")
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"code": 400, "type": "BadImage", "message": "Nothing is drawn."}, Refused),
        (501, {"code": 501, "type": "NotImplemented", "message": "explains nothing yet"}, Unexplained),
        (503, {"code": 503, "message": "no worker"}, Busy),
        (404, {"code": 404, "message": "Model not found"}, Unreachable),
        (500, {"code": 500, "message": "Worker died."}, Unreachable),
        (200, b"not json", Unreachable),
        (200, {"label": "7"}, Unreachable),
        (200, {**EXPLAINED, "importance": FLAT[:27]}, Unreachable),
        (200, {**EXPLAINED, "importance": [*FLAT[:27], [0.0]]}, Unreachable),
        (200, {**EXPLAINED, "tip": [["a"] * 28] * 28}, Unreachable),
        (200, {**EXPLAINED, "tip": None}, Unreachable),
        (200, json.dumps({**EXPLAINED, "tip": one_value(float("nan"))}).encode(), Unreachable),
        (200, {**EXPLAINED, "box": [1, 2]}, Unreachable),
        (200, {**EXPLAINED, "box": [1, 2, 0]}, Unreachable),
        (200, json.dumps({**EXPLAINED, "box": [1, float("inf"), 280]}).encode(), Unreachable),
    ],
)
def test_any_other_status_or_form_has_its_error(status: int, body: object, error: type[Exception]) -> None:
    with answering(body, status=status) as server, pytest.raises(error) as raised:
        Inference(server.url).explain(b"png", "digits")
    assert "Traceback" not in str(raised.value)


def test_a_late_explanation_is_given_up_in_time() -> None:
    with (
        answering(EXPLAINED, delay_s=60.0) as server,
        pytest.raises(Unreachable, match=r"within 0\.1 seconds"),
    ):
        Inference(server.url, timeout_s=0.1).explain(b"png", "digits")


def test_a_server_that_is_away_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        Inference(NOBODY).explain(b"png", "digits")
