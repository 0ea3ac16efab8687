"""The report about outliers: what is asked, what the figures mean, and the real gate's answers."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from handler.bad_image import BadImage
from handler.frame import frame_of
from tests.training.outlier_material import material
from training import drawing, gate
from training.evaluation import outliers
from training.evaluation.ask import Question
from training.outliers import kinds

PROJECT = Path(__file__).resolve().parents[2]


def answer(network: gate.Gate, threshold: float, picture: bytes) -> dict[str, Any]:
    """Give what the server answers, as far as the gate has a say in it."""
    try:
        frame = frame_of(picture)
    except BadImage as error:
        return error.answer()
    with torch.no_grad():
        score = float(network(torch.from_numpy(frame)[None])[0])
    return {"label": "0", "is_digit": score >= threshold, "digit_score": score}


def test_every_kind_is_asked_about_by_both_renderers_and_alike_each_time() -> None:
    asked = list(outliers.questions(material(), 2))
    assert len(asked) == 2 * len(kinds.SKETCHES) + len(kinds.PICTURES)
    assert {question.name for question in asked} == set(kinds.SKETCHES) | set(kinds.PICTURES)
    for question in asked:
        assert question.part == outliers.PART
        assert set(question.truth) == {kinds.NO_DIGIT}
    some = asked[::3]  # of both renderers
    assert {question.renderer for question in some} == {question.renderer for question in asked}
    for question in some:
        assert question.picture(1) == question.picture(1) != question.picture(0)


def test_figures_are_those_of_the_textbook() -> None:
    digits = np.linspace(0.5, 1, 101)  # 95 % of them are at least 0.525
    outlying = np.array([0.1, 0.2, 0.52, 0.6, 0.75])
    found = outliers.rejection("fish", digits, outlying, outlying >= 0.5)
    assert (found.pictures, found.seen) == (5, False)
    assert found.false_positives == pytest.approx(2 / 5)
    assert found.accepted == pytest.approx(3 / 5)
    # Pairs won by the digit, ties half: all, all, 97 of 101 above .52, 80.5 and 50.5.
    won = [np.mean(digits > one) + np.mean(digits == one) / 2 for one in outlying]
    assert found.auroc == pytest.approx(np.mean(won))
    assert outliers.rejection("lines", digits, outlying, outlying > 2).accepted == 0


def test_figures_need_digits_and_outliers() -> None:
    with pytest.raises(ValueError, match="0 digits and 1 outliers"):
        outliers.rejection("fish", np.zeros(0), np.zeros(1), np.zeros(1, bool))


def test_means_are_of_the_seen_and_of_the_unseen_kinds_apart() -> None:
    rows = [
        outliers.Rejection("lines", True, 10, 0.9, 0.2, 0.3),
        outliers.Rejection("hearts", True, 30, 1.0, 0.0, 0.1),
        outliers.Rejection("fish", False, 5, 0.8, 0.4, 0.5),
    ]
    seen = outliers.together(rows, seen=True)
    assert (seen.pictures, seen.auroc, seen.false_positives, seen.accepted) == pytest.approx(
        (40, 0.95, 0.1, 0.2)
    )
    lines = outliers.table(rows).splitlines()
    assert len(lines) == 1 + 3 + 2
    assert lines[-1].split()[-5:] == ["no", "5", "0.8000", "40.00%", "50.00%"]
    assert len({len(line) for line in lines}) == 1, "columns stand below each other"


def test_a_refused_picture_is_not_called_a_digit() -> None:
    question = Question(outliers.PART, "blank", "", np.array([-1, -1]), lambda index: b"%d" % index)
    given = [{"code": 400, "type": "BadImage", "message": "Nothing is drawn"},
             {"label": "3", "is_digit": True, "digit_score": 0.7}]  # fmt: skip
    found, accepted = outliers.scores(lambda picture: given[int(picture)], question)
    assert found.tolist() == [0, 0.7]
    assert accepted.tolist() == [False, True]


def test_an_archive_without_a_gate_is_named_as_the_cause() -> None:
    question = Question(outliers.PART, "fish", "", np.array([-1]), lambda index: b"")
    with pytest.raises(ValueError, match="no gate"):
        outliers.scores(lambda picture: {"label": "3"}, question)


def test_the_committed_gate_tells_outliers_of_both_renderers_from_digits() -> None:
    network, about = gate.load(PROJECT / gate.DEFAULT_GATE)
    ask = partial(answer, network, about.threshold)
    pictures = [drawing.png(digit, pen_px=pen_px) for digit in drawing.STROKES for pen_px in (6, 12, 24)]
    known = Question("kind", "plain", "", np.zeros(len(pictures)), pictures.__getitem__)
    wanted = {"scribbles", "faces", "several digits", "houses", "several scanned digits"}
    asked = [question for question in outliers.questions(material(), 12) if question.name in wanted]
    rows, refused = outliers.measure(ask, [known], asked)
    assert refused == {"plain": 0}
    assert {row.kind: row.pictures for row in rows} == {
        kind: 12 if kind == "several scanned digits" else 24 for kind in wanted
    }
    assert min(row.auroc for row in rows) > 0.95
    with pytest.raises(ValueError, match="no pictures of digits"):
        outliers.measure(ask, [], asked)
