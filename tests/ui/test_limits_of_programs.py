"""What programs may ask of the page is refused in the form of its other answers."""

import json

import pytest

from tests.ui.test_limits import asked, length
from ui import limits
from ui.limits import MOST_VALUES, Limits


@pytest.mark.parametrize("path", ["/read", "/pictures", "/fetch"])
def test_what_programs_are_refused_is_json(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    status, words = asked(Limits(length, "/sketch"), [b"{" + b"," * MOST_VALUES], f"/sketch{path}")
    assert (status, json.loads(words)["type"]) == (413, "TooLarge")
    monkeypatch.setattr(limits, "MOST_BYTES_HELD", 100)
    status, words = asked(Limits(length), [bytes(60), bytes(60)], path)
    message = "Too many drawings at once: try again in a moment"
    assert (status, json.loads(words)) == (503, {"code": 503, "type": "Busy", "message": message})
