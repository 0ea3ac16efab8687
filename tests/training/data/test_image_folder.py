"""A folder of images as a data set: what is taken, what is left out, and how it is split."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handler.picture import picture_frame_of
from training.data.sets import load
from training.fitting import train

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
SHAPES: dict[str, Callable[[ImageDraw.ImageDraw, tuple[float, ...]], None]] = {
    "circle": lambda brush, box: brush.ellipse(box, fill="navy"),
    "square": lambda brush, box: brush.rectangle(box, fill="darkred"),
}


def shape_file(label: str, seed: int) -> bytes:
    """Return a filled shape with a spot somewhere on a light sheet, in one of all formats."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (96, 96), (240, 240, 230))
    left, top, size = random.integers(2, 30), random.integers(2, 30), random.integers(30, 60)
    SHAPES[label](ImageDraw.Draw(image), (left, top, left + size, top + size))
    x, y = left + random.integers(12, 22), top + random.integers(12, 22)
    ImageDraw.Draw(image).ellipse((x, y, x + 6, y + 6), fill="white")
    file = io.BytesIO()
    image.save(file, FORMATS[seed % len(FORMATS)])
    return file.getvalue()


def fill(folder: Path, counts: dict[str, int], first: int = 0) -> Path:
    for label, count in counts.items():
        (folder / label).mkdir(parents=True)
        for seed in range(first, first + count):
            (folder / label / f"{seed:03}.image").write_bytes(shape_file(label, seed))
    return folder


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    return fill(tmp_path / "Two shapes", {"square": 20, "circle": 30})


def sizes(folder: Path) -> list[int]:
    """Return how many images are for training, for validation and for the test."""
    data = load("folder", folder, folder, "picture")
    (test,) = data.tests.values()
    return [len(data.train), len(data.validation), len(test)]


def rows(frames: np.ndarray) -> set[bytes]:
    return {frame.tobytes() for frame in frames}


def test_labels_are_the_folders_names_and_each_part_has_its_share(shapes: Path) -> None:
    data = load("folder", shapes, shapes / "unused")
    assert (data.name, data.framing) == ("two-shapes", "picture")
    assert data.label_names == ("circle", "square")
    parts = (data.train, data.validation, data.tests["two-shapes"])
    assert [np.bincount(part.labels).tolist() for part in parts] == [[24, 16], [3, 2], [3, 2]]
    assert not rows(data.train.frames) & rows(data.tests["two-shapes"].frames)
    expected = {picture_frame_of(path.read_bytes()).tobytes() for path in shapes.glob("*/*")}
    assert set.union(*(rows(part.frames) for part in parts)) == expected


def test_the_split_depends_on_the_images_alone(shapes: Path, tmp_path: Path) -> None:
    first = load("folder", shapes, tmp_path)
    renamed = tmp_path / "renamed"
    for label in ("square", "circle"):
        (renamed / label).mkdir(parents=True)
        for path in (shapes / label).iterdir():
            shutil.copy(path, renamed / label / f"{999 - int(path.stem)}.png")
    second = load("folder", renamed, tmp_path)
    assert rows(first.tests["two-shapes"].frames) == rows(second.tests["renamed"].frames)
    assert rows(first.validation.frames) == rows(second.validation.frames)


def test_the_framing_that_was_chosen_is_said(shapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load("folder", shapes, shapes)
    assert (
        "Two shapes: framing picture (0 of 50 images look like photographs; --framing ink or photo chooses "
        "another)\n"
    ) in capsys.readouterr().out


def test_the_framing_can_be_that_of_ink(shapes: Path) -> None:
    assert load("folder", shapes, shapes, "ink").framing == "ink"


def test_a_split_by_hand_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "shapes"
    fill(folder / "train", {"square": 20, "circle": 20})
    fill(folder / "test", {"square": 3, "circle": 3}, first=100)
    data = load("folder", folder, tmp_path)
    assert [len(data.train), len(data.validation), len(data.tests["shapes"])] == [36, 4, 6]
    fill(folder / "validation", {"square": 5, "circle": 5}, first=200)
    data = load("folder", folder, tmp_path)
    assert [len(data.train), len(data.validation), len(data.tests["shapes"])] == [40, 10, 6]


def test_what_cannot_be_read_is_named_and_left_out(shapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shapes / "circle" / "notes.txt").write_text("these are circles")
    (shapes / "circle" / "cut.png").write_bytes(shape_file("circle", 0)[:150])
    Image.new("RGB", (50, 50), "white").save(shapes / "square" / "blank.png")
    (shapes / "square" / ".hidden").write_text("of the file manager")
    (shapes / "deeper" / "below").mkdir(parents=True)
    (shapes / "README").write_text("two shapes")
    data = load("folder", shapes, shapes)
    assert len(data.train) + len(data.validation) + len(data.tests["two-shapes"]) == 50
    said = capsys.readouterr().err
    for name, why in (
        ("circle/notes.txt", "plain text"),
        ("circle/cut.png", "truncated or corrupt"),
        ("square/blank.png", "only one colour"),
    ):
        assert any(name in line and why in line for line in said.splitlines()), said
    assert "README" in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, "at least two folders of images, each named after its label; found none"),
        ({"circle": 20}, "found only 'circle'"),
        (
            {"circle": 20, "square": 9},
            "has 9 readable images of 'square', not counting copies; expected at least 10",
        ),
    ],
)
def test_too_little_is_refused_in_words(tmp_path: Path, counts: dict[str, int], words: str) -> None:
    folder = fill(tmp_path / "few", counts)
    folder.mkdir(exist_ok=True)
    with pytest.raises(ValueError, match=words):
        load("folder", folder, tmp_path)


