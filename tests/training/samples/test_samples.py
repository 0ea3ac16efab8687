"""The page of a data set's samples: what is on it, and that wrong labels come first."""

import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.data.idx import drawn_set, write_set
from tests.training.data.test_image_folder import fill
from tests.training.data.unipen import UNIPEN
from training.data.frames import Frames
from training.data.idx_sets import FASHION_MNIST, MNIST
from training.data.strokes import FILE
from training.models.weights import About
from training.samples import __main__ as command
from training.samples.opinion import Model, opened, opinions, trained_model
from training.samples.sources import samples_of


def by_filling(data: Frames) -> torch.Tensor:
    """Return the logits of a network that knows: the first row of a square is as wide as all of it."""
    rows = [frame[np.flatnonzero(frame.any(axis=1))[0] + 2] > 60 for frame in data.frames]
    widths = [np.flatnonzero((frame > 60).any(axis=0)).size for frame in data.frames]
    shares = torch.tensor([row.sum() / width for row, width in zip(rows, widths, strict=True)]) * 20
    return torch.stack([17 - shares, shares - 17], dim=1)


def knowing() -> Model:
    about = About("cnn", ("circle", "square"), "1.0.0", 1.0, "", "shapes", 0.9, framing="picture")
    return Model(Path("runs/shapes-cnn/model.safetensors"), about, by_filling)


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """A folder of shapes, of which two circles are labelled as squares."""
    folder = fill(tmp_path / "shapes", {"square": 12, "circle": 14})
    for seed in (12, 13):
        shutil.move(folder / "circle" / f"{seed:03}.image", folder / "square" / f"wrong-{seed}.png")
    return folder


def test_those_that_the_model_takes_for_something_else_come_first(
    shapes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "trained_model", lambda *_: Path("a file"))
    monkeypatch.setattr(command, "opened", lambda _: knowing())
    monkeypatch.setenv("VAR_DIR", str(shapes.parent))
    assert command.main(["--dataset", "folder", "--data", str(shapes)]) == 0
    out = shapes.parent / "samples" / "shapes.html"
    html = out.read_text()
    files = re.findall(r'<a href="(file:[^"]+)">', html)
    assert {Path(file).name for file in files[:2]} == {"wrong-12.png", "wrong-13.png"}
    assert all(Path(file.removeprefix("file://")).is_file() for file in files)
    assert html.count('class="answer"') >= 2
    said = capsys.readouterr().out
    assert "2 of 26 samples are read as something other than their label" in said
    assert f"the page: {out}" in said


def test_each_sample_is_shown_as_it_is_as_a_frame_and_augmented(
    shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "trained_model", lambda *_: None)
    monkeypatch.setenv("VAR_DIR", str(shapes.parent))
    assert command.main(["--dataset", "folder", "--data", str(shapes)]) == 0
    out = shapes.parent / "samples" / "shapes.html"
    html = out.read_text()
    shown = html.count('<figure class="sample">')
    assert shown == 16, "eight of each label"
    assert html.count('alt="as it is"') == html.count('alt="as the network sees it"') == shown
    assert html.count('alt="augmented"') == 3 * shown
    assert "No model of this data set has been trained yet" in html
    # Nothing is asked for from elsewhere.
    assert not re.search(r'(src|href)="(?!data:|file:)', html)


def test_a_name_that_is_no_text_and_one_that_is_code_are_shown_as_they_are(
    shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shapes / "circle" / "000.image").rename(shapes / "circle" / "<b>&.png")
    if sys.platform == "linux":  # elsewhere names are text
        (shapes / "circle" / "001.image").rename(shapes / "circle" / os.fsdecode(b"caf\xe9.png"))
    monkeypatch.setenv("VAR_DIR", str(shapes.parent))
    assert command.main(["--dataset", "folder", "--data", str(shapes)]) == 0
    out = shapes.parent / "samples" / "shapes.html"
    assert "<b>&.png" not in out.read_text()


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist", "digits", "optdigits"])
def test_samples_of_every_kind_of_data_set_have_pictures_and_frames(tmp_path: Path, dataset: str) -> None:
    source = FASHION_MNIST if dataset == "fashion_mnist" else MNIST
    write_set(tmp_path, source, drawn_set(source, {"train": 2, "test": 1}))
    (tmp_path / FILE).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / FILE).write_text(UNIPEN)
    samples = samples_of(dataset, tmp_path, "ink")
    for sample in [*samples[:3], *samples[-3:]]:
        assert sample.frame.shape == (28, 28)
        assert sample.frame.dtype == np.uint8
        assert min(sample.picture().size) > 0
    assert {sample.part for sample in samples} <= {"train", "validation", "test"}
    assert len({sample.label for sample in samples}) == 10
    assert any("strokes" in sample.where for sample in samples) == (dataset == "digits")


def test_a_label_that_the_model_does_not_know_is_one_it_disagrees_with(shapes: Path) -> None:
    samples = samples_of("folder", shapes, "picture")
    renamed = [type(one)(**{**vars(one), "label": "ring"}) for one in samples[:2]]
    said = opinions(knowing(), renamed)
    assert [one.own for one in said] == [0.0, 0.0]
    assert all(one.answer in ("circle", "square") for one in said)


def test_of_digits_the_committed_model_is_asked_where_none_was_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("training.samples.opinion.run_folder", lambda *_: tmp_path / "nothing")
    found = trained_model("optdigits", tmp_path, "cnn")
    assert found is None, "whose own model is another"
    found = trained_model("mnist", tmp_path, "cnn")
    assert found is not None
    said = opinions(opened(found), samples_of("optdigits", tmp_path, "ink")[:100])
    assert np.mean([one.own > 0.5 for one in said]) > 0.8


def test_a_folder_without_images_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shapes").mkdir()
    assert command.main(["--dataset", "folder", "--data", str(tmp_path / "shapes")]) == 1
    assert capsys.readouterr().err == f"samples: {tmp_path}/shapes has no images in label folders.\n"
