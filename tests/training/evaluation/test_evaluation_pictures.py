"""What the evaluation sends: every kind under both renderers, and the same pictures in every run."""

import io

import numpy as np
import pytest
from PIL import Image

from handler.frame import frame_of
from training.data import paint, rendered
from training.data.strokes import Drawn, rasterise
from training.evaluation import brush, changes, questions, sheets
from training.evaluation.renderers import RENDERERS

SEVEN = Drawn(
    7,
    1,
    (
        np.array([[24, 14], [50, 12], [76, 14], [62, 50], [46, 90]], np.float32),
        np.array([[40, 52], [75, 52]], np.float32),
    ),
)


def test_both_renderers_paint_the_same_kinds() -> None:
    assert set(sheets.KINDS) == set(paint.KINDS)
    assert [set(renderer.kinds) for renderer in RENDERERS] == [set(rendered.KINDS)] * 2


@pytest.mark.parametrize("kind", paint.KINDS)
@pytest.mark.parametrize("renderer", RENDERERS, ids=lambda renderer: renderer.name)
def test_every_kind_is_a_picture_that_serving_reads(renderer: object, kind: str) -> None:
    for seed in range(3):
        frame = frame_of(renderer.kinds[kind](SEVEN, np.random.default_rng(seed)))  # type: ignore[attr-defined]
        assert frame.max() == 255
        assert 20 <= np.count_nonzero(frame > 127) <= 250, "neither a speck nor a blot"


def test_the_second_renderer_keeps_what_its_kinds_promise() -> None:
    def picture(kind: str, seed: int = 1) -> Image.Image:
        return Image.open(io.BytesIO(sheets.KINDS[kind](SEVEN, np.random.default_rng(seed))))

    assert picture("transparent").getchannel("A").getextrema()[0] == 0
    assert np.mean(picture("inverted").convert("L")) < 127 < np.mean(picture("plain").convert("L"))
    assert max(picture("wide").size) >= 2.9 * min(picture("wide").size)
    assert max(picture("small").size) <= 40
    assert picture("strong_jpeg").format == picture("photo").format == "JPEG"
    ink = {kind: np.mean(255 - np.asarray(picture(kind).convert("L"))) for kind in ("thin", "plain", "thick")}
    assert ink["thin"] < ink["plain"] < ink["thick"]
    corner = np.asarray(picture("corner").convert("L")) < 128
    rows, columns = np.flatnonzero(corner.any(1)), np.flatnonzero(corner.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) < corner.shape[0] / 3


def test_the_second_pen_covers_what_a_line_of_its_width_covers() -> None:
    line = [np.array([[20, 50], [80, 50]], np.float32)]
    for pen_px in (1, 4, 9.5):
        covered = brush.cover(line, (100, 100), pen_px)
        assert covered[:, 50].sum() == pytest.approx(pen_px, abs=0.3)
        assert covered[:, 5].max() == 0
    # The two pens agree on a simple line, so that their pictures differ by choice and not by mistake.
    assert brush.cover(line, (100, 100), 8).sum() == pytest.approx(
        rasterise(line, (100, 100), 8).sum(), rel=0.1
    )


def test_a_stroke_of_one_point_leaves_a_dot() -> None:
    assert brush.cover([np.array([[10, 10]], np.float32)], (20, 20), 4).max() == 1


@pytest.mark.parametrize("name", changes.CHANGES)
def test_a_change_keeps_the_drawing_on_the_sheet(name: str) -> None:
    for seed in range(5):
        sheet = changes.CHANGES[name](np.random.default_rng(seed))
        for renderer in RENDERERS:
            picture = Image.open(io.BytesIO(changes.picture(SEVEN, sheet, renderer.cover)))
            pixels = np.asarray(picture, int)
            border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
            assert np.ptp(border, axis=0).max() <= 1, "ink touches the border"
            assert np.ptp(pixels.reshape(-1, 3), axis=0).max() > 60, "nothing is drawn"


def test_a_question_sends_the_same_picture_each_time() -> None:
    asked = [*questions.kinds([SEVEN]), *questions.resolutions([SEVEN]), *questions.changed([SEVEN])]
    assert len(asked) == 2 * (len(rendered.KINDS) + len(changes.SIDES_PX) + 1 + len(changes.CHANGES))
    for question in asked:
        assert question.picture(0) == question.picture(0)
    assert (
        Image.open(io.BytesIO(asked[2 * len(rendered.KINDS)].picture(0))).size == (changes.SIDES_PX[0],) * 2
    )
