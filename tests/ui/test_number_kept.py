"""Which numbers are stored: the pad's and a list's, unless somebody wished otherwise, and no program's."""

import pytest

from tests.ui.number_pad import Pad, pad, piece, shown
from ui import number
from ui.shares import TooMany

__all__ = ["pad"]


def test_nobody_s_wish_and_nobody_s_id_keep_nothing(pad: Pad) -> None:
    assert shown(pad.read(piece(0, 0), keep=False)) == [""]
    assert "not stored, as you chose" in pad.read(piece(0, 0), keep=False)["digits"][0]["panel"]
    assert shown(pad.read(piece(0, 0), visitor="nobody")) == [""]
    assert pad.waiting() == []


def test_what_is_read_under_the_pen_is_neither_stored_nor_counted_nor_said_to_be(pad: Pad) -> None:
    one = pad.read(piece(0, 0))
    count = pad.backend.metrics.predictions.labels("answered", "7")._value
    before, counted = pad.before, count.get()
    interim = pad.read(piece(0, 0, 35), piece(1, 40), interim=True)
    assert shown(interim) == ["", ""] and "not stored" not in interim["digits"][0]["panel"]
    assert (pad.counting(), len(pad.waiting()), count.get()) == (shown(one), 1, counted)
    pad.read(piece(0, 0), piece(1, 40), before=before)
    assert count.get() == counted + 1


def test_a_program_s_number_is_not_stored(pad: Pad) -> None:
    pad._found = [piece(0, 0)]
    answer = pad._client.post("/read", content=b"a picture").json()
    assert set(answer["digits"][0]) == {"label", "confidence", "set", "is_digit", "is_sure", "box"}
    assert pad.waiting() == []


def test_a_list_s_number_is_stored_and_takes_no_place_of_who_writes(
    pad: Pad, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise TooMany

    monkeypatch.setattr(pad.desks.pad, "at", full)
    assert pad.read(piece(0, 0), piece(1, 40))["type"] == "Busy"
    listed = pad.read(piece(0, 0), piece(1, 40), isListed=True, source="upload")
    again = pad.read(piece(0, 0), piece(1, 40), isListed=True, source="upload", before=[])
    assert shown(again) == shown(listed) == pad.counting()


@pytest.mark.parametrize("fails", [False, True])
def test_a_list_is_told_kept_of_what_is_on_the_disk(
    pad: Pad, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr(pad.backend.writer, "sync", lambda: not fails)
    listed = pad.read(piece(0, 0), isListed=True, source="upload")
    assert (listed["digits"][0]["prediction"] == "") is fails
    assert pad.read(piece(0, 0))["digits"][0]["prediction"] != ""  # the pad waits for no disk


@pytest.mark.parametrize(
    "header",
    [
        "",
        "[]",
        "{",
        '{"before": [["x", 1]]}',
        '{"source": "x"}',
        '{"before": 5}',
        '{"paper": "x"}',
        '{"before": [["x", 1%s, 0, 1, 1]]}' % ("0" * 400),
    ],
)
def test_a_header_of_another_form_is_refused_in_one_line(pad: Pad, header: str) -> None:
    answer = pad._client.post("/read", content=b"strokes", headers={number.FROM_PAD: header})
    assert (answer.status_code, answer.json()["type"]) == (400, "BadRequest")
    assert "Reload the page" in answer.json()["message"]
