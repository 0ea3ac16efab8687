"""The page's log: a line an event, as text or JSON, with the request's id and no control characters."""

import json
import logging
from datetime import UTC, datetime
from types import SimpleNamespace

import gradio.queueing
import gradio.routes

from ui import request_id
from ui.repeats import Repeats

logger = logging.getLogger(__name__)


def install(log_format: str) -> None:
    """Write every logger's lines to the standard error output, from INFO upwards.

    Args:
        log_format: "text" or "json".
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    handler.addFilter(Repeats())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Gradio prints the tracebacks of events that fail, past any handler: anybody can have it do that.
    for module in (gradio.queueing, gradio.routes):
        module.traceback = SimpleNamespace(print_exc=_log_failed_event)  # type: ignore[attr-defined]


def printable(text: str) -> str:
    r"""Return the text with every control or invisible character as Python writes it, such as \x1b."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


class TextLines(logging.Formatter):
    """Lines for people; a traceback follows its line, indented, so that nothing in it passes for a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        about = f"request {current}: " if (current := request_id.current()) else ""
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {about}"
        line += printable(record.getMessage().strip())
        if record.exc_info:
            for traced in self.formatException(record.exc_info).split("\n"):
                line += f"\n    {printable(traced)}"
        return line


class JsonLines(logging.Formatter):
    """Lines for programs: an object each, with `fields` of the record's `extra` beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; json.dumps escapes whatever is not ASCII."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage().strip(),
        }
        if current := request_id.current():
            line["request_id"] = current
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _log_failed_event() -> None:
    logger.exception("an event failed")
