"""Damaged files and refused records are set aside, and the spool goes on."""

from datetime import UTC, datetime

import pytest

from db import spool as spool_module
from db import spool_file, spool_folder
from db.records import Deletion, Feedback
from db.spool import Spool
from tests.db.spooling import changed, ids, reopened


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_file_is_set_aside_and_a_new_one_is_begun(tmp_path, prediction, caplog, content) -> None:
    path = tmp_path / "records-1.sqlite"
    path.write_bytes(content)
    spool = Spool(path)
    spool.put(prediction())
    (aside,) = tmp_path.glob("records-1.sqlite.damaged-*")
    assert aside.read_bytes() == content
    assert f"the spool {path} is damaged" in caplog.text
    assert aside.name in caplog.text
    assert reopened(spool).pending == 1


def test_a_file_that_is_damaged_inside_is_set_aside_with_its_log(spool, prediction, caplog) -> None:
    for _ in range(50):
        spool.put(prediction(drawing=b"x" * 9000))
    spool.close()
    with spool.path.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xa5" * 40 * 4096)
    assert Spool(spool.path).pending == 0
    assert "is damaged" in caplog.text


def test_a_log_that_was_cut_off_costs_no_more_than_what_it_lacks(spool, prediction) -> None:
    records = [prediction() for _ in range(20)]
    for record in records:
        spool.put(record)
    (log,) = spool.path.parent.glob("*-wal")
    copy = spool.path.parent / "copy"
    copy.mkdir()
    (copy / log.name).write_bytes(log.read_bytes()[:-100])
    (copy / spool.path.name).write_bytes(spool.path.read_bytes())
    assert ids(Spool(copy / spool.path.name)) == [record.id for record in records[:-1]]


def test_a_spool_of_a_later_version_is_left_as_it_is(spool, prediction, caplog) -> None:
    spool.put(prediction())
    spool.close()
    changed(spool.path, f"PRAGMA user_version = {spool_file.LAYOUT + 1}")
    before = spool.path.read_bytes()
    other = spool_folder.first_free(spool.path.parent)
    assert other.path.name == "records-2.sqlite"
    spool_folder.take_over_others(other)
    assert spool.path.read_bytes() == before
    assert f"{spool.path} has layout 2, expected 1: using the next spool" in caplog.text


def test_what_is_set_aside_stays_with_its_reason_and_moves_with_the_spool(tmp_path, prediction) -> None:
    left = Spool(tmp_path / "records-1.sqlite")
    left.put(prediction())
    left.set_aside(left.first(1, 1)[0], "too odd")
    assert (left.pending, left.aside) == (0, 1)
    left.close()
    spool = Spool(tmp_path / "records-2.sqlite")
    spool_folder.take_over_others(spool)
    assert (spool.pending, spool.aside) == (0, 1)
    assert spool._reading.execute("SELECT kind, reason FROM set_aside").fetchall() == [
        ("Prediction", "too odd")
    ]


def test_a_deletion_reaches_what_was_set_aside(spool, prediction, session_id) -> None:
    """Also what the database refused is a drawing of somebody's."""
    first, second = prediction(), prediction()
    records = [
        first,
        Feedback(first.id, "7", datetime.now(UTC), session_id, network=bytes(16)),
        second,
        prediction(session_id="another's"),
    ]
    for record in records:
        spool.put(record)
        spool.set_aside(spool.first(1, 1)[0], "too odd")
    spool.forget_aside(Deletion("another's", datetime.now(UTC), first.id))
    assert spool.aside == 4
    spool.forget_aside(Deletion(session_id, datetime.now(UTC), first.id))
    assert spool.aside == 2
    spool.forget_aside(Deletion(session_id, datetime.now(UTC)))
    assert spool.aside == 1


def test_of_too_much_that_is_set_aside_the_oldest_go(spool, prediction, monkeypatch, caplog) -> None:
    monkeypatch.setattr(spool_module, "MAX_BYTES_ASIDE", 25_000)
    for number in range(4):
        spool.put(prediction(drawing=b"x" * 9000))
        spool.set_aside(spool.first(1, 1)[0], str(number))
    assert spool._reading.execute("SELECT reason FROM set_aside").fetchall() == [("2",), ("3",)]
    assert "dropped 1 records that had been set aside" in caplog.text
