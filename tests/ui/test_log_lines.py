"""The page's log: a line an event, whatever came from outside, and few tracebacks of a kind."""

import json
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from ui.log_lines import JsonLines, TextLines
from ui.repeats import Repeats

HOSTILE = "\x1b[31mred\r\n2026-01-01 INFO forged \x9b\u2028\u202ereversed"


def record(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("ui.test", logging.INFO, "f.py", 1, message, arguments, exc_info)


def raised(message: str) -> ValueError:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def test_a_line_of_text_stays_one_line_and_moves_no_terminal() -> None:
    line = TextLines().format(record("path %s", HOSTILE))
    assert line.endswith(r"INFO ui.test: path \x1b[31mred\r\n2026-01-01 INFO forged \x9b\u2028\u202ereversed")
    assert line.isprintable()


def test_no_line_of_a_traceback_passes_for_another_event() -> None:
    line = TextLines().format(record("failed", error=raised(HOSTILE)))
    first, *traced = line.split("\n")
    assert first.endswith("INFO ui.test: failed")
    assert all(text.startswith("    ") and text.isprintable() for text in traced)
    assert r"ValueError: \x1b[31mred\r" in line


def test_a_json_line_has_message_fields_and_exception() -> None:
    event = record("answered %d", 200, error=raised(HOSTILE))
    event.fields = {"status": 200}
    line = JsonLines().format(event)
    assert line.isascii()
    assert line.isprintable()
    said = json.loads(line)
    assert (said["level"], said["logger"], said["message"]) == ("INFO", "ui.test", "answered 200")
    assert said["status"] == 200
    assert HOSTILE in said["exception"]


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What is written through a filter that tells of repeats after two seconds."""
    written: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(record.getMessage())

    handler = Kept()
    handler.addFilter(Repeats(every_s=2))
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def log_failure(message: str, *, is_chained: bool = False) -> None:
    try:
        try:
            raise ValueError(message)
        except ValueError as error:
            if is_chained:
                raise RuntimeError("came of it") from error
            raise
    except (ValueError, RuntimeError):
        logging.getLogger("ui.test").exception(message)


def test_one_traceback_of_a_kind_is_written_and_the_rest_counted(lines: list[str]) -> None:
    for number in range(50):
        log_failure(f"failure {number}", is_chained=number % 2 == 1)
    logging.getLogger("ui.test").error("no traceback")
    assert lines == ["failure 0", "no traceback"]
    deadline = time.monotonic() + 10
    while len(lines) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "49 more like this within 2 s: ValueError at ui/test_log_lines.py:" in lines[2]
    log_failure("failure 50")
    assert lines[3] == "failure 50"


def test_another_kind_is_written(lines: list[str]) -> None:
    log_failure("one")
    try:
        raise KeyError("other")
    except KeyError:
        logging.getLogger("ui.test").exception("another")
    assert lines == ["one", "another"]


def test_an_exception_that_is_its_own_cause_is_written_too(lines: list[str]) -> None:
    error = raised("circle")
    error.__cause__ = error
    thread = threading.Thread(
        target=logging.getLogger("ui.test").error, args=("circle",), kwargs={"exc_info": error}, daemon=True
    )
    thread.start()
    thread.join(10)
    assert lines == ["circle"]
