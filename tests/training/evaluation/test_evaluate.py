"""`make evaluate`: which model answers, what it may be asked, and a small run through the real server."""

import json
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from launch.temporary import TorchServe
from tests.training.evaluation.answers import answers
from training.archive.contents import MANIFEST, SERVING, Archive
from training.data.rendered import KINDS
from training.data.strokes import FILE
from training.evaluation import __main__ as command
from training.evaluation import ask, evaluate, figures
from training.evaluation.__main__ import main
from training.evaluation.ask import Server
from training.evaluation.questions import MNIST
from training.outliers.kinds import HELD_OUT


def test_what_was_trained_on_is_read_from_the_archive_that_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "digits.mar"
    with zipfile.ZipFile(path, "w") as mar:
        mar.writestr(MANIFEST, json.dumps({"model": {"modelName": "digits", "modelVersion": "1.1.0"}}))
        mar.writestr(SERVING, json.dumps({"data_set": "mnist", "coverage": 0.95}))
    assert evaluate.archive_of({"model": "digits", "version": "1.1.0"}, path).data_set == "mnist"
    assert capsys.readouterr().err == ""
    for model, file in (("1.0.0", path), ("1.1.0", tmp_path / "nowhere.mar")):
        known = Archive("digits", model)
        assert evaluate.archive_of({"model": "digits", "version": model}, file) == known
        assert "MODEL_STORE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (["circle", "square", "star"], "tells circle, square, star apart"),
        (list("abcdefghijklmnopqrstuvwxyz"), "tells a, b, c, d, e, f, g, h, i, j and 16 more apart"),
        ([], "did not read a drawn 7"),
    ],
)
def test_a_model_of_something_else_is_refused_after_one_picture(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    labels: list[str],
    named: str,
) -> None:
    asked = []

    def answer(self: Server, picture: bytes, headers: object = None) -> dict[str, object]:
        asked.append(picture)
        return {"label": labels[0], "probabilities": dict.fromkeys(labels, 0.1)} if labels else {"code": 400}

    monkeypatch.setattr(Server, "answer", answer)
    # There is no data: whether the model fits is found out before that.
    assert main(["--data", str(tmp_path / "nowhere"), "--url", "http://server/shapes"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"evaluate: http://server/shapes {named}")
    assert len(asked) == 1
    assert not labels or ("the digits 0 to 9" in line and "MODEL=digits" in line)


def test_digits_are_told_by_their_names_whatever_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    model = {"model": "digits", "version": "1", "preprocessing": "a"}
    given = {**model, "label": "7", "set": ["7", "1"]}
    order = "1234567890"
    given["probabilities"] = {digit: 0.91 if digit == "7" else 0.01 for digit in order}
    monkeypatch.setattr(Server, "answer", lambda self, picture, headers=None: given)
    server = Server("http://server/digits")
    server.require_digits()
    asked = answers([7], [7], part="mnist").question
    found = server.ask(asked)
    assert found.predicted.tolist() == [7]
    assert found.probabilities[0].argmax() == 7
    assert found.members[0].nonzero()[0].tolist() == [1, 7]


def test_a_server_that_is_not_there_is_one_line(mnist_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--data", str(mnist_dir), "--url", "http://127.0.0.1:9/predictions/digits"]
    assert main(given) == 1
    assert capsys.readouterr().err.startswith("evaluate: ")


@pytest.mark.parametrize("busy", [2, 100])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(
    busy: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "BUSY", ask.BUSY.new(backoff_factor=0))
    asked = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(503 if len(asked) <= busy else 200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Busy) as http:
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        server = Server(f"http://127.0.0.1:{http.server_port}/")
        if busy < 100:
            assert server.answer(b"picture") == {}
        else:
            with pytest.raises(requests.HTTPError, match="503"):
                server.answer(b"picture")
        server.session.close()
        http.shutdown()
    assert asked == [b"picture"] * (3 if busy < 100 else 6)


@pytest.mark.integration
@pytest.mark.mnist
def test_a_small_evaluation_through_the_real_server(
    torchserve: TorchServe,
    model_store: Path,
    mnist_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not (mnist_dir / FILE).exists():
        pytest.skip(f"needs the pen strokes: put them at {mnist_dir / FILE}")
    url = f"{torchserve.inference_url}/predictions/digits"
    monkeypatch.setenv("MODEL_STORE", str(model_store))
    monkeypatch.setattr(command, "measure", partial(evaluate.measure, mnist_count=300))
    given = ["--data", str(mnist_dir), "--url", url, "--strokes", "5", "--out", str(tmp_path)]
    assert main(given) == 0
    report = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert report["model"]["model"] == "digits"
    assert report["data_set"] == "digits"
    assert report["rows"][0]["pictures"] == 300
    assert report["rows"][0]["accuracy"] > 0.95
    strokes = report["rows"][1:]
    assert len(strokes) == 2 * len(KINDS)
    assert all(row["pictures"] == 5 and row["refused"] == 0 for row in strokes)
    assert sum(row["correct"] for row in strokes) > 0.8 * 5 * len(strokes)
    assert sum(map(sum, report["confusions"]["mnist"])) == 300
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert f"{100 * report['rows'][0]['accuracy']:.2f}" in text
    assert 0.95 < report["rows"][0]["covered"] <= 1 <= report["rows"][0]["set_size"] < 1.3
    assert {row["kind"] for row in report["rejections"]} > set(HELD_OUT)
    mistakes = sum(len(worst) for worst in report["worst"].values())
    assert text.count('class="frame"') == mistakes, "each mistake has the frame that the network saw"
    assert figures.Row(**report["rows"][0]).kind == MNIST
    printed = capsys.readouterr().out
    assert printed.splitlines()[2].startswith(f"| {MNIST} | - | 300 |")
    assert printed.splitlines()[2] in (tmp_path / "model_card.md").read_text(encoding="utf-8")
