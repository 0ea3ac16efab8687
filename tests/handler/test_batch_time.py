"""What a batch's requests are told when there is no time for all of them."""

import json
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from handler.bad_image import BadImage, Busy
from handler.digit_handler import USUAL_TIMEOUT_S, DigitHandler, batch_s
from handler.framer import Result
from handler.model import Framed
from system.files import PROJECT
from ui.settings import from_environment

FRAMED = Framed(np.zeros((28, 28), np.uint8), lambda: (0, 0, 28), 1)


class Context:
    """What TorchServe hands to the handler, as far as it is asked."""

    def __init__(self, *headers: Mapping[str, str]) -> None:
        self.headers = headers
        self.statuses: dict[int, int] = {}
        self.answered: dict[tuple[int, str], str] = {}

    def get_all_request_header(self, index: int) -> Mapping[str, str]:
        """Return a request's headers."""
        return self.headers[index]

    def set_response_content_type(self, index: int, value: str) -> None:
        """Note an answer's type."""
        self.set_response_header(index, "content-type", value)

    def set_response_header(self, index: int, name: str, value: str) -> None:
        """Note an answer's header."""
        self.answered[index, name] = value

    def set_response_status(self, code: int, phrase: str, index: int) -> None:
        """Note an answer's status."""
        assert phrase
        self.statuses[index] = code


@pytest.fixture
def handler() -> DigitHandler:
    handler = DigitHandler()
    handler.batch_s, handler.explanation_s = 3.0, 0.05
    handler.counted = {}  # type: ignore[attr-defined]
    handler.metrics = SimpleNamespace(observe_batch=lambda **counts: handler.counted.update(counts))  # type: ignore[assignment,attr-defined]
    handler.inference = lambda frames: [None] * len(frames)  # type: ignore[assignment,method-assign,return-value]
    handler.postprocess = lambda reading, frame, top: {"label": "7"}  # type: ignore[method-assign]
    return handler


def handled(handler: DigitHandler, context: Context, made: list[Result]) -> list[dict[str, Any]]:
    def batch(rows: object, names: object, ends: float) -> list[Result]:
        handler.left_s = ends - time.perf_counter()  # type: ignore[attr-defined]
        return made

    handler.framer = SimpleNamespace(batch=batch)  # type: ignore[assignment]
    return [json.loads(answer) for answer in handler.handle([{}] * len(made), context)]


def test_a_batch_has_a_tenth_of_the_timeout_that_the_archive_names() -> None:
    assert batch_s({"responseTimeout": 20, "batchSize": 16}) == 2.0
    assert batch_s({}) == batch_s(None) == batch_s({"responseTimeout": USUAL_TIMEOUT_S})


def test_two_batches_in_a_row_are_over_before_the_page_gives_up() -> None:
    waits_s = from_environment({"DATABASE_URL": "postgresql://here/name"}).answer_timeout_s
    ours = yaml.safe_load((PROJECT / "handler" / "model-config.yaml").read_text())
    # The network, and what an explanation takes longer than the last one did.
    beside_s = 0.2
    for settings in (ours, {"responseTimeout": 600}):
        assert 2 * (batch_s(settings) + beside_s) < waits_s


def test_each_request_gets_its_own_status(handler: DigitHandler) -> None:
    context = Context({}, {}, {})
    bad, busy, good = handled(handler, context, [BadImage("No."), Busy(), FRAMED])
    assert context.statuses == {0: 400, 1: 503}
    assert bad == {"code": 400, "type": "BadImage", "message": "No."}
    assert (busy["code"], busy["type"]) == (503, "Busy")
    assert "again in a second" in busy["message"]
    assert context.answered[1, "retry-after"] == "1"
    assert good == {"label": "7"}
    counted = handler.counted  # type: ignore[attr-defined]
    assert (counted["bad_images"], counted["busy"], len(counted["predictions"])) == (1, 1, 1)


def test_explanations_for_which_there_is_no_time_are_put_off(handler: DigitHandler) -> None:
    """A forest may take 0.3 s for each."""
    handler.batch_s = 0.5

    def explain(framed: Framed) -> dict[str, Any]:
        time.sleep(0.15)
        return {"label": "7"}

    handler.explain = explain  # type: ignore[method-assign]
    context = Context(*[{"explain": "True"}] * 6, {})
    answers = handled(handler, context, [FRAMED] * 7)
    assert answers[0] == answers[6] == {"label": "7"}
    assert set(context.statuses.values()) == {503}
    assert 3 <= len(context.statuses) <= 5
    assert context.answered[5, "retry-after"] == "1"


def test_one_slow_explanation_does_not_put_off_all_later_ones(handler: DigitHandler) -> None:
    handler.batch_s = 0.1
    handler.explain = lambda framed: time.sleep(0.3) or {}  # type: ignore[func-returns-value,method-assign]
    for _ in range(2):
        context = Context({"explain": "True"})
        handled(handler, context, [FRAMED])
        assert context.statuses == {}


def test_pictures_leave_explanations_their_time_but_no_more_than_half(handler: DigitHandler) -> None:
    handler.explain = lambda framed: {}  # type: ignore[method-assign]
    handled(handler, Context(*[{"Explain": "True"}] * 4), [FRAMED] * 4)
    assert 2.0 < handler.left_s <= 3 - 4 * 0.05  # type: ignore[attr-defined]
    handler.explanation_s = 1.0
    handled(handler, Context(*[{"explain": "True"}] * 4), [FRAMED] * 4)
    assert 0.7 < handler.left_s <= 1.5  # type: ignore[attr-defined]
