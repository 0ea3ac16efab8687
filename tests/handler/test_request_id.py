"""What goes wrong with a request is logged under the name that the request came with."""

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from handler.bad_image import BadImage
from handler.digit_handler import DigitHandler
from handler.framer import Framer
from handler.model import Framed

GOOD_IDS = ["7f0c2e9a-41d2", "A.b_c-9", "x" * 64]
BAD_IDS = ["", "x" * 65, "two words", "a\nb", "\x1b[31m", "ä", "a\n"]


@pytest.fixture
def handler() -> DigitHandler:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("what nobody expected")

    handler = DigitHandler()
    handler.framer = Framer(SimpleNamespace(framed=broken))  # type: ignore[arg-type]
    handler.batch_s, handler.explanation_s = 3.0, 0.05
    handler.explain = broken  # type: ignore[method-assign]
    return handler


@pytest.mark.parametrize("name", GOOD_IDS)
def test_a_request_is_named_in_the_log(
    handler: DigitHandler, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (answer,) = handler.preprocess([{"body": b"an image"}], [{"x-request-id": name}])
    assert isinstance(answer, BadImage)
    framed = Framed(np.zeros((28, 28), np.uint8), lambda: (0, 0, 28), 1)
    explained = handler._explanation_or_error(framed, {"x-request-id": name}, time.perf_counter() + 3)
    assert explained["code"] == 500
    assert [record.getMessage() for record in caplog.records] == [
        f"preprocessing failed on the input of request {name}",
        f"an explanation failed for request {name}",
    ]


@pytest.mark.parametrize("name", [*BAD_IDS, b"bytes", None])
def test_a_name_that_is_none_is_not_repeated(
    handler: DigitHandler, name: object, caplog: pytest.LogCaptureFixture
) -> None:
    headers: list[dict[str, object]] = [{} if name is None else {"x-request-id": name}]
    handler.preprocess([{"body": b"an image"}], headers)
    assert caplog.records[0].getMessage() == "preprocessing failed on the input of a request without an id"


def test_a_bad_image_that_was_expected_is_no_line_in_the_log(
    handler: DigitHandler, caplog: pytest.LogCaptureFixture
) -> None:
    (answer,) = handler.preprocess([{"body": b""}], [{"x-request-id": "an-id"}])
    assert isinstance(answer, BadImage)
    assert caplog.records == []
