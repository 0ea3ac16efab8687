"""The spool's file: private, in order, bounded, and small again when nothing waits."""

import re
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest

from db import server, spool_file, spool_folder
from db import spool as spool_module
from db.cluster import MAX_LOG_BYTES
from db.spool import NoRoom, Spool
from tests.db.spooling import changed, ids, reopened


def test_nobody_else_may_read_what_waits(spool, prediction) -> None:
    spool.put(prediction())
    assert stat.S_IMODE(spool.path.parent.stat().st_mode) == 0o700
    files = sorted(spool.path.parent.iterdir())
    assert [file.name.removeprefix("records-1.") for file in files] == [
        "lock",
        "sqlite",
        "sqlite-shm",
        "sqlite-wal",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_spool_that_was_closed_has_everything_in_its_order(spool, prediction, correction) -> None:
    drawings = [prediction() for _ in range(5)]
    feedback = correction(drawings[0], "7")
    for record in (*drawings, feedback):
        spool.put(record)
    again = reopened(spool)
    assert [waiting.record for waiting in again.first(100, 10**9)] == [*drawings, feedback]
    assert again.pending == 6
    assert again.oldest_s < 60


def test_a_batch_is_bounded_and_has_at_least_one_record(spool, prediction) -> None:
    for size in (5000, 5000, 10):
        spool.put(prediction(drawing=b"x" * size))
    assert len(spool.first(100, 100)) == 1
    assert len(spool.first(2, 10**9)) == 2
    first = spool.first(100, 13_000)
    assert len(first) == 2
    spool.remove(first)
    assert spool.pending == len(spool.first(100, 10**9)) == 1


def test_what_was_put_before_a_sync_is_synced_once_for_all(spool, prediction, monkeypatch) -> None:
    synced = []
    monkeypatch.setattr("db.spool.files.sync", synced.append)
    spool.put(prediction())
    spool.put(prediction())
    assert synced == []
    spool.sync()
    spool.sync()
    assert [path.name for path in synced] == ["records-1.sqlite-wal"]
    spool.put(prediction())
    spool.sync()
    assert len(synced) == 2


def test_a_full_file_refuses_and_goes_on_when_there_is_room(spool, prediction) -> None:
    spool.put(prediction())
    (pages,) = spool._writing.execute("PRAGMA page_count").fetchone()
    spool._writing.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        spool.put(prediction(drawing=b"x" * 100_000))
    small = prediction()
    spool.put(small)
    assert spool.pending == len(ids(spool)) == 2
    spool._writing.execute(f"PRAGMA max_page_count = {pages + 1000}")
    large = prediction(drawing=b"x" * 100_000)
    spool.put(large)
    assert ids(reopened(spool))[1:] == [small.id, large.id]


def test_the_last_room_of_the_disk_is_left(spool, prediction, monkeypatch) -> None:
    monkeypatch.setattr(spool_module, "RESERVE_BYTES", 2 * spool_file.free_bytes(spool.path))
    with pytest.raises(NoRoom, match=r"the disk is full at .*records-1\.sqlite"):
        spool.put(prediction())
    monkeypatch.undo()
    spool.put(prediction())
    assert spool.pending == 1


def test_beside_the_embedded_postgresql_its_log_and_what_waits_have_room(
    tmp_path, prediction, monkeypatch
) -> None:
    """On a full disk it stops, and then nothing that waits can be written."""
    (tmp_path / "postgres").mkdir()
    beside = spool_folder.first_free(tmp_path / "spool", tmp_path / "postgres")
    elsewhere = spool_folder.first_free(tmp_path / "spool", Path("/proc"))
    large, ordinary = prediction(drawing=b"x" * 1_000_000), prediction(drawing=b"x" * 10_000)
    free = spool_module.RESERVE_BYTES + MAX_LOG_BYTES + 1_500_000
    monkeypatch.setattr(spool_file, "free_bytes", lambda _: free)
    beside.put(large)
    with pytest.raises(NoRoom, match="the disk is full"):
        beside.put(prediction(drawing=b"x" * 600_000))
    beside.put(ordinary)
    free -= MAX_LOG_BYTES
    with pytest.raises(NoRoom, match="the disk is full"):
        beside.put(ordinary)
    elsewhere.put(large)


def test_the_embedded_postgresql_s_log_stays_within_what_is_left_for_it() -> None:
    most = re.fullmatch(r"(\d+)MB", server._SETTINGS["max_wal_size"])
    assert most
    assert int(most[1]) * 1024**2 <= MAX_LOG_BYTES


def test_a_disk_without_room_for_all_that_may_wait_is_told_before_records_are_refused(
    spool, prediction, monkeypatch
) -> None:
    spool.put(prediction(drawing=b"x" * 1_000_000))
    wanted = spool_module.RESERVE_BYTES + spool_module.MAX_BYTES - spool._bytes
    monkeypatch.setattr(spool_file, "free_bytes", lambda _: wanted)
    assert spool.lacks_bytes == 0
    monkeypatch.setattr(spool_file, "free_bytes", lambda _: wanted - 5_000_000)
    assert spool.lacks_bytes == 5_000_000
    spool.put(prediction())


def test_beside_a_database_room_for_all_that_may_wait_is_twice_as_much(
    tmp_path, prediction, monkeypatch
) -> None:
    limit, log = 40_000, 10_000
    with closing(Spool(tmp_path / "records-1.sqlite", max_bytes=limit, log_bytes=log)) as spool:
        free = spool_module.RESERVE_BYTES + log + 2 * limit
        monkeypatch.setattr(spool_file, "free_bytes", lambda _: free - spool._bytes)
        assert spool.lacks_bytes == 0
        while spool._bytes + 5_000 < limit:
            spool.put(prediction(drawing=b"x" * 2_000))
        monkeypatch.setattr(spool_file, "free_bytes", lambda _: free - 1 - spool._bytes)
        assert spool.lacks_bytes == 1


def test_a_spool_has_room_for_what_another_left_or_leaves_it(tmp_path, prediction) -> None:
    left = Spool(tmp_path / "records-1.sqlite")
    for _ in range(3):
        left.put(prediction())
    left.close()
    small = Spool(tmp_path / "records-2.sqlite", max_records=2)
    spool_folder.take_over_others(small)
    assert small.pending == 0
    spool = Spool(tmp_path / "records-3.sqlite", max_records=3)
    spool_folder.take_over_others(spool)
    assert spool.pending == len(ids(spool)) == 3
    with pytest.raises(NoRoom):
        spool.put(prediction())
    assert not left.path.exists()


def test_what_another_left_stays_there_while_it_would_fill_the_disk(
    tmp_path, prediction, monkeypatch
) -> None:
    """Where PostgreSQL is beside it, it would stop."""
    (tmp_path / "postgres").mkdir()
    left = spool_folder.first_free(tmp_path)
    spool = spool_folder.first_free(tmp_path, tmp_path / "postgres")
    for _ in range(3):
        left.put(prediction(drawing=b"x" * 1_000_000))
    left.close()
    free = spool_module.RESERVE_BYTES + MAX_LOG_BYTES + 2_000_000
    monkeypatch.setattr(spool_file, "free_bytes", lambda _: free)
    spool_folder.take_over_others(spool)
    assert (spool.pending, left.path.exists()) == (0, True)
    free += 2_000_000
    spool_folder.take_over_others(spool)
    assert (spool.pending, left.path.exists()) == (3, False)


def test_a_long_log_is_taken_into_the_file(spool, prediction, monkeypatch) -> None:
    monkeypatch.setattr(spool_module, "LONG_LOG_BYTES", 100_000)
    (log,) = spool.path.parent.glob("*-wal")
    while log.stat().st_size <= 100_000:
        spool.put(prediction(drawing=b"x" * 9000))
    spool.tidy()
    assert log.stat().st_size < 10_000
    assert len(ids(reopened(spool))) == spool.pending


def test_an_empty_spool_gives_its_room_back(spool, prediction) -> None:
    for _ in range(30):
        spool.put(prediction(drawing=b"x" * 1_000_000))
    spool.remove(spool.first(1000, 10**9))
    spool.tidy()
    assert sum(file.stat().st_size for file in spool.path.parent.iterdir()) < 1_000_000
    spool.put(prediction())
    assert reopened(spool).pending == 1


def test_what_somebody_took_out_of_the_file_is_not_waited_for(spool, prediction) -> None:
    spool.put(prediction())
    changed(spool.path, "DELETE FROM waiting")
    assert spool.first(10, 10**9) == []
    assert spool.pending == 0


def test_who_reads_the_file_makes_nobody_wait(spool, prediction, monkeypatch) -> None:
    monkeypatch.setattr(spool_module, "LONG_LOG_BYTES", 0)
    spool.put(prediction())
    with closing(sqlite3.connect(spool.path, isolation_level=None)) as operator:
        operator.execute("BEGIN")
        assert operator.execute("SELECT count(*) FROM waiting").fetchone() == (1,)
        spool._writing.execute("PRAGMA busy_timeout = 60000")
        began = time.monotonic()
        with pytest.raises(sqlite3.OperationalError):
            spool.put(prediction())
            spool.tidy()
        assert time.monotonic() - began < 30  # it is not waited for; the disk may be slow
    spool.tidy()
    assert len(ids(spool)) == 2
