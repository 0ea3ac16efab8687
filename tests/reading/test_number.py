"""The best way through pieces: what is read, what is sure, and what cannot be read."""

from client.answers import Answer
from reading.number import number_of
from reading.piece import Piece


def piece(first: int, end: int, width: float = 0.6, height: float = 1.0) -> Piece:
    return Piece(first, end, (100.0 * first, 0.0, 60.0, 100.0), (width, height), b"")


def answer(label: str, confidence: float, score: float | None, labels: tuple[str, ...] = ()) -> Answer:
    is_digit = None if score is None else score > 0.5
    chosen = labels or (label,)
    return Answer(label, confidence, {}, "digits", "1.0.0", "", chosen, is_digit, "", "", 1.0, score)


SURE = answer("7", 0.999, 0.999)
SCRIBBLE = answer("5", 0.6, 0.01)


def test_digits_that_stand_apart_are_read_from_left_to_right() -> None:
    found = number_of([piece(0, 1), piece(1, 2)], [SURE, answer("3", 0.999, 0.99)])
    assert (found.text, found.is_sure) == ("73", True)
    assert [digit.box[0] for digit in found.digits] == [0, 100]


def test_the_recogniser_decides_whether_a_cut_is_one() -> None:
    halves_and_whole = [piece(0, 1), piece(0, 2), piece(1, 2)]
    assert number_of(halves_and_whole, [SCRIBBLE, SURE, SCRIBBLE]).text == "7"
    assert number_of(halves_and_whole, [SURE, SCRIBBLE, SURE]).text == "77"


def test_what_could_be_cut_in_two_ways_is_not_sure() -> None:
    either = number_of([piece(0, 1), piece(0, 2), piece(1, 2)], [SURE, SURE, SURE])
    assert (either.text, either.is_sure) == ("7", False)


def test_a_digit_with_two_plausible_labels_and_what_is_none_are_not_sure() -> None:
    for unsure in (answer("4", 0.6, 0.99, ("4", "9")), SCRIBBLE, None):
        found = number_of([piece(0, 1), piece(1, 2)], [SURE, unsure])
        assert [digit.is_sure for digit in found.digits] == [True, False]
        assert not found.is_sure


def test_what_the_model_refused_is_a_question_mark_in_its_place() -> None:
    found = number_of([piece(0, 1), piece(1, 2)], [None, SURE])
    assert (found.text, found.digits[0].answer) == ("?7", None)


def test_a_model_without_a_gate_or_sets_can_be_sure_too() -> None:
    found = number_of([piece(0, 1)], [answer("7", 0.99, None)])
    assert (found.text, found.is_sure) == ("7", True)


def test_a_low_piece_is_seldom_a_digit() -> None:
    pieces = [piece(0, 1, height=0.4), piece(0, 2), piece(1, 2, height=0.4)]
    assert number_of(pieces, [SURE, answer("3", 0.9, 0.8), SURE]).text == "3"
