"""Folders of images as people really have them: split by hand, unpacked, copied from macOS and from a NAS."""

import os
import re
import unicodedata
from pathlib import Path

import pytest

from tests.training.data.test_image_folder import fill, sizes
from training.data.folder_layout import labelled_files, say_alike
from training.data.sets import load
from training.fitting import train


def put(folder: Path, *paths: str) -> Path:
    """Make files, whose content does not matter."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    return folder


def found(folder: Path) -> dict[str, set[str]]:
    """Return the labels of each part."""
    return {part: {label for label, _ in files} for part, files in labelled_files(folder).items()}


@pytest.mark.parametrize(
    ("train_name", "validation_name", "test_name"),
    [("train", "val", "test"), ("Training", "Valid", "Testing"), ("TRAIN", "DEV", "TEST"),
     ("train", "validation", "test")],
)  # fmt: skip
def test_a_split_is_known_by_its_names_in_any_case(
    tmp_path: Path, train_name: str, validation_name: str, test_name: str
) -> None:
    put(
        tmp_path,
        *(f"{name}/{label}/1" for name in (train_name, validation_name, test_name) for label in "ab"),
    )
    assert found(tmp_path) == {part: {"a", "b"} for part in ("train", "validation", "test")}


@pytest.mark.parametrize(
    "name",
    ["__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found",
     ".thumbnails", ".picasaoriginals", ".ipynb_checkpoints", ".@__thumb", "@Recycle", "FOUND.000"],
)  # fmt: skip
@pytest.mark.parametrize("place", ["", "train", "train/a"])
def test_what_systems_and_programs_leave_is_ignored_at_any_depth(
    tmp_path: Path, name: str, place: str
) -> None:
    put(tmp_path, *(f"{part}/{label}/1" for part in ("train", "test") for label in "ab"))
    before = labelled_files(tmp_path)
    put(tmp_path, f"{place}/{name}/c/._1.png", f"{place}/{name}/2.png")
    for file in (".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r"):
        put(tmp_path, f"{place}/{file}")
    assert labelled_files(tmp_path) == before


def test_what_was_held_out_by_hand_is_what_is_held_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "shapes"
    fill(folder / "train", {"square": 20, "circle": 20})
    assert sizes(folder) == [32, 4, 4]
    fill(folder / "Valid", {"square": 5, "circle": 5}, first=200)
    assert sizes(folder) == [36, 10, 4]
    fill(folder / "TEST", {"square": 3, "circle": 3}, first=100)
    assert sizes(folder) == [40, 10, 6]
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "shapes: 32 for train, 4 for validation (of train), 4 for test (of train)",
        "shapes: 36 for train, 10 for validation, 4 for test (of train)",
        "shapes: 40 for train, 10 for validation, 6 for test",
    ]


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (["train/1", "test/1"], "the images of test, train are not in label folders"),
        (["train/a/1", "train/b/1", "test/1"], "the images of test are not in label folders"),
        (["train/1", "test/a/1", "test/b/1"], "the images of train are not in label folders"),
        (["train/a/1", "circle/1", "square/1"], "besides train, it has circle, square"),
        (["cat/1", "dog/1", "test/1"], "besides test, it has cat, dog"),
        (["train/a/1", "test/a/1", "unlabelled/1"], "besides test, train, it has unlabelled"),
        (["val/a/1", "test/a/1"], "it has test, val, but no train"),
        (["train/a/1", "val/a/1", "dev/a/1"], "dev and val are the same part"),
        (["training_set/a/1", "test_set/a/1"], "it has training_set and test_set"),
        (["seg_train/a/1", "seg_test/a/1", "seg_pred/1"], "it has seg_train and seg_test"),
        (["a/train/1", "a/test/1", "b/train/1", "b/test/1"], "a is split itself, into test, train"),
    ],
)  # fmt: skip
def test_what_looks_like_a_split_and_is_none_is_refused(tmp_path: Path, paths: list[str], why: str) -> None:
    with pytest.raises(ValueError, match="looks like a split, but is not one: ") as caught:
        labelled_files(put(tmp_path, *paths))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "paths",
    [
        ["test tubes/1", "flasks/1"],
        ["trains/1", "cars/1"],
        ["training shoes/1", "sandals/1"],
        ["circle/dev/1", "circle/2", "square/1"],
        ["valid/1", "invalid/1"],
        ["dev/1", "prod/1"],
        ["recycled/1", "virgin/1"],
        ["thumbs/1", "palms/1"],
    ],
)
def test_labels_that_remind_of_parts_stay_labels(tmp_path: Path, paths: list[str]) -> None:
    labels = {path.partition("/")[0] for path in paths}
    assert found(put(tmp_path, *paths)) == {"train": labels}


def test_labels_may_be_called_as_parts_below_train(tmp_path: Path) -> None:
    assert found(put(tmp_path, "train/train/1", "train/test/1")) == {"train": {"train", "test"}}


def test_an_unpacked_folder_in_a_folder_is_named(tmp_path: Path) -> None:
    put(tmp_path, "shapes/circle/1", "shapes/square/1", "__MACOSX/shapes/circle/._1")
    with pytest.raises(ValueError, match=f"pass {tmp_path}/shapes as --data"):
        labelled_files(tmp_path)


def test_an_unpacked_folder_is_named_however_deep_it_lies(tmp_path: Path) -> None:
    inner = tmp_path / "archive" / "PetImages"
    put(inner, "cat/1.png", "dog/1.png")
    put(tmp_path, "archive/readme.txt", "readme.txt")
    with pytest.raises(ValueError, match=f"pass {re.escape(str(inner))} as --data"):
        labelled_files(tmp_path)


def test_a_name_in_both_forms_of_unicode_is_one_label(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    put(tmp_path, f"train/{composed}/1", "train/tea/1", f"test/{apart}/1", "test/tea/1")
    if len(list((tmp_path / "train").iterdir())) == 2:
        put(tmp_path, f"train/{apart}/2")
    assert found(tmp_path) == {part: {composed, "tea"} for part in ("train", "test")}


def test_a_label_that_is_no_text_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fill(tmp_path / "shapes", {"square": 10, "circle": 10})
    try:
        (folder / "circle").rename(folder / os.fsdecode(b"caf\xe9"))
    except OSError:
        pytest.skip("this file system has no such names")
    arguments = ["--dataset", "folder", "--data", str(folder), "--out", str(tmp_path / "run")]
    assert train.main(arguments) == 1
    said = capsys.readouterr().err
    assert said == (
        f"training: The name of the label's folder {b'caf%c' % 0xE9!r} in {folder} is not UTF-8: rename it.\n"
    )


def test_a_label_that_no_record_could_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 201 characters, expected at most 200"):
        labelled_files(put(tmp_path, f"{'a' * 201}/1", "b/1"))


def test_a_label_s_folder_may_be_a_link_and_a_link_to_a_folder_above_has_an_end(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "1")
    shapes = put(tmp_path / "shapes", "square/1")
    (shapes / "circle").symlink_to(tmp_path / "elsewhere")
    (shapes / "square" / "again").symlink_to(shapes)
    assert labelled_files(shapes) == {
        "train": [("circle", shapes / "circle" / "1"), ("square", shapes / "square" / "1")]
    }


def test_a_home_folder_is_found_where_the_shell_left_the_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    arguments = ["--dataset", "folder", "--out", str(tmp_path / "run"), "--data"]
    assert train.main([*arguments, "~/nowhere"]) == 1
    assert f"There is no folder {tmp_path}/nowhere" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main([*arguments, "~nobody-of-that-name/shapes"])
    assert "name the folder without ~" in capsys.readouterr().err


def test_an_archive_in_place_of_a_folder_is_to_be_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "shapes.zip"
    archive.write_bytes(b"PK\3\4")
    with pytest.raises(FileNotFoundError, match="is a file and no folder: if it is an archive, unpack it"):
        load("folder", archive, archive, "picture")


def test_labels_that_may_be_one_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path, {"circle": 12, "square": 12})
    (tmp_path / "circle").rename(tmp_path / "01")
    (tmp_path / "square").rename(tmp_path / "1")
    assert load("folder", tmp_path, tmp_path, "picture").label_names == ("01", "1")
    assert "'01' and '1' are taken for different labels" in capsys.readouterr().err
    say_alike(["Cat", "cat", "cat ", "dog", "0", "00", "1", "10", "100", "01A", "1A"])
    said = [line.partition(" are")[0] for line in capsys.readouterr().err.splitlines()]
    assert said == ["'0' and '00'", "'Cat' and 'cat' and 'cat '"]


def test_the_order_of_the_frames_is_that_of_the_content(tmp_path: Path) -> None:
    first = load("folder", fill(tmp_path / "shapes", {"square": 10, "circle": 10}), tmp_path)
    for path in (tmp_path / "shapes").glob("*/*"):
        path.rename(path.with_name(f"{999 - int(path.stem)}.png"))
    assert load("folder", tmp_path / "shapes", tmp_path).content() == first.content()


def test_links_that_lead_round_have_an_end(tmp_path: Path) -> None:
    put(tmp_path, "a/1", "b/1")
    for name in ("x", "y", "z"):
        put(tmp_path, f"a/{name}/1")
    for name in ("x", "y", "z"):
        for other in {"x", "y", "z"} - {name}:
            (tmp_path / "a" / name / other).symlink_to(tmp_path / "a" / other)
    files = labelled_files(tmp_path)["train"]
    assert {label for label, _ in files} == {"a", "b"}
    assert len(files) < 30
