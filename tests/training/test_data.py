"""Splits, and the strokes' file."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from handler.frame import frame_of
from tests.training.unipen import UNIPEN
from training.data import load, validation_index
from training.paint import KINDS
from training.rendered import REPORT_WRITERS, TRAINING_SHARES, VALIDATION_WRITERS, writers
from training.strokes import FILE, Drawn, rasterise, read_unipen, smooth

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


@pytest.mark.parametrize("kind", KINDS)
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
