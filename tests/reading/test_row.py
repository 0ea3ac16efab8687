"""Pictures and strokes are cut into pieces: whole digits among them, each as if it were alone."""

import base64
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handler.bad_image import BadImage
from handler.frame import frame_of
from reading.piece import MOST_PIECES, NoNumber, Piece, packed, unpacked
from reading.row import pieces_of
from tests.reading.written import SIDE_PX, png, sheet, strokes
from training.data.drawing import STROKES, drawing

TEXTS = ["2026", "17", "4580", "3691"]


def piece_in(pieces: list[Piece], left: float, right: float) -> Piece:
    """Return the piece whose box is nearest to these columns."""
    return min(pieces, key=lambda one: abs(one.box[0] - left) + abs(one.box[0] + one.box[2] - right))


@pytest.mark.parametrize("text", TEXTS)
def test_each_of_several_digits_is_a_piece_and_a_way_leads_through_all(text: str) -> None:
    pieces = pieces_of(png(sheet(text)))
    ends = {0}
    for piece in pieces:
        if piece.first in ends:
            ends.add(piece.end)
    assert max(piece.end for piece in pieces) in ends
    for index in range(len(text)):
        found = piece_in(pieces, (index + 0.2) * SIDE_PX, (index + 0.8) * SIDE_PX)
        assert found.box[0] >= index * SIDE_PX
        assert found.box[0] + found.box[2] <= (index + 1) * SIDE_PX


@pytest.mark.parametrize("colours", [((0, 0, 0), (255, 255, 255)), ((250, 250, 160), (20, 40, 90))])
@pytest.mark.parametrize("digit", STROKES)
def test_the_network_sees_a_piece_as_it_sees_the_digit_alone(digit: str, colours: tuple) -> None:
    pen, paper = colours
    alone = frame_of(png(drawing(digit, side_px=SIDE_PX, pen_px=10, pen=pen, paper=paper))).astype(int)
    pieces = pieces_of(png(sheet(f"1{digit}1", pen=pen, paper=paper)))
    difference = min(np.abs(frame_of(piece.png) - alone).mean() for piece in pieces)
    # Where the paper's and the ink's colours are rounded differently.
    assert difference < 1.5


def test_specks_are_no_pieces_and_a_loose_flag_belongs_to_its_digit() -> None:
    image = sheet("11", apart_px=40)
    ImageDraw.Draw(image).ellipse((150, 5, 154, 9), fill=0)
    assert max(piece.end for piece in pieces_of(png(image))) == 2
    five = Image.new("L", (200, 200), 255)
    brush = ImageDraw.Draw(five)
    brush.line([(60, 60), (60, 100), (120, 110), (110, 160), (60, 165)], fill=0, width=10)
    brush.line([(62, 40), (130, 40)], fill=0, width=10)
    (*_, whole) = (piece for piece in pieces_of(png(five)) if piece.first == 0)
    assert whole.box[1] < 42
    assert whole.box[3] > 120


def test_touching_digits_are_cut_where_little_ink_is_in_the_way() -> None:
    # The feet of the twos are one line.
    pieces = pieces_of(png(sheet("22", apart_px=-70)))
    assert max(piece.end for piece in pieces) >= 2
    middle = (2 * SIDE_PX - 70) / 2
    assert any(abs(piece.box[0] + piece.box[2] - middle) < 15 and piece.first == 0 for piece in pieces)


def test_boxes_are_in_pixels_of_the_picture_however_large_it_is() -> None:
    small = pieces_of(png(sheet("17")))
    large = pieces_of(png(sheet("17").resize((2 * SIDE_PX * 10, SIDE_PX * 10))))
    assert len(small) == len(large)
    for one, other in zip(small, large, strict=True):
        assert np.allclose(np.array(one.box) * 10, other.box, atol=30)


@pytest.mark.parametrize("unit", [1.0, 0.001, 50.0])
def test_strokes_that_touch_are_digits_of_their_own(unit: float) -> None:
    written = [[[x * unit, y * unit] for x, y in stroke] for stroke in strokes("2026", apart=-45)]
    pieces = pieces_of(json.dumps({"strokes": written, "width": 8 * unit}).encode())
    for index in range(4):
        left, right = (index * 55 + 24) * unit, (index * 55 + 77) * unit
        found = piece_in(pieces, left, right)
        assert abs(found.box[0] - left) < 12 * unit
        assert abs(found.box[0] + found.box[2] - right) < 12 * unit


def test_the_strokes_of_one_digit_are_one_piece_among_others() -> None:
    body = json.dumps({"strokes": strokes("4")}).encode()
    pieces = pieces_of(body)
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le"):
        assert pieces_of(body.decode().encode(encoding)) == pieces
    alone = frame_of(png(drawing("4", pen_px=15))).astype(int)
    assert min(np.abs(frame_of(piece.png) - alone).mean() for piece in pieces) < 8


def test_a_picture_in_json_is_one_whatever_else_that_says() -> None:
    picture = png(sheet("17"))
    body = {"note": "strokes", "image": base64.b64encode(picture).decode()}
    assert pieces_of(json.dumps(body).encode()) == pieces_of(picture)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"strokes": 7}, "'strokes' is not an array"),
        ({"strokes": []}, "Nothing is drawn"),
        ({"strokes": [[]]}, "Nothing is drawn"),
        ({"strokes": [[[1, 2], [3]]]}, "not an array of points"),
        ({"strokes": [[1, 2]]}, "not an array of points"),
        ({"strokes": [[["a", "b"]]]}, "not an array of points"),
        ({"strokes": [[[1e300, 0]]]}, "not an array of points"),
        ({"strokes": [[[0, 0]]], "width": -1}, "'width' is '-1'"),
        ({"strokes": [[[0, 0]]] * 300}, "300 strokes"),
    ],
)
def test_strokes_that_are_none_are_refused_in_words(body: dict, words: str) -> None:
    with pytest.raises(NoNumber, match=words):
        pieces_of(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "The body is empty"),
        (b'{"strokes": [', "not valid JSON"),
        (b'{"strokes": [[[NaN, 0]]]}', "not an array of points"),
        (b"hello", "plain text"),
        (png(Image.new("RGB", (400, 100), (250, 250, 240))), "Nothing is drawn"),
    ],
)
def test_what_is_no_number_is_refused_in_words(payload: bytes, words: str) -> None:
    with pytest.raises((NoNumber, BadImage), match=words):
        pieces_of(payload)


def test_more_pieces_than_a_number_has_are_refused() -> None:
    ones = [[[30 * x, 0], [30 * x, 50]] for x in range(MOST_PIECES + 1)]
    with pytest.raises(NoNumber, match=f"more than {MOST_PIECES} pieces"):
        pieces_of(json.dumps({"strokes": ones}).encode())
    assert len(pieces_of(json.dumps({"strokes": ones[:-1]}).encode())) == MOST_PIECES


def test_a_row_so_long_that_its_digits_are_not_seen_is_said_to_be_that() -> None:
    with pytest.raises(NoNumber, match="45 times as long as wide"):
        pieces_of(png(sheet("123456789" * 5)))


def test_pieces_arrive_as_they_were_sent() -> None:
    pieces = pieces_of(png(sheet("17")))
    assert unpacked(packed(pieces)) == pieces
