"""The client: what TorchServe's statuses and silences become."""

import pytest

from client.errors import Busy, NotLoaded, Refused, Unreachable
from client.inference import Inference
from tests.ui.answering import ANSWER, NOBODY, answering


def test_an_answer_has_everything_that_was_sent() -> None:
    with answering(ANSWER) as server:
        answer = Inference(server.url).predict(b"png", "digits")
    assert (answer.label, answer.confidence, answer.version) == ("7", 0.9, "1.0.0")
    assert list(answer.probabilities) == [str(digit) for digit in range(10)]
    assert answer.frame == ANSWER["frame"]
    assert 0 < answer.latency_ms < 1000


def test_the_image_is_sent_as_it_is_and_the_frame_is_asked_for() -> None:
    with answering(ANSWER) as server:
        Inference(server.url).predict(b"\x89PNG\x00", "letters")
    assert server.bodies == [b"\x89PNG\x00"]
    assert server.paths == ["/predictions/letters"]
    assert server.headers[0]["x-frame"] == "1"


def test_a_request_has_one_id_in_header_and_query_and_answer() -> None:
    with answering(ANSWER) as server:
        client = Inference(server.url)
        ids = [client.predict(b"png", "digits").request_id for _ in range(2)]
    assert [headers["x-request-id"] for headers in server.headers] == ids
    assert server.queries == [f"request_id={one}" for one in ids]
    assert ids[0] != ids[1]


def test_predictions_share_a_connection() -> None:
    with answering(ANSWER) as server:
        client = Inference(server.url)
        for _ in range(5):
            client.predict(b"png", "digits")
    assert len(server.connections) == 1


def test_a_bad_image_is_refused_in_the_servers_words() -> None:
    body = {"code": 400, "type": "BadImage", "message": "Nothing is drawn."}
    with answering(body, status=400) as server, pytest.raises(Refused, match=r"^Nothing is drawn\.$"):
        Inference(server.url).predict(b"png", "digits")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, {"code": 503, "message": "no worker"}, Busy),
        (404, {"code": 404, "message": "Model not found"}, NotLoaded),
        (400, {"code": 400, "type": "TokenAuthorizationException"}, Unreachable),
        (400, b"not json", Unreachable),
        (500, {"code": 500, "message": "Worker died."}, Unreachable),
        (507, b"", Unreachable),
        (200, b"not json", Unreachable),
        (200, {"label": "7"}, Unreachable),
        (200, {**ANSWER, "probabilities": [0.1]}, Unreachable),
        (200, {**ANSWER, "confidence": "high"}, Unreachable),
    ],
)
def test_any_other_status_or_form_has_its_error(status: int, body: object, error: type[Exception]) -> None:
    with answering(body, status=status) as server, pytest.raises(error) as raised:
        Inference(server.url).predict(b"png", "digits")
    assert "Traceback" not in str(raised.value)


def test_a_full_queue_and_a_missing_worker_are_told_alike_as_the_server_does() -> None:
    body = {"code": 503, "type": "ServiceUnavailableException", "message": "Model has no worker"}
    with answering(body, status=503) as server, pytest.raises(Busy, match="busy or still starting"):
        Inference(server.url).predict(b"png", "digits")


def test_a_late_answer_is_given_up_in_time() -> None:
    with answering(ANSWER, delay_s=60.0) as server, pytest.raises(Unreachable, match=r"within 0\.1 seconds"):
        Inference(server.url, timeout_s=0.1).predict(b"png", "digits")


def test_a_server_that_is_away_is_unreachable() -> None:
    client = Inference(NOBODY)
    with pytest.raises(Unreachable):
        client.predict(b"png", "digits")


def test_a_set_and_a_doubt_come_with_the_answer_of_archives_that_have_them() -> None:
    with answering({**ANSWER, "set": ["7", "1"], "is_digit": False, "digit_score": 0.1}) as server:
        answer = Inference(server.url).predict(b"png", "digits")
    assert (answer.label_set, answer.is_digit) == (("7", "1"), False)


@pytest.mark.parametrize("is_known", [True, False])
def test_what_a_model_of_other_things_knows_is_told_as_whether_it_looks_right(is_known: bool) -> None:
    with answering({**ANSWER, "is_known": is_known, "known_score": 0.4}) as server:
        answer = Inference(server.url).predict(b"drawing", "shapes")
    assert (answer.is_digit, answer.digit_score) == (is_known, None)


def test_of_hundreds_of_labels_the_likeliest_are_told() -> None:
    body = {key: value for key, value in ANSWER.items() if key != "probabilities"}
    top = [{"label": "7", "probability": 0.9}, {"label": "1", "probability": 0.05}]
    with answering({**body, "top": top}) as server:
        answer = Inference(server.url).predict(b"drawing", "signs")
    assert list(answer.probabilities.items()) == [("7", 0.9), ("1", 0.05)]
    assert not answer.has_all
    with answering(ANSWER) as server:
        assert Inference(server.url).predict(b"drawing", "digits").has_all


@pytest.mark.parametrize("older", [{}, {"set": None, "is_digit": None}])
def test_older_archives_give_neither(older: dict[str, None]) -> None:
    with answering({**ANSWER, **older}) as server:
        answer = Inference(server.url).predict(b"png", "digits")
    assert (answer.label_set, answer.is_digit) == ((), None)
