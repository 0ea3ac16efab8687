"""What `make chaos` calls lost, doubled, and wrong."""

import socket
from pathlib import Path

import pytest

from system.files import lock
from tests.chaos import invariants
from tests.chaos.journal import Stroke


def test_what_is_lost_doubled_out_of_order_or_there_anyway_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    strokes = [
        Stroke("session", "kept", "once", "1", {"4": "once", "5": "once"}),
        Stroke("session", "deleted", "never", "2", {"4": "once"}),
        Stroke("session", "unanswered", "maybe"),
        Stroke("session", "doubled", "once", "3"),
        Stroke("session", "lost", "once", "4", {"6": "once"}),
    ]
    drawings = [("kept",), ("deleted",), ("doubled",), ("doubled",), ("stranger",)]
    feedback = [("1", "5"), ("1", "4"), ("2", "4")]
    monkeypatch.setattr(invariants, "rows", lambda _, query: drawings if "md5" in query else feedback)
    found = invariants.counted("", strokes)
    of_drawings, of_corrections = found["drawings"], found["corrections"]
    assert (of_drawings.accepted, of_drawings.found, of_drawings.doubled) == (3, 2, 1)
    assert [line.partition("Stroke")[0] for line in of_drawings.wrong] == [
        "1 times in the database: ",
        "2 times in the database: ",
        "0 times in the database: ",
        "in the database, and nobody sent it: stranger",
    ]
    assert (of_corrections.accepted, of_corrections.found, of_corrections.doubled) == (3, 2, 0)
    assert [line.partition(" Stroke")[0] for line in of_corrections.wrong] == [
        "1 times in the database: 4 of",
        "0 times in the database: 6 of",
        "['5', '4'] came in another order than was said:",
    ]


def test_what_is_left_behind_is_found(tmp_path: Path) -> None:
    var, tmp = tmp_path / "var", tmp_path / "tmp"
    var.mkdir()
    tmp.mkdir()
    (var / "free.lock").touch()
    assert invariants.left_behind(var, tmp) == []
    (tmp / "file").touch()
    with socket.socket(socket.AF_UNIX) as left, lock(var / "lock"):
        left.bind(str(var / "socket"))
        assert len(invariants.left_behind(var, tmp)) == 3
