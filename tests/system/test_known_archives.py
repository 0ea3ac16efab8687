"""Only archives that were built here, or that somebody accepted, are known."""

import os
import stat
import subprocess
import zipfile

import pytest

from system import known_archives


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    put(folder, "before.mar")
    return folder


@pytest.fixture
def known(tmp_path):
    return tmp_path / "var" / "archives.sha256"


def put(store, name):
    with zipfile.ZipFile(store / name, "w") as archive:
        archive.writestr("content", os.urandom(16))
    return store / name


def test_without_a_list_any_archive_is_known_and_the_first_list_has_those_that_are_there(store, known):
    assert known_archives.is_known(store / "before.mar", known)
    assert known_archives.begin(known, store) == [store / "before.mar"]
    assert known_archives.begin(known, store) == []
    assert known_archives.is_known(store / "before.mar", known)
    assert stat.S_IMODE(known.stat().st_mode) == 0o600


@pytest.mark.timeout(20)
def test_a_list_begins_with_archives_alone(store, known):
    os.mkfifo(store / "fifo.mar")
    (store / "gone.mar").symlink_to(store / "nothing")
    (store / "text.mar").write_text("no archive")
    assert known_archives.begin(known, store) == [store / "before.mar"]


def test_what_comes_later_is_known_only_once_it_was_built_here(store, known):
    known_archives.begin(known, store)
    later = put(store, "later.mar")
    assert not known_archives.is_known(later, known)
    known_archives.add(later, known)
    known_archives.add(later, known)
    assert known_archives.is_known(later, known)
    assert len(known.read_text().splitlines()) == 3


def test_an_archive_that_is_built_before_there_is_a_list_makes_no_other_unknown(store, known):
    built = put(store, "built.mar")
    known_archives.add(built, known)
    known_archives.begin(known, store)
    assert all(known_archives.is_known(path, known) for path in (built, store / "before.mar"))


def test_another_store_has_a_beginning_of_its_own(store, known, tmp_path):
    known_archives.begin(known, store)
    other = tmp_path / "other"
    other.mkdir()
    theirs = put(other, "theirs.mar")
    assert known_archives.is_known(theirs, known)
    assert known_archives.begin(known, other) == [theirs]
    assert not known_archives.is_known(put(other, "later.mar"), known)


def test_one_that_is_replaced_is_not_known_any_more(store, known):
    known_archives.begin(known, store)
    (store / "other").write_bytes(put(store, "other.mar").read_bytes())
    (store / "other").replace(store / "before.mar")
    assert not known_archives.is_known(store / "before.mar", known)


@pytest.mark.parametrize("name", ["foreign.mar", "back\\slash.mar"])
def test_the_command_that_is_told_accepts_it(store, known, name):
    known_archives.begin(known, store)
    foreign = put(store, name)
    subprocess.run(["sh", "-c", known_archives.how_to_accept(foreign, known)], check=True)
    assert known_archives.is_known(foreign, known)