def test_a_label_of_which_nothing_can_be_read_is_not_left_out(shapes: Path) -> None:
    (shapes / "oval").mkdir()
    (shapes / "oval" / "1.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    with pytest.raises(ValueError, match="has no image of 'oval' that can be read"):
        load("folder", shapes, shapes)


def test_copies_of_an_image_are_named_and_one_is_kept(
    shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shapes / "circle" / "more").mkdir()
    originals = sorted((shapes / "circle").glob("*.image"))
    for path in originals:
        shutil.copy(path, shapes / "circle" / "more" / f"again-{path.name}")
    data = load("folder", shapes, shapes)
    parts = (data.train, data.validation, data.tests["two-shapes"])
    assert [np.bincount(part.labels).tolist() for part in parts] == [[24, 16], [3, 2], [3, 2]]
    said = capsys.readouterr().err.splitlines()
    for path in originals:
        copy = shapes / "circle" / "more" / f"again-{path.name}"
        assert f"left out {copy}, a copy of {path}" in said


def test_what_a_test_folder_holds_is_not_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "shapes"
    fill(folder / "train", {"square": 20, "circle": 20})
    fill(folder / "test", {"square": 3, "circle": 3}, first=100)
    shutil.copy(folder / "test" / "circle" / "101.image", folder / "train" / "circle" / "copied.png")
    data = load("folder", folder, tmp_path)
    assert [len(data.train), len(data.validation), len(data.tests["shapes"])] == [36, 4, 6]
    assert "train/circle/copied.png, a copy of" in capsys.readouterr().err


def test_all_images_with_two_labels_are_listed_at_once(shapes: Path) -> None:
    for seed in (3, 7, 9):
        shutil.copy(shapes / "circle" / f"{seed:03}.image", shapes / "square" / f"round-{seed}.png")
    with pytest.raises(ValueError, match="3 images have two labels; remove one of each pair:") as caught:
        load("folder", shapes, shapes)
    assert str(caught.value).splitlines()[1:] == [
        f"  {shapes}/square/round-{seed}.png and {shapes}/circle/{seed:03}.image" for seed in (3, 7, 9)
    ]


def test_of_very_many_images_with_two_labels_the_first_are_listed(
    shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.data.image_folder.MOST_NAMED", 1)
    for seed in (3, 7, 9):
        shutil.copy(shapes / "circle" / f"{seed:03}.image", shapes / "square" / f"round-{seed}.png")
    with pytest.raises(ValueError, match=r"3 images(.|\n)*round-3.*\n  and 2 more$"):
        load("folder", shapes, shapes)


def test_every_part_of_a_split_by_hand_needs_every_label(tmp_path: Path) -> None:
    folder = tmp_path / "shapes"
    fill(folder / "train", {"square": 20, "circle": 20})
    fill(folder / "test", {"square": 3})
    with pytest.raises(ValueError, match="no image of 'circle' for test"):
        load("folder", folder, tmp_path)


def test_where_nothing_can_be_read_no_size_of_photographs_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "scenes" / "sky").mkdir(parents=True)
    (tmp_path / "scenes" / "sky" / "1.heic").write_text("no picture")
    with pytest.raises(ValueError, match="has no image of 'sky' that can be read"):
        load("folder", tmp_path / "scenes", tmp_path, "photo")


@pytest.mark.parametrize("name", ["nowhere", "digits"])
def test_a_folder_that_cannot_be_used_is_one_line_of_the_command(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--dataset", "folder", "--data", str(tmp_path / name), "--out", str(tmp_path / "run")]
    assert train.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("training: ")
    assert len(error.splitlines()) == 1
