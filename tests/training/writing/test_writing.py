"""Examples of writing with other things beside it, and a network that learns from them what writing is."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from handler.writing import SIDE_PX, STEP_PX
from tests.training.outliers.outlier_material import material
from training.writing import fit, network
from training.writing.pictures import KINDS, Example, examples


@pytest.fixture(scope="module")
def drawn() -> list[Example]:
    return examples(material().digits, 120, 1)


def test_examples_are_of_every_kind_and_as_the_network_reads_them(drawn: list[Example]) -> None:
    assert {one.kind for one in drawn} == {kind.__name__ for kind in KINDS}
    for one in drawn:
        rows, columns = one.cover.shape
        assert one.picture.shape == (rows, columns, 3)
        assert columns == SIDE_PX
        assert rows <= columns
        assert rows % STEP_PX == 0
    assert sum(not one.cover.any() for one in drawn) <= 12, "some have nothing on them, and few"


def test_the_same_seed_gives_the_same_examples(drawn: list[Example]) -> None:
    for one, other in zip(drawn[:8], examples(material().digits, 8, 1), strict=False):
        assert (one.picture == other.picture).all()
        assert (one.cover == other.cover).all()


def test_a_cover_is_where_the_pen_was(drawn: list[Example]) -> None:
    """What the pen covers looks unlike what is beside it, on sheets with nothing else."""
    alone = [one for one in drawn if one.kind == "alone" and one.cover.any()]
    assert len(alone) >= 5
    for one in alone:
        pen = one.picture[one.cover > 200].astype(float)
        paper = one.picture[one.cover < 20].astype(float)
        if len(pen) and len(paper):
            assert np.abs(pen.mean(axis=0) - paper.mean(axis=0)).max() > 10


def test_a_network_learns_from_them_what_the_pen_drew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    parts = {"train": material().digits, "validation": material().digits}
    monkeypatch.setattr(fit, "writers", lambda _: parts)
    trained = fit.train(tmp_path, fit.Recipe(pictures=96, validation=12, epochs=3))
    losses = [float(line.split("loss ")[1].split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert losses[2] < 0.8 * losses[0]
    network.export(trained, tmp_path / "writing.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "writing.onnx", providers=["CPUExecutionProvider"])
    for shape in ((96, SIDE_PX), (SIDE_PX, 48)):
        pictures = np.random.default_rng(0).integers(0, 255, (1, *shape, 3), np.uint8)
        with torch.no_grad():
            expected = trained(torch.from_numpy(pictures)).numpy()
        (cover,) = session.run(["cover"], {"pictures": pictures})
        assert cover.shape == (1, *shape)
        np.testing.assert_allclose(cover, expected, atol=1e-4)


def test_shadows_darken_some_pictures_and_leave_most_of_each_as_it_is() -> None:
    torch.manual_seed(0)
    dark = fit._shadows(2000, 48, 64)
    assert dark.shape == (2000, 48, 64)
    assert dark.min() == 0
    assert dark.max() <= fit.DARKEST
    shaded = (dark > 0.01).flatten(1)
    assert float(shaded.any(1).float().mean()) == pytest.approx(fit.SHADOW_SHARE, abs=0.05)
    assert 0.2 < float(shaded[shaded.any(1)].float().mean()) < 0.6
