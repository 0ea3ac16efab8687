"""What candidates of the default model are asked: MNIST, every kind of strokes, and what is no digit."""

from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from handler.bad_image import BadImage
from handler.model import Model
from loop.feedback import framed
from loop.verdict.asked import Extent, ask_both, corrected, known, no_digits
from loop.verdict.check import PASSED
from loop.verdict.judge import _unpacked
from loop.verdict.sureness import calibrated, covering, rejecting
from system.files import PROJECT
from tests.loop.written import crossed_sevens, example
from training.data.drawing import png
from training.data.image_folder import load_folder
from training.data.rendered import KINDS
from training.evaluation.ask import Server
from training.names import folder_name

EXTENT = Extent(scans=12, strokes=3, hands=2, outliers=1)


class InProcess(Server):
    """An archive that is asked without a server."""

    def __init__(self, model: Model) -> None:
        super().__init__("http://127.0.0.1/predictions/digits")
        self.model = model

    def answer(self, picture: bytes, headers: dict[str, str] | None = None) -> dict:
        """Return what the archive answers."""
        try:
            (reading,) = self.model.read(self.model.frame(picture)[None])
        except BadImage as error:
            return {"type": "BadImage", "message": str(error)}
        return {**self.model.answer(reading), "model": "digits", "version": "1.0.0", "preprocessing": "-"}


def test_as_much_is_asked_as_the_documents_say() -> None:
    assert asdict(Extent()) == {
        "scans": None, "strokes": 1246, "hands": 2, "outliers": 40, "fuzzed": 2000, "replayed": 500,
        "timed": 200, "margin": 0.001,
    }  # fmt: skip
    said = (PROJECT / "docs" / "loop.md").read_text(encoding="utf-8")
    assert "any of 2,000 that is answered with an error" in said
    assert "of the 500 newest drawings" in said


def test_the_held_out_drawings_are_those_with_a_digit() -> None:
    question = corrected([*crossed_sevens(2, 1), example(png("3"), None), example(png("4"), "4")])
    assert question is not None
    assert question.truth.tolist() == [7, 7, 4]
    assert framed([example(question.picture(2), "4")], ("4",), "ink").frames.labels.tolist() == [0]
    assert corrected([example(png("3"), None)]) is None


@pytest.mark.mnist
def test_all_kinds_are_asked_of_both_and_make_checks(mnist_dir: Path, model_store: Path) -> None:
    with _unpacked(model_store / "digits.mar") as folder:
        server = InProcess(Model(folder))
        found = list(ask_both(server, server, known("digits", mnist_dir, EXTENT)))
        others = list(ask_both(server, server, no_digits(mnist_dir, EXTENT)))
    counts: dict[str, int] = {}
    for both in found:
        counts[both.name] = counts.get(both.name, 0) + both.pairs.count
    assert counts.pop("MNIST test set") == 12
    assert [name.replace(" ", "_") for name in counts] == list(KINDS)
    assert set(counts.values()) == {12}, "three digits, by two pens, by two hands"
    assert len({both.champion.question.picture(0) for both in found}) == len(found)
    assert [
        check.outcome
        for check in (
            calibrated("calibration", found),
            covering("sets", found, 0.99),
            rejecting("no digit", found, others),
        )
    ] == [PASSED] * 3
    assert rejecting("no digit", found, others).numbers["candidate"] > 0.9


def test_of_a_folder_of_images_the_frames_are_asked_as_the_versions_make_them(tmp_path: Path) -> None:
    for label in "0123456789":
        (tmp_path / label).mkdir()
        for pen_px in range(8, 18):
            (tmp_path / label / f"{pen_px}.png").write_bytes(png(label, side_px=56, pen_px=pen_px))
    (question,) = known("written", tmp_path, EXTENT, "ink")
    asked = cv2.imdecode(np.frombuffer(question.picture(0), np.uint8), cv2.IMREAD_GRAYSCALE)
    ink = load_folder(tmp_path, "ink").tests[folder_name(tmp_path)].frames
    assert np.array_equal(asked, ink[0])
    assert not np.array_equal(ink, load_folder(tmp_path, "picture").tests[folder_name(tmp_path)].frames)
