"""Splits, MNIST's relatives, and the strokes' file."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from handler.frame import frame_of, frame_of_pixels
from handler.picture import picture_frame_of_pixels
from tests.training.data.idx import drawn_set, write_set
from tests.training.data.unipen import UNIPEN
from training.data.frames import FRAMINGS, as_pixels, validation_index
from training.data.idx_sets import EMNIST_LETTERS, FASHION_MNIST, KMNIST, MNIST, IdxSet
from training.data.paint import KINDS as BLANK
from training.data.rendered import KINDS, REPORT_WRITERS, TRAINING_SHARES, VALIDATION_WRITERS, writers
from training.data.sets import SOURCES, load
from training.data.strokes import FILE, Drawn, rasterise, read_unipen, smooth
from training.names import FOLDER, MODEL_NAMES, model_name, run_folder

SEVEN = Drawn(7, 1, (np.array([[0, 0], [50, 0], [20, 80]], np.float32),))


def test_validation_is_the_same_share_of_every_label_and_always_the_same() -> None:
    labels = np.repeat(np.arange(10), np.arange(120, 240, 12))
    chosen = validation_index(labels)
    assert (chosen == validation_index(labels)).all()
    for label in range(10):
        assert chosen[labels == label].mean() == pytest.approx(1 / 12, abs=0.005)


def test_optdigits_is_split_without_overlap() -> None:
    data = load("optdigits", Path("nowhere"), Path("var/frames"))
    assert (len(data.train) + len(data.validation), len(data.tests["optdigits"])) == (1500, 297)
    assert data.train.frames.dtype == np.uint8
    assert data.train.frames.shape[1:] == (28, 28)


RELATIVES = pytest.mark.parametrize(
    "source", [MNIST, FASHION_MNIST, KMNIST, EMNIST_LETTERS], ids=lambda source: source.name
)
COPIES = {"train": 12, "test": 2}


@RELATIVES
def test_a_relative_of_mnist_is_read_from_torchvisions_files(tmp_path: Path, source: IdxSet) -> None:
    written = drawn_set(source, COPIES)
    write_set(tmp_path, source, written)
    data = load(source.name, tmp_path, tmp_path / "cache")
    classes = len(source.label_names)
    assert (data.name, data.label_names, data.framing) == (source.name, source.label_names, source.framing)
    assert (len(data.train), len(data.validation), len(data.tests[source.name])) == (
        11 * classes,
        classes,
        2 * classes,
    )
    images, labels = written["test"]
    upright = images.transpose(0, 2, 1) if source is EMNIST_LETTERS else images
    test = data.tests[source.name]
    assert test.labels.tolist() == (labels - source.first_label).tolist()
    for frame, image in zip(test.frames, upright, strict=True):
        assert (frame == FRAMINGS[source.framing](as_pixels(image))).all()


def test_clothes_are_pictures_and_characters_are_ink() -> None:
    assert FRAMINGS["ink"] is frame_of_pixels
    assert FRAMINGS["picture"] is picture_frame_of_pixels
    assert FASHION_MNIST.framing == "picture"
    assert {MNIST.framing, KMNIST.framing, EMNIST_LETTERS.framing} == {"ink"}


def test_labels_are_those_of_the_data_sets() -> None:
    from torchvision import datasets

    assert list(FASHION_MNIST.label_names) == datasets.FashionMNIST.classes
    assert list(KMNIST.label_names) == datasets.KMNIST.classes
    assert ["N/A", *EMNIST_LETTERS.label_names] == datasets.EMNIST.classes_split_dict["letters"]


@RELATIVES
def test_what_cannot_be_downloaded_says_where_it_belongs(tmp_path: Path, source: IdxSet) -> None:
    (tmp_path / source.loader).write_text("a file where a folder is needed, so that no download can help")
    with pytest.raises(FileNotFoundError, match=f"{source.title} is not in .*{source.loader}/raw.*--data"):
        load(source.name, tmp_path, tmp_path / "cache")


@RELATIVES
@pytest.mark.parametrize("damage", ["cut off", "no idx file", "other labels", "fewer labels"])
def test_damaged_files_are_told_as_such(tmp_path: Path, source: IdxSet, damage: str) -> None:
    written = drawn_set(source, {"train": 1, "test": 1})
    images, labels = written["train"]
    if damage == "other labels":
        written["train"] = (images, np.full_like(labels, 200))
    if damage == "fewer labels":
        written["train"] = (images, labels[:-1])
    write_set(tmp_path, source, written)
    (path,) = (tmp_path / source.loader / "raw").glob("*train*-images-*")
    if damage == "cut off":
        path.write_bytes(path.read_bytes()[:-100])
    if damage == "no idx file":
        path.write_bytes(b"<html>")
    with pytest.raises(ValueError, match=f"files of {source.title} in .* are damaged; remove it"):
        load(source.name, tmp_path, tmp_path / "cache")


def test_another_framing_than_the_data_sets_own_is_refused(tmp_path: Path) -> None:
    assert load("optdigits", tmp_path, Path("var/frames"), "ink").framing == "ink"
    with pytest.raises(ValueError, match="--framing picture does not go with --dataset optdigits"):
        load("optdigits", tmp_path, Path("var/frames"), "picture")


def test_every_data_set_names_its_model() -> None:
    assert set(SOURCES) == {*MODEL_NAMES, FOLDER}
    assert model_name("fashion_mnist", Path("data")) == "fashion"
    assert model_name("digits", Path("data"), "lenet5") == "digits-lenet5"
    assert model_name(FOLDER, Path("some/My Shapes!")) == "my-shapes"
    assert run_folder(FOLDER, Path("some/My Shapes!"), "vit") == Path("runs/my-shapes-vit")
    assert run_folder("mnist", Path("data")) == Path("runs/mnist-cnn")


@pytest.mark.parametrize("name", ["digits", "Fashion", "digits-vit", "...", "猫"])
def test_a_folder_whose_name_cannot_be_its_models_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="Rename the folder"):
        model_name(FOLDER, tmp_path / name)


def test_unipen_strokes_are_read_with_label_and_writer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(UNIPEN)
    seven, one = read_unipen(tmp_path / "file")
    assert (seven.label, seven.writer, len(seven.strokes)) == (7, 12, 1)
    assert (one.label, one.writer, len(one.strokes)) == (1, 3, 2)
    assert seven.strokes[0].tolist() == [[10, -90], [90, -90], [30, -10]]


def test_a_broken_unipen_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(UNIPEN.replace(" 90 90", " 90 x"))
    with pytest.raises(ValueError, match="line 6"):
        read_unipen(tmp_path / "file")


def test_writers_are_on_one_side_only(tmp_path: Path) -> None:
    assert len(VALIDATION_WRITERS) >= 5
    assert len(REPORT_WRITERS) >= 5
    assert not VALIDATION_WRITERS & REPORT_WRITERS
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_text(UNIPEN.replace("1 3 5", f"1 {min(REPORT_WRITERS)} 5"))
    parts = writers(tmp_path)
    assert [len(parts[part]) for part in ("train", "validation", "report")] == [1, 0, 1]


def test_a_pen_covers_what_it_should() -> None:
    cover = rasterise([np.array([[10, 20], [30, 20]], np.float32)], (40, 40), pen_px=6)
    assert cover[20, 20] == 1
    assert cover[5, 20] == 0
    assert (cover[:, 20] > 0.5).sum() == pytest.approx(6, abs=1)


def test_smoothing_keeps_the_ends() -> None:
    stroke = SEVEN.strokes[0]
    smoothed = smooth(stroke, 2)
    assert len(smoothed) > len(stroke)
    assert (smoothed[0] == stroke[0]).all()
    assert (smoothed[-1] == stroke[-1]).all()


def test_training_draws_every_kind_of_picture() -> None:
    assert set(TRAINING_SHARES) == set(KINDS)
    assert sum(TRAINING_SHARES.values()) == pytest.approx(1)


@pytest.mark.parametrize("kind", BLANK)
def test_every_kind_of_picture_can_be_read(kind: str) -> None:
    plain, *drawn = (
        cv2.GaussianBlur(frame_of(picture.encoded()).astype(float), (0, 0), 1.5).ravel()
        for picture in (
            KINDS["plain"](SEVEN, np.random.default_rng(0)),
            *(KINDS[kind](SEVEN, np.random.default_rng(seed)) for seed in range(8)),
        )
    )
    # A 1 in place of the 7 reaches 0.58.
    assert min(np.corrcoef(plain, frame)[0, 1] for frame in drawn) > 0.75


@pytest.mark.parametrize("kind", ["plain", "transparent", "strong_jpeg"])
def test_pictures_in_memory_are_those_that_a_file_gives(kind: str) -> None:
    from handler.decode import decode

    picture = KINDS[kind](SEVEN, np.random.default_rng(1))
    difference = picture.decoded().astype(int) - decode(picture.encoded())
    assert np.abs(difference).max() <= 2
