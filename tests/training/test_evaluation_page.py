"""The page: its numbers are those of the rows, it asks nothing of the network, a real run makes it."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from launch.temporary import TorchServe
from tests.training.answers import answers
from training import evaluate, paint
from training.drawing import png
from training.evaluation import figures, outliers
from training.evaluation.findings import Findings, find
from training.evaluation.markdown import model_card, table
from training.evaluation.page import page
from training.evaluation.questions import MNIST, UNCHANGED
from training.outliers.kinds import HELD_OUT, NO_DIGIT
from training.strokes import FILE

COMMAND = "make evaluate DATA=<folder & more>"


@pytest.fixture(scope="module")
def found() -> Findings:
    """Findings of a few answers, every share a different one, with a real picture behind each mistake."""
    truth = list(range(10)) * 4
    parts = [answers([*truth[:-1], 3], truth, 0.97, "mnist", MNIST, "")]
    for number, kind in enumerate(("plain", "photo")):
        for more, renderer in enumerate(("training's", "independent")):
            wrong = 2 + 2 * number + more
            parts.append(answers([*truth[:-wrong], *[0] * wrong], truth, 0.9, "kind", kind, renderer))
            parts.append(answers([*truth[:-1], -1], truth, 0.8, "resolution", str(12 + 4 * number), renderer))
            parts.append(answers(truth, truth, 0.9, "change", UNCHANGED if not number else "shift", renderer))
    for kind in ("fish", "scribble"):
        parts.append(answers([1] * 7, [NO_DIGIT] * 7, 0.9, outliers.PART, kind))
    for part in parts:
        object.__setattr__(part.question, "picture", lambda index: png("7"))
    return find(parts)


@pytest.fixture(scope="module")
def text(found: Findings) -> str:
    """The page of these findings."""
    return page(found, COMMAND, lambda picture: None)


def cells(text: str) -> list[list[str]]:
    """Give the words of every row of the page's tables of figures."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text, flags=re.DOTALL)
    words = [[re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.DOTALL)]
             for row in rows]  # fmt: skip
    return [[" ".join(html.unescape(cell).split()) for cell in row] for row in words]


def test_every_row_is_on_the_page_with_its_numbers(found: Findings, text: str) -> None:
    shown = cells(text)
    for row in found.rows + found.together:
        numbers = [
            row.renderer or "–",
            str(row.pictures),
            f"{100 * row.accuracy:.2f} %",
            f"{100 * row.low:.2f} to {100 * row.high:.2f}",
            f"{row.ece:.4f}",
            str(row.refused),
            f"{100 * row.covered:.2f} %",
            f"{row.set_size:.3f}",
            f"{100 * row.no_digit / row.pictures:.2f} %",
        ]
        assert any(line[1:] == numbers for line in shown), numbers
    for change in found.changes:
        assert any(line[0] == change.name and f"{change.confidence_change:.4f}" == line[-1] for line in shown)


def test_the_tiles_name_the_worst_kind(found: Findings, text: str) -> None:
    worst = min((row for row in found.rows if row.renderer), key=lambda row: row.accuracy)
    assert (worst.kind, worst.renderer) == ("photo", "independent")
    assert f"{100 * worst.accuracy:.2f} %" in text
    assert "photo, independent renderer" in text


def test_the_page_asks_for_nothing_and_escapes_what_it_is_given(text: str) -> None:
    assert "<script" not in text
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert html.escape(COMMAND) in text


def test_plots_follow_the_page_into_the_dark(text: str) -> None:
    assert text.count("<svg") == 4
    assert "currentColor" in text
    assert "#010203" not in text
    assert "prefers-color-scheme: dark" in text
    ids = re.findall(r' id="([^"]*)"', text)
    used = [identity for identity in ids if f"#{identity}" in text]
    assert sorted(set(used)) == sorted(set(ids)), "an id that nothing refers to"


def test_a_page_without_strokes_says_so(text: str) -> None:
    alone = find([answers([1, 2], [1, 2], part="mnist", name=MNIST, renderer="")])
    without = page(alone, COMMAND, lambda picture: None)
    assert "Strokes were not measured" in without
    assert "None: every picture that was not refused was read correctly." in without
    assert "Strokes were not measured" not in text


def test_every_kind_of_outlier_is_on_the_page_and_in_the_card(found: Findings, text: str) -> None:
    assert [row.seen for row in found.rejections] == [False, True, True, False]
    assert "fish" in HELD_OUT
    shown, card = cells(text), model_card(found, COMMAND)
    for row in found.rejections:
        name = row.kind or "mean of these kinds"
        assert any(line[0] == name and f"{row.auroc:.4f}" in line for line in shown), name
        assert f"| {name} |" in card


def test_a_model_without_a_gate_has_no_table_of_outliers(found: Findings) -> None:
    without = replace(found, rejections=[])
    assert "what is no digit" not in page(without, COMMAND, lambda picture: None)
    assert "| outliers |" not in model_card(without, COMMAND)


def test_the_card_and_the_table_tell_the_same_figures(found: Findings) -> None:
    card = model_card(found, COMMAND)
    assert table(found.rows + found.together) in card
    assert COMMAND in card
    assert f"{found.rows[0].accuracy:.2%}" in card


def test_a_server_that_is_not_there_is_one_line(mnist_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--data", str(mnist_dir), "--url", "http://127.0.0.1:9/predictions/digits", "--mnist", "3"]
    assert evaluate.main(given) == 1
    assert capsys.readouterr().err.startswith("evaluate: ")


@pytest.mark.integration
@pytest.mark.mnist
def test_a_small_evaluation_through_the_real_server(
    torchserve: TorchServe, mnist_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (mnist_dir / FILE).exists():
        pytest.skip(f"needs the pen strokes: put them at {mnist_dir / FILE}")
    url = f"{torchserve.inference_url}/predictions/digits"
    given = [
        "--data",
        str(mnist_dir),
        "--url",
        url,
        "--mnist",
        "300",
        "--strokes",
        "5",
        "--out",
        str(tmp_path),
    ]
    assert evaluate.main(given) == 0
    report = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert report["model"]["model"] == "digits"
    assert report["rows"][0]["pictures"] == 300
    assert report["rows"][0]["accuracy"] > 0.95
    strokes = report["rows"][1:]
    assert len(strokes) == 2 * len(paint.KINDS)
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
