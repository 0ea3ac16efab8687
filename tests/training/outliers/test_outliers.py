"""Outliers: every kind is drawn, is what it says, comes out alike each time, none a digit in disguise."""

from functools import cache

import cv2
import numpy as np
import pytest

from tests.training.outliers.outlier_material import material
from training.data.strokes import placed
from training.evaluation.renderers import RENDERERS
from training.outliers import frames, glyphs, hand, kinds, mixtures, shapes

EVERY_KIND = (*kinds.SKETCHES, *kinds.PICTURES)
SEEN_GLYPHS = glyphs.LETTERS + glyphs.ALPHABETS + glyphs.SYMBOLS
TWINS = 0.92  # the least correlation of two prints that a person takes for the same


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_gives_frames_with_ink_alike_each_time(kind: str) -> None:
    made = [kinds.frame(kind, material(), (5, seed)) for seed in range(6)]
    for seed, frame in enumerate(made):
        assert frame.shape == (28, 28)
        assert frame.dtype == np.uint8
        assert frame.max() == 255
        np.testing.assert_array_equal(frame, kinds.frame(kind, material(), (5, seed)))
    assert len({frame.tobytes() for frame in made}) == len(made), "chance changes nothing"


@pytest.mark.parametrize("renderer", RENDERERS, ids=lambda renderer: renderer.name)
@pytest.mark.parametrize("kind", kinds.SKETCHES)
def test_every_sketch_can_be_drawn_by_both_renderers(kind: str, renderer: object) -> None:
    random = np.random.default_rng(3)
    sketch = kinds.drawn(kind, material(), random)
    picture = renderer.kinds["plain"](sketch, random)  # type: ignore[attr-defined]
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert 0.002 < np.mean(pixels < 128) < 0.7, "neither blank nor black"


def test_training_draws_every_kind_but_those_that_are_held_out() -> None:
    assert kinds.HELD_OUT.isdisjoint(kinds.RELATED)
    kept = kinds.HELD_OUT | kinds.RELATED
    assert set(frames.SHARES) == set(frames.counts("train")) == set(EVERY_KIND) - kept
    assert set(frames.counts("validation")) == set(kinds.SEEN)
    assert set(frames.counts("report")) == set(EVERY_KIND)
    assert set(glyphs.OTHER_FONTS).isdisjoint(glyphs.TEXT_FONTS + glyphs.SYMBOL_FONTS)
    assert set(glyphs.OTHER_ALPHABETS + glyphs.EMOTICONS).isdisjoint(SEEN_GLYPHS)


@cache
def prints(font: str, characters: str) -> np.ndarray:
    """Return the font's prints of the characters it has, float (count, 1024), of mean 0 and length 1.

    Each fills a square, so that Ξ is compared with a wider ≡, and is a little blurred.
    """
    known = [character for _, character in glyphs._drawable(characters, (font,))]
    sheets = np.zeros((len(known), 32, 32), np.float32)
    for sheet, character in zip(sheets, known, strict=True):
        mask = glyphs.mask(font, character)
        rows, columns = np.nonzero(mask)
        ink = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(np.float32)
        sheet[4:28, 4:28] = cv2.resize(ink, (24, 24), interpolation=cv2.INTER_AREA)
        sheet[:] = cv2.GaussianBlur(sheet, (0, 0), 1)
    flat = sheets.reshape(len(known), 32 * 32)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def likeness(one: str, others: str) -> float:
    """Return the highest correlation of a character's print with others' in the same font."""
    pairs = [(prints(font, one), prints(font, others)) for font in glyphs.SYMBOL_FONTS]
    return max((own @ theirs.T).max(initial=-1) for own, theirs in pairs)


@pytest.mark.parametrize("character", glyphs.OTHER_ALPHABETS)
def test_no_letter_that_is_held_out_looks_like_one_of_training(character: str) -> None:
    assert likeness(character, SEEN_GLYPHS) < TWINS


@pytest.mark.parametrize("pair", ["ΠП", "Λ⋀", "Δ∆", "Σ∑", "Ξ≡", "חП", "χx"])
def test_twins_are_found(pair: str) -> None:
    assert likeness(*pair) >= TWINS


def test_no_letter_or_symbol_is_one_that_a_person_takes_for_a_digit() -> None:
    for character in "0123456789OoQDIliZzSsBbGgqy|○①❶":
        assert character not in glyphs.LETTERS + glyphs.SYMBOLS + glyphs.OTHER_ALPHABETS
    assert len(glyphs.LETTERS) == 35


def test_several_digits_are_longer_than_one_and_overlaid_ones_lie_on_a_heap() -> None:
    def shape(strokes: hand.Strokes) -> float:
        wide, high = np.ptp(np.concatenate(strokes), axis=0)
        return float(max(wide / high, high / wide))

    def all_points(strokes: hand.Strokes) -> int:
        return sum(len(stroke) for stroke in strokes)

    random = np.random.default_rng(0)
    one_by_one = [drawn for drawn in material().digits if drawn.label == 8]
    several = [mixtures.several(one_by_one, random) for _ in range(50)]
    assert {len(strokes) for strokes in several} == {2, 3, 4, 5}
    assert np.median([shape(strokes) for strokes in several]) > np.median(
        [shape(d.strokes) for d in one_by_one]
    )
    heap = [mixtures.overlaid(material().digits, random) for _ in range(50)]
    assert np.median([shape(strokes) for strokes in heap]) < 1.6
    assert min(all_points(strokes) for strokes in heap) > max(
        all_points(drawn.strokes) for drawn in material().digits
    )


