"""The table of all models: what is measured through the server, what is kept, what is left out."""

import json
import platform
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.evaluation.answers import answers
from training import compare
from training.data.strokes import FILE
from training.evaluation import figures
from training.models import weights

# 199 of 200 are right, and so sure that they ought to be 197.
ROW = figures.row([answers([7] * 199 + [1], [7] * 200, 0.985, "mnist", "MNIST test set", "")])
LINE = compare.Line("cnn", "119,866 parameters", 0.74, ROW, ROW, 93.2, 2.41, 3012.0)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test fail where something is measured."""
    monkeypatch.setattr(compare, "measured", lambda *given: pytest.fail("it measured again"))


def run(out: Path, *more: str) -> int:
    return compare.main(["--out", str(out), "--mnist", "200", "--strokes", "20", *more])


def put(monkeypatch: pytest.MonkeyPatch, answer: object) -> list[str]:
    """Put something in the place of serving and measuring; give the names that it is asked for."""
    asked: list[str] = []

    def measured(given: object, model: str, file: Path) -> compare.Line:
        asked.append(model)
        if isinstance(answer, Exception):
            raise answer
        return replace(LINE, model=model)

    monkeypatch.setattr(compare, "measured", measured)
    return asked


def test_the_table_tells_every_figure() -> None:
    head, rule, line, *_ = compare.table([LINE], {}, {}).splitlines()
    assert line == (
        "| cnn | 119,866 parameters | 0.74 | 99.50% | 0.0100 | 99.50% | 0.0100 | 93 | 2.4 | 3,012 |"
    )
    assert {text.count("|") for text in (head, rule, line)} == {11}


def test_a_table_without_strokes_says_so() -> None:
    line = compare.table([replace(LINE, strokes=None)], {}, {}).splitlines()[2]
    assert "| 99.50% | 0.0100 | - | - |" in line


def test_what_is_not_trained_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_server: None
) -> None:
    monkeypatch.setattr(compare, "run_folder", lambda *given: tmp_path / "nowhere")
    assert run(tmp_path, "--models", "vit", "svm") == 0
    printed = capsys.readouterr().out
    assert "Not trained: vit (`make train DATASET=digits MODEL=vit`)." in printed
    assert "Not trained: svm (" in printed
    assert list(json.loads((tmp_path / "compare.json").read_text())["untrained"]) == ["vit", "svm"]


def test_what_is_measured_is_kept_until_the_model_or_the_questions_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"one")
    monkeypatch.setattr(compare, "trained_file", lambda model, data: file)
    asked = put(monkeypatch, None)
    assert run(tmp_path, "--models", "cnn", "vit") == 0
    assert run(tmp_path, "--models", "vit", "cnn") == 0
    assert asked == ["cnn", "vit"]
    lines = json.loads((tmp_path / "compare.json").read_text())["lines"]
    assert [line["model"] for line in lines] == ["vit", "cnn"]
    assert figures.Row(**lines[0]["mnist"]) == ROW
    assert run(tmp_path, "--models", "cnn", "--mnist", "300") == 0
    file.write_bytes(b"another")
    assert run(tmp_path, "--models", "cnn", "--mnist", "300") == 0
    assert run(tmp_path, "--models", "cnn", "--mnist", "300", "--fresh") == 0
    (tmp_path / "cnn.json").write_text('{"of": {')
    assert run(tmp_path, "--models", "cnn", "--mnist", "300") == 0
    assert asked[2:] == ["cnn"] * 4


def test_what_was_measured_is_measured_again_where_the_code_or_the_machine_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, code = tmp_path / "model.safetensors", tmp_path / "digit_handler.py"
    file.write_bytes(b"one")
    code.write_bytes(b"pass")
    monkeypatch.setattr(compare, "trained_file", lambda model, data: file)
    monkeypatch.setattr(compare, "ingredients", lambda weights: [weights, code])
    asked = put(monkeypatch, None)
    for _ in range(2):
        assert run(tmp_path, "--models", "cnn") == 0
    assert len(asked) == 1
    code.write_bytes(b"raise")
    for _ in range(2):
        assert run(tmp_path, "--models", "cnn") == 0
    assert len(asked) == 2
    monkeypatch.setattr(platform, "node", lambda: "another")
    for _ in range(2):
        assert run(tmp_path, "--models", "cnn") == 0
    assert len(asked) == 3


def test_a_model_that_cannot_be_measured_does_not_spoil_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"one")
    monkeypatch.setattr(compare, "trained_file", lambda model, data: file)
    put(monkeypatch, None)
    assert run(tmp_path, "--models", "cnn") == 0
    put(monkeypatch, ValueError("the file\nis broken"))
    assert run(tmp_path, "--models", "cnn", "vit") == 1
    printed = capsys.readouterr()
    assert "Not measured: vit (the file is broken)." in printed.out
    assert "compare: vit: the file is broken" in printed.err
    assert "| cnn | 119,866 parameters |" in printed.out


def test_what_training_left_is_found_whatever_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "run_folder", lambda data_set, data, model: tmp_path / model)
    for model, name in (("vit", "model.safetensors"), ("svm", "model.onnx")):
        (tmp_path / model).mkdir()
        (tmp_path / model / name).touch()
        assert compare.trained_file(model, tmp_path) == tmp_path / model / name
    (tmp_path / "lenet5" / "model.onnx").mkdir(parents=True)
    with pytest.raises(compare.Untrained):
        compare.trained_file("lenet5", tmp_path)


def test_the_committed_weights_stand_for_the_default(tmp_path: Path) -> None:
    assert compare.trained_file("cnn", tmp_path) == weights.DEFAULT_WEIGHTS


@pytest.mark.parametrize("given", [["--models", "none"], ["--mnist", "0"], ["--strokes", "-1"]])
def test_a_wrong_argument_is_refused(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        compare.main(given)


@pytest.mark.integration
@pytest.mark.mnist
def test_the_committed_model_through_the_real_server(
    mnist_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (mnist_dir / FILE).exists():
        pytest.skip(f"needs the pen strokes: put them at {mnist_dir / FILE}")
    monkeypatch.setattr(compare, "WARM_UP_S", 0.5)
    monkeypatch.setattr(compare, "LOAD_S", 1.0)
    given = ["--data", str(mnist_dir), "--out", str(tmp_path), "--mnist", "100", "--strokes", "3"]
    assert compare.main([*given, "--models", "cnn"]) == 0
    (line,) = json.loads((tmp_path / "compare.json").read_text())["lines"]
    assert line["mnist"]["pictures"] == 100
    assert line["mnist"]["accuracy"] > 0.95
    assert line["strokes"]["renderer"] == "both"
    assert line["strokes"]["accuracy"] > 0.9
    assert line["archive_mb"] > 0.3
    assert 10 < line["network_us"] < 5_000
    assert line["network_us"] / 1000 < line["p50_ms"]
    assert line["requests_per_s"] > 20
