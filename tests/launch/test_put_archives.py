"""The archive of a release gets into the model store that containers share, and takes nobody else's place."""

import json
import zipfile
from pathlib import Path

import pytest

from launch import put_archives
from training.archive.contents import MANIFEST, read_archive


def archive(path: Path, version: str, content: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(MANIFEST, json.dumps({"model": {"modelName": "digits", "modelVersion": version}}))
        file.writestr("digit_handler.py", content)
    return path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model store, and a release without an archive yet."""
    (tmp_path / "store").mkdir()
    (tmp_path / "built").mkdir()
    monkeypatch.setattr(put_archives, "BUILT", tmp_path / "built")
    monkeypatch.setenv("MODEL_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def put(store: Path, version: str, content: str = "") -> None:
    archive(put_archives.BUILT / "digits.mar", version, content)
    assert put_archives.main() == 0


def versions(store: Path) -> dict[str, str]:
    return {path.name: read_archive(path).version for path in sorted(store.iterdir())}


def test_it_is_put_there_once(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(store, "1.0.0")
    assert capsys.readouterr().out == f"{store / 'digits.mar'} is now the one from this release\n"
    inode = (store / "digits.mar").stat().st_ino
    assert put_archives.main() == 0
    assert (store / "digits.mar").stat().st_ino == inode
    assert capsys.readouterr().out == ""


def test_the_same_version_with_another_handler_takes_its_place(store: Path) -> None:
    put(store, "1.0.0")
    put(store, "1.0.0", "import numpy")
    assert versions(store) == {"digits.mar": "1.0.0"}
    with zipfile.ZipFile(store / "digits.mar") as file:
        assert file.read("digit_handler.py") == b"import numpy"


def test_another_version_that_was_there_is_kept(store: Path) -> None:
    put(store, "1.0.0")
    put(store, "2.0.0")
    assert versions(store) == {"digits-1.0.0.mar": "1.0.0", "digits.mar": "2.0.0"}


def test_what_the_loop_has_made_stays_as_it_is(store: Path) -> None:
    put(store, "1.1.0", "of a release")
    made = archive(store / "digits-1.1.0.mar", "1.1.0", "of a run").read_bytes()
    put(store, "2.0.0")
    assert (store / "digits-1.1.0.mar").read_bytes() == made
    assert versions(store) == {"digits-1.1.0.mar": "1.1.0", "digits.mar": "2.0.0"}


def test_a_damaged_archive_there_is_replaced(store: Path) -> None:
    (store / "digits.mar").write_bytes(b"half of an")
    put(store, "1.0.0")
    assert versions(store) == {"digits.mar": "1.0.0"}


def test_a_store_that_cannot_be_written_is_one_line(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(put_archives.BUILT / "digits.mar", "1.0.0")
    (store / "a file").touch()
    monkeypatch.setenv("MODEL_STORE", str(store / "a file"))
    assert put_archives.main() == 1
    assert capsys.readouterr().err.startswith("put_archives: ")