def test_pieces_are_many_and_none_is_a_whole_digit() -> None:
    for seed in range(20):
        pieces = mixtures.pieces(material().digits, np.random.default_rng(seed))
        assert 4 <= len(pieces) <= 8
        assert max(np.ptp(piece, axis=0).max() for piece in pieces) < 100


def test_struck_out_digits_keep_the_digit_below_the_scribble() -> None:
    seven = [drawn for drawn in material().digits if drawn.label == 7]
    strokes = mixtures.struck_out(seven, np.random.default_rng(1))
    np.testing.assert_allclose(strokes[0], placed(seven[0].strokes, 100, 0, 0)[0])
    assert len(strokes) >= 2


def test_scanned_digits_side_by_side_are_two_to_four_marks() -> None:
    zero = material().images[:1]
    for seed in range(20):
        ink = mixtures.several_scanned(zero, np.random.default_rng(seed)).pixels[..., 0]
        ink = ink if ink[0, 0] == 0 else 255 - ink
        rings, _ = cv2.findContours((ink > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        holes = len(rings) // 2
        assert 2 <= holes <= 4


def test_a_scribble_goes_over_itself() -> None:
    for seed in range(20):
        strokes = shapes.scribble(np.random.default_rng(seed))
        length = sum(np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum() for stroke in strokes)
        assert length > 3 * np.ptp(np.concatenate(strokes), axis=0).max()


def test_an_area_is_filled_and_its_hole_is_not() -> None:
    frame, hole = (
        hand.closed((0, 0), (100, 0), (100, 100), (0, 100)),
        hand.closed((30, 30), (70, 30), (70, 70), (30, 70)),
    )
    for slanted in (False, True):
        sheet = np.zeros((110, 110), np.uint8)
        for stroke in hand.hatched((frame, hole), slanted=slanted):
            cv2.polylines(sheet, [np.rint(stroke + 5).astype(np.int32)[:, None]], False, 1, thickness=6)
        assert sheet[10:30, 10:100].mean() > 0.98
        assert sheet[45:65, 45:65].max() == 0


def test_a_hand_bends_a_drawing_but_keeps_its_shape() -> None:
    cross = (hand.line((0, 50), (100, 50)), hand.line((50, 0), (50, 100)))
    for seed in range(20):
        bar, stem = hand.by_hand(cross, np.random.default_rng(seed))
        assert np.ptp(bar[:, 0]) > 1.5 * np.ptp(bar[:, 1])
        assert np.ptp(stem[:, 1]) > 1.5 * np.ptp(stem[:, 0])
        assert np.linalg.norm(bar.mean(axis=0) - stem.mean(axis=0)) < 20


@pytest.mark.parametrize("character", "HPkj#")
def test_a_spine_is_one_pixel_wide_and_in_as_many_pieces_as_the_print(character: str) -> None:
    printed = glyphs.mask("DejaVuSans-Bold", character)
    lines = glyphs.thinned(printed)
    assert np.all(printed[lines] == 1)
    blocks = lines[1:, 1:] & lines[:-1, 1:] & lines[1:, :-1] & lines[:-1, :-1]
    assert blocks.mean() < 0.01
    pieces = [cv2.connectedComponents(one.astype(np.uint8), connectivity=8)[0] for one in (printed, lines)]
    assert pieces[0] == pieces[1]
    drawn = np.zeros(printed.shape, np.uint8)
    for stroke in glyphs.spine("DejaVuSans-Bold", character):
        cv2.polylines(drawn, [np.rint(stroke).astype(np.int32)[:, None]], False, 1, thickness=3)
    assert np.mean(drawn[lines]) > 0.9, "the strokes follow the lines"


def test_a_font_without_the_character_is_named() -> None:
    with pytest.raises(ValueError, match="cmr10"):
        glyphs.glyph("ש", ("cmr10",), np.random.default_rng(0))
    assert hand.resampled(hand.line((1, 2)), 3.0).shape == (1, 2)


def test_frames_of_a_part_do_not_depend_on_how_many_processes_draw_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = {"lines": 5, "several scanned digits": 4}
    drawn = frames.draw(wanted, material(), seed=4)
    assert {kind: made.shape for kind, made in drawn.items()} == {
        kind: (count, 28, 28) for kind, count in wanted.items()
    }
    monkeypatch.setattr(frames, "CHUNK", 2)
    again = frames.draw(wanted, material(), seed=4)
    other = frames.draw(wanted, material(), seed=5)
    for kind in wanted:
        np.testing.assert_array_equal(drawn[kind], again[kind])
        assert not np.array_equal(drawn[kind], other[kind])
