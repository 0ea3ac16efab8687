"""The report about outliers: what is asked, what the figures mean, and the real gate's answers."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from handler.bad_image import BadImage
from handler.frame import frame_of
from tests.training.outliers.outlier_material import material
from training.data import drawing
from training.evaluation import outliers
from training.gate import network as gate
from training.gate.rejection import Rejection, rejection, together
from training.outliers import kinds

PROJECT = Path(__file__).resolve().parents[3]


def scores(network: gate.Gate, pictures: list[bytes]) -> np.ndarray:
    """Return digit_score of each picture, 0 where it is refused: float (count,)."""
    found = np.zeros(len(pictures))
    for index, picture in enumerate(pictures):
        with suppress(BadImage), torch.no_grad():
            found[index] = float(network(torch.from_numpy(frame_of(picture))[None])[0])
    return found


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
    found = rejection("fish", digits, outlying, outlying >= 0.5)
    assert (found.pictures, found.seen) == (5, False)
    assert found.false_positives == pytest.approx(2 / 5)
    assert found.accepted == pytest.approx(3 / 5)
    # Pairs won by the digit, ties half: all, all, 97 of 101 above .52, 80.5 and 50.5.
    won = [np.mean(digits > one) + np.mean(digits == one) / 2 for one in outlying]
    assert found.auroc == pytest.approx(np.mean(won))
    assert rejection("lines", digits, outlying, outlying > 2).accepted == 0


def test_figures_need_digits_and_outliers() -> None:
    with pytest.raises(ValueError, match="0 digits and 1 outliers"):
        rejection("fish", np.zeros(0), np.zeros(1), np.zeros(1, bool))


def test_means_are_of_the_seen_and_of_the_unseen_kinds_apart() -> None:
    rows = [
        Rejection("lines", True, 10, 0.9, 0.2, 0.3),
        Rejection("hearts", True, 30, 1.0, 0.0, 0.1),
        Rejection("fish", False, 5, 0.8, 0.4, 0.5),
    ]
    seen = together(rows, seen=True)
    assert (seen.pictures, seen.auroc, seen.false_positives, seen.accepted) == pytest.approx(
        (40, 0.95, 0.1, 0.2)
    )


def test_the_committed_gate_tells_outliers_of_both_renderers_from_digits() -> None:
    network, about = gate.load(PROJECT / gate.DEFAULT_GATE)
    pictures = [drawing.png(digit, pen_px=pen_px) for digit in drawing.STROKES for pen_px in (6, 12, 24)]
    digits = scores(network, pictures)
    assert (digits >= about.threshold).all()
    wanted = {"scribbles", "faces", "several digits", "houses", "several scanned digits"}
    asked = [question for question in outliers.questions(material(), 12) if question.name in wanted]
    assert {question.name for question in asked} == wanted
    for question in asked:
        found = scores(network, [question.picture(index) for index in range(12)])
        row = rejection(question.name, digits, found, found >= about.threshold)
        assert row.auroc > 0.95, (question.name, question.renderer)
