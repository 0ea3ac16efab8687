"""The page: its numbers are those of the rows, and it asks nothing of the network."""

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.evaluation.answers import answers
from training.archive.contents import Archive
from training.data.drawing import png
from training.evaluation import outliers
from training.evaluation.__main__ import main
from training.evaluation.ask import Server
from training.evaluation.findings import Findings, find
from training.evaluation.markdown import model_card, table
from training.evaluation.page import page
from training.evaluation.questions import MNIST, UNCHANGED
from training.models.reference import Reference
from training.outliers.kinds import HELD_OUT, NO_DIGIT

COMMAND = "make evaluate DATA=<folder & more>"
ARCHIVE = Archive("digits", "1.0.0", "digits", 0.99)


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
    """Return the words of every row of the page's tables of figures."""
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
            f"{100 * row.trusted / row.pictures:.2f} %",
            f"{100 * row.misled / row.pictures:.2f} %",
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
    shown, card = cells(text), model_card(found, COMMAND, ARCHIVE)
    for row in found.rejections:
        name = row.kind or "mean of these kinds"
        assert any(line[0] == name and f"{row.auroc:.4f}" in line for line in shown), name
        assert f"| {name} |" in card


def test_a_model_without_a_gate_has_no_table_of_outliers(found: Findings) -> None:
    without = replace(found, rejections=[])
    assert "what is no digit" not in page(without, COMMAND, lambda picture: None)
    assert "| outliers |" not in model_card(without, COMMAND, ARCHIVE)


def test_the_card_and_the_table_tell_the_same_figures(found: Findings) -> None:
    card = model_card(found, COMMAND, ARCHIVE)
    assert table(found.rows + found.together) in card
    assert COMMAND in card
    assert f"{found.rows[0].accuracy:.2%}" in card


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("data_set", "trained_on"),
    [
        ("digits", "MNIST's training set and pen strokes of 20 writers (UCI"),
        ("mnist", "MNIST's training set. **Measured"),
        ("optdigits", "scikit-learn's 8x8 digits"),
        ("receipts", "the data set `receipts`. "),
        (None, "data not known here. "),
    ],
)
def test_the_card_says_what_this_model_was_trained_on(
    found: Findings, data_set: str | None, trained_on: str
) -> None:
    card = words(model_card(found, COMMAND, replace(ARCHIVE, data_set=data_set)))
    assert f"**Trained on** {trained_on}" in card
    assert ("20 writers" in card) == (data_set == "digits")


def test_the_card_says_in_a_line_what_training_looked_like_where_the_archive_does(found: Findings) -> None:
    looks = Reference(3, {"7": 1.0}, {"ink_share": (0.0,) * 50 + (0.25,) * 51}, 2, (), {})
    card = words(model_card(found, COMMAND, replace(ARCHIVE, reference=looks)))
    assert "(ink on 25.0% of a frame (0.0% to 25.0%); in brackets nine in ten). **Measured on**" in card


def test_the_card_speaks_of_is_digit_only_where_there_is_a_gate(found: Findings) -> None:
    assert found.has_gate
    assert "`is_digit`" in model_card(found, COMMAND, ARCHIVE)
    part = answers([1, 2], [1, 2], part="mnist", name=MNIST, renderer="")
    without = find([replace(part, digit_scores=None)])
    assert "`is_digit`" not in model_card(without, COMMAND, ARCHIVE)


def test_a_card_without_strokes_does_not_speak_of_writers() -> None:
    alone = find([answers([1, 2], [1, 2], part="mnist", name=MNIST, renderer="")])
    card = words(model_card(alone, COMMAND, replace(ARCHIVE, data_set="mnist")))
    assert "**Measured on** MNIST's test set. Everything" in card
    assert "five" not in card


@pytest.mark.parametrize(("coverage", "said"), [(0.99, "99"), (0.9, "90"), (None, "")])
def test_page_and_card_tell_the_archives_own_coverage(
    found: Findings, coverage: float | None, said: str
) -> None:
    card = words(model_card(found, COMMAND, replace(ARCHIVE, coverage=coverage)))
    shown = words(html.unescape(page(found, COMMAND, lambda picture: None, coverage=coverage)))
    if said:
        assert f"a set is meant to hold the true label in {said} % of answers" in card
        assert f"meant to hold the true label in {said} % of answers" in shown
    else:
        assert "a set is meant to hold the true label. " in card
        assert "meant to hold" not in shown


def test_the_card_names_the_model_and_not_the_folder_of_the_data(
    found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL", "digits-svm")
    monkeypatch.setattr("training.evaluation.__main__.measure", lambda *given: found)
    monkeypatch.setattr(Server, "frame", lambda self, picture: None)
    assert main(["--data", "d", "--out", str(tmp_path)]) == 0
    assert "make evaluate MODEL=digits-svm DATA=<folder>\n" in (tmp_path / "model_card.md").read_text()
    assert "make evaluate MODEL=digits-svm DATA=d<" in (tmp_path / "index.html").read_text()
