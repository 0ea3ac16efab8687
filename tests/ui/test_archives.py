"""Archives in the model store: name, version and labels without unpacking or running anything."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from tests.ui.several_models import DIGITS, put_archive
from ui.models.archives import MAX_JSON_BYTES, Archive, BadArchive, read_archive, read_store


def test_an_archive_says_name_version_labels_and_coverage(tmp_path: Path) -> None:
    put_archive(tmp_path, "digits-vit.mar", "digits-vit", "1.2.0", coverage=0.99, framing="ink")
    expected = Archive("digits-vit.mar", "digits-vit", "1.2.0", DIGITS, 0.99, "ink")
    assert read_archive(tmp_path / "digits-vit.mar") == expected


def test_an_archive_from_before_sets_has_no_coverage(tmp_path: Path) -> None:
    put_archive(tmp_path, "digits.mar", "digits")
    assert read_archive(tmp_path / "digits.mar").coverage is None


@pytest.mark.parametrize("cut", [0, 1, 100, -10])
def test_a_torn_archive_is_damaged(cut: int, tmp_path: Path) -> None:
    put_archive(tmp_path, "whole.mar", "digits")
    (tmp_path / "torn.mar").write_bytes((tmp_path / "whole.mar").read_bytes()[:cut])
    archives, damaged = read_store(tmp_path)
    assert [archive.file for archive in archives] == ["whole.mar"]
    assert damaged == {"torn.mar": "it is damaged"}


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"MAR-INF/MANIFEST.json": {"model": {"modelName": "a", "modelVersion": "1"}}},
        {"MAR-INF/MANIFEST.json": [], "index_to_name.json": {}},
        {"MAR-INF/MANIFEST.json": {"model": "a"}, "index_to_name.json": {"0": "a"}},
        {
            "MAR-INF/MANIFEST.json": {"model": {"modelName": "a", "modelVersion": "1"}},
            "index_to_name.json": {"1": "a"},
        },
        {
            "MAR-INF/MANIFEST.json": {"model": {"modelName": "a", "modelVersion": "1"}},
            "index_to_name.json": {"0": "a" * (MAX_JSON_BYTES + 1)},
        },
    ],
)
def test_an_archive_of_another_kind_says_what_it_lacks(files: dict[str, object], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.mar", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, json.dumps(content))
    with pytest.raises(BadArchive, match="missing or malformed"):
        read_archive(tmp_path / "other.mar")


def test_without_a_store_there_are_no_archives(tmp_path: Path) -> None:
    assert read_store(None) == ([], {})
    assert read_store(tmp_path / "absent") == ([], {})


def test_a_folder_named_as_an_archive_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "folder.mar").mkdir()
    assert read_store(tmp_path) == ([], {"folder.mar": "it is not a regular file"})


@pytest.mark.timeout(20)
def test_what_is_no_regular_file_is_not_waited_for_and_hides_no_archive(tmp_path: Path) -> None:
    put_archive(tmp_path, "digits.mar", "digits")
    os.mkfifo(tmp_path / "fifo.mar")
    (tmp_path / "endless.mar").symlink_to("/dev/zero")
    with (tmp_path / "huge.mar").open("wb") as huge:
        huge.truncate(10 * 1024**3)
    archives, damaged = read_store(tmp_path)
    assert [archive.file for archive in archives] == ["digits.mar"]
    irregular = "it is not a regular file"
    assert damaged == {"fifo.mar": irregular, "endless.mar": irregular, "huge.mar": "it is damaged"}


@pytest.mark.parametrize(
    ("name", "version"), [("a/b", "1"), ("..", "1"), ("a", "1/2"), ("a\0", "1"), ("", "1")]
)
def test_a_model_that_could_not_be_asked_once_it_is_registered_is_not_offered(
    name: str, version: str, tmp_path: Path
) -> None:
    put_archive(tmp_path, "a.mar", name, version)
    assert read_store(tmp_path) == ([], {"a.mar": "its model's name or version cannot be part of a URL"})


def test_an_archive_that_was_built_anew_is_read_anew(tmp_path: Path) -> None:
    put_archive(tmp_path, "digits.mar", "digits", "1.0.0")
    assert read_store(tmp_path)[0][0].version == "1.0.0"
    put_archive(tmp_path, "digits.mar", "digits", "1.1.0")
    os.utime(tmp_path / "digits.mar", ns=(1, 1))
    assert read_store(tmp_path)[0][0].version == "1.1.0"


def test_a_link_to_nothing_hides_no_other_archive(tmp_path: Path) -> None:
    put_archive(tmp_path, "digits.mar", "digits")
    (tmp_path / "gone.mar").symlink_to(tmp_path / "nothing")
    archives, damaged = read_store(tmp_path)
    assert [archive.file for archive in archives] == ["digits.mar"]
    assert damaged == {"gone.mar": "it cannot be read"}
