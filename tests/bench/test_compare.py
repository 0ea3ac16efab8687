"""The table of all models: what is measured through the server, and what is left out."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench import compare
from tests.bench.tiny_server import needs_wrk
from tests.training.evaluation.answers import answers
from training import names
from training.data.strokes import FILE
from training.evaluation import figures
from training.models import weights

# 199 of 200 are right, and so sure that they ought to be 197.
ROW = figures.row([answers([7] * 199 + [1], [7] * 200, 0.985, "mnist", "MNIST test set", "")])
LINE = compare.Line("cnn", "119,866 parameters", 0.74, ROW, ROW, 93.2, 2.41, 3012.0)


def test_the_table_tells_every_figure() -> None:
    head, rule, line, *_ = compare.table([LINE], []).splitlines()
    assert line == (
        "| cnn | 119,866 parameters | 0.74 | 99.50% | 0.0100 | 99.50% | 0.0100 | 93 | 2.4 | 3,012 |"
    )
    assert {text.count("|") for text in (head, rule, line)} == {11}


def test_a_table_without_strokes_says_so() -> None:
    line = compare.table([replace(LINE, strokes=None)], []).splitlines()[2]
    assert "| 99.50% | 0.0100 | - | - |" in line


def test_what_is_not_trained_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(names, "RUNS", tmp_path)
    monkeypatch.setattr(compare, "measured", lambda *given: pytest.fail("it measured something"))
    assert compare.main(["--models", "vit", "svm"]) == 0
    printed = capsys.readouterr().out
    assert "Not trained: vit (`make train DATASET=digits MODEL=vit`)." in printed
    assert "Not trained: svm (" in printed


def test_a_model_that_cannot_be_measured_does_not_spoil_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model.safetensors"
    file.touch()

    def measured(model: str, *given: object) -> compare.Line:
        if model == "vit":
            raise ValueError("the file\nis broken")
        return replace(LINE, model=model)

    monkeypatch.setattr(compare, "trained_file", lambda model, data: file)
    monkeypatch.setattr(compare, "measured", measured)
    assert compare.main(["--models", "vit", "cnn"]) == 1
    printed = capsys.readouterr().out
    assert "Not measured: vit (the file is broken)." in printed
    assert "| cnn | 119,866 parameters |" in printed


def test_what_training_left_is_found_whatever_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "RUNS", tmp_path)
    for model, name in (("vit", "model.safetensors"), ("svm", "model.onnx")):
        folder = tmp_path / f"digits-{model}"
        folder.mkdir()
        (folder / name).touch()
        assert compare.trained_file(model, tmp_path) == folder / name


def test_the_committed_weights_stand_for_the_default(tmp_path: Path) -> None:
    assert compare.trained_file("cnn", tmp_path) == weights.DEFAULT_WEIGHTS


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(SystemExit):
        compare.main(["--models", "none"])


@needs_wrk
@pytest.mark.alone
@pytest.mark.integration
@pytest.mark.mnist
def test_the_committed_model_through_the_real_server(
    mnist_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (mnist_dir / FILE).exists():
        pytest.skip(f"needs the pen strokes: put them at {mnist_dir / FILE}")
    monkeypatch.setattr(compare, "WARM_UP_S", 0.5)
    monkeypatch.setattr(compare, "LOAD_S", 1.0)
    line = compare.measured("cnn", weights.DEFAULT_WEIGHTS, mnist_dir, 3, mnist_count=100)
    assert line.mnist.pictures == 100
    assert line.mnist.accuracy > 0.95
    assert line.strokes is not None
    assert line.strokes.renderer == "both"
    assert line.strokes.accuracy > 0.9
    assert line.archive_mb > 0.3
    assert 10 < line.network_us < 5_000
    assert line.network_us / 1000 < line.p50_ms
    assert line.requests_per_s > 20
