"""Which backups are kept, and what is never taken for one."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from db import backup_folder
from db.backup import Settings

# A Monday.
FIRST = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)


def made(folder, *times):
    """Make a file for each time; return the backups, the newest first."""
    for time in times:
        (folder / backup_folder.name(time, "0002")).touch()
    return backup_folder.backups(folder)


def kept(folder, keep, *times):
    newest_first = made(folder, *times)
    outdated = backup_folder.outdated(newest_first, keep, max(times))
    return [backup.time for backup in newest_first if backup not in outdated]


def test_of_a_year_of_days_the_last_seven_and_the_last_of_five_weeks_are_kept(tmp_path):
    days = [FIRST + timedelta(days=day) for day in range(364)]
    sundays = days[6::7]
    assert kept(tmp_path, 7, *days) == sorted({*days[-7:], *sundays[-5:]}, reverse=True)


def test_removing_day_by_day_keeps_the_same_as_at_once(tmp_path):
    days = [FIRST + timedelta(days=day) for day in range(100)]
    for day in days:
        for outdated in backup_folder.outdated(made(tmp_path, day), 7, day):
            outdated.path.unlink()
    (tmp_path / "all").mkdir()
    assert [backup.time for backup in backup_folder.backups(tmp_path)] == kept(tmp_path / "all", 7, *days)


def test_many_on_one_day_do_not_push_out_the_weeks_before(tmp_path):
    weeks = [FIRST + timedelta(weeks=week) for week in range(5)]
    today = [weeks[-1] + timedelta(minutes=minute) for minute in range(50)]
    left = kept(tmp_path, 7, *weeks[:-1], *today)
    assert set(weeks[:-1]) <= set(left)
    assert len(left) == 7 + 4


def test_a_clock_that_was_ahead_for_days_costs_none_of_the_backups_that_come_after(tmp_path):
    made(tmp_path, *[FIRST + timedelta(days=365 + day) for day in range(8)])
    days = [FIRST + timedelta(days=day) for day in range(35)]
    for count, day in enumerate(days, start=1):
        for outdated in backup_folder.outdated(made(tmp_path, day), 7, day):
            outdated.path.unlink()
        left = {backup.time for backup in backup_folder.backups(tmp_path)}
        assert {*days[max(0, count - 7) : count], *days[6:count:7]} <= left
    assert left == {*days[-7:], *days[6::7]}


def test_the_newest_is_kept_whatever_its_age(tmp_path):
    assert kept(tmp_path, 1, FIRST) == [FIRST]
    assert kept(tmp_path, 1, FIRST, FIRST + timedelta(seconds=1)) == [FIRST + timedelta(seconds=1)]


@pytest.mark.parametrize(
    "name",
    [
        "sketchserve.dump",
        "sketchserve-20260105T030000Z-0002.dump.gz",
        "sketchserve-20260105T030000Z-0002.dump.unfinished",
        "sketchserve-20260105-0002.dump",
        "my-sketchserve-20260105T030000Z-0002.dump",
        "sketchserve-20260105T030000Z-0002.dump (copy)",
        "notes.txt",
    ],
)
def test_a_file_of_another_name_is_no_backup(tmp_path, name):
    (tmp_path / name).touch()
    assert backup_folder.backups(tmp_path) == []


def test_a_folder_of_a_backups_name_is_no_backup(tmp_path):
    (tmp_path / backup_folder.name(FIRST, "0002")).mkdir()
    assert backup_folder.backups(tmp_path) == []


def test_a_name_says_time_and_revision(tmp_path):
    (backup,) = made(tmp_path, FIRST)
    assert backup.path.name == "sketchserve-20260105T030000Z-0002.dump"
    assert (backup.time, backup.revision) == (FIRST, "0002")


def test_one_from_the_future_does_not_pass_for_the_newest(tmp_path):
    made(tmp_path, FIRST, FIRST + timedelta(days=400))
    newest = backup_folder.newest(tmp_path, FIRST + timedelta(days=1))
    assert newest is not None
    assert newest.time == FIRST
    assert backup_folder.newest(tmp_path, FIRST - timedelta(days=1)) is None


def test_what_a_killed_backup_left_goes_and_nothing_else(tmp_path):
    left = [tmp_path / f"sketchserve-20260105T030000Z-0002.dump{end}.unfinished" for end in ("", ".4711")]
    others = [tmp_path / "sketchserve-mine.unfinished", tmp_path / backup_folder.name(FIRST, "0002")]
    for path in (*left, *others):
        path.touch()
    backup_folder.remove_unfinished(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_a_new_or_empty_folder_is_closed_and_one_with_other_files_stays_as_it_is(tmp_path):
    backup_folder.make(tmp_path / "deep" / "new")
    assert (tmp_path / "deep" / "new").stat().st_mode & 0o777 == 0o700
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)
    (shared / "letter.txt").touch()
    backup_folder.make(shared)
    assert shared.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("names", [[], ["lock"]])
def test_a_folder_of_somebody_elses_is_used_as_it_is(tmp_path, monkeypatch, names):
    for name in names:
        (tmp_path / name).touch()
    tmp_path.chmod(0o777)

    def refused(path, mode):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))

    monkeypatch.setattr(Path, "chmod", refused)
    backup_folder.make(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o777


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o750), (0o2777, 0o2770), (0o700, 0o700)])
def test_a_folder_of_backups_that_was_open_is_closed_to_all_but_its_group(tmp_path, before, after):
    for name in (backup_folder.name(FIRST, "0002"), "lock"):
        (tmp_path / name).touch()
    tmp_path.chmod(before)
    backup_folder.make(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == after


def test_the_second_in_the_folder_is_told_who_is_first(tmp_path):
    with (
        backup_folder.locked(tmp_path),
        pytest.raises(backup_folder.BusyError, match=r"process [0-9]+ is making a backup in .*: wait"),
        backup_folder.locked(tmp_path),
    ):
        pass
    with backup_folder.locked(tmp_path):
        pass


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("KEEP_BACKUPS", "0"),
        ("KEEP_BACKUPS", "-1"),
        ("KEEP_BACKUPS", "all"),
        ("BACKUP_METRICS_PORT", "65536"),
        ("BACKUP_EVERY_HOURS", "0"),
        ("BACKUP_EVERY_HOURS", "nan"),
        ("BACKUP_EVERY_HOURS", "daily"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_value(key, value):
    with pytest.raises(ValueError, match=f"{key} is '{value}', expected"):
        Settings.from_environment({key: value})


def test_the_settings_have_defaults():
    settings = Settings.from_environment({"VAR_DIR": "/srv/var"})
    assert str(settings.folder) == "/srv/var/backups"
    assert (settings.keep, settings.every_hours) == (7, None)
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.1", 9188)
    assert Settings.from_environment({"BACKUP_EVERY_HOURS": "0.5"}).every_hours == 0.5
