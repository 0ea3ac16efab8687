"""Pictures of other sets, as a model's own framing frames them."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from training.data import omniglot
from training.data.drawing import drawing, encoded
from training.outliers import others


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "OF_EACH", 10)


def test_other_sets_are_drawn_once_for_each_framing(tmp_path: Path) -> None:
    drawn = others.frames("photo-32", tmp_path / "cache", tmp_path)
    assert list(drawn) == ["drawn digits", "drawn letters", "drawn pictures", "scribbles", "textures"]
    for frames in drawn.values():
        assert frames.shape == (10, 32, 32, 3)
        assert len(np.unique(frames.reshape(10, -1), axis=0)) == 10
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    again = others.frames("photo-32", tmp_path / "cache", tmp_path)
    assert all((again[name] == drawn[name]).all() for name in drawn)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()} == kept


def test_characters_are_among_them_where_their_file_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / omniglot.FILE, "w") as archive:
        for number in range(1, 4):
            picture = encoded(drawing(str(number), side_px=105, pen_px=4).convert("L"))
            archive.writestr(f"images/Greek/character{number:02}/0001_{number:02}.png", picture)
    found = others.frames("picture", tmp_path / "cache", tmp_path)
    assert found["Omniglot's characters"].shape == (3, 28, 28)
