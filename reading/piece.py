"""What may be one digit, and how pieces travel from the process that finds them."""

import json
import struct
from typing import NamedTuple

# More pieces than this are no number; each is a prediction.
MOST_PIECES = 64
HEAD = struct.Struct("<Q")


class NoNumber(ValueError):  # noqa: N818 - named as the handler's BadImage is
    """What came cannot be read as a number; the message says what came, what is accepted, what to do."""


class Piece(NamedTuple):
    """What may be one digit: a run of neighbouring fragments of the ink.

    Attributes:
        first: the run's first fragment.
        end: the one after its last.
        box: left, top, width and height, in pixels of the picture.
        shape: width and height, as shares of the row's height.
        png: a picture of it alone, black on white.
        place: left, top and pixels of the picture to one of `png`'s: where that lies in the picture.
        thumbnail: a small copy of `png`, for lists.
    """

    first: int
    end: int
    box: tuple[float, float, float, float]
    shape: tuple[float, float]
    png: bytes
    place: tuple[float, float, float] = (0.0, 0.0, 1.0)
    thumbnail: bytes = b""


def too_many() -> NoNumber:
    """Return the refusal of what falls into more pieces than are asked for."""
    return NoNumber(
        f"The ink has more than {MOST_PIECES} pieces that may be digits: send one row of fewer digits, "
        "with gaps between them and no lines or patterns around them."
    )


def nothing_drawn() -> NoNumber:
    """Return the refusal of blank paper."""
    return NoNumber(
        "Nothing is drawn: nothing in the picture stands out from its background. Send clear digits."
    )


def too_long(times: float) -> NoNumber:
    """Return the refusal of a strip of paper, so many times as long as wide, on which nothing is found."""
    return NoNumber(
        f"No digits are found: the picture is {times:.0f} times as long as wide, and in so long a row, "
        "digits are too small to see. Send fewer at a time."
    )


def packed(pieces: list[Piece]) -> bytes:
    """Return pieces as bytes: what is known of each as JSON, then all pictures."""
    known = [[*piece[:4], piece.place, len(piece.png), len(piece.thumbnail)] for piece in pieces]
    text = json.dumps(known).encode()
    return HEAD.pack(len(text)) + text + b"".join(piece.png + piece.thumbnail for piece in pieces)


def unpacked(data: bytes) -> list[Piece]:
    """Return the pieces that `packed` made these bytes of."""
    (length,) = HEAD.unpack_from(data)
    at = HEAD.size + length
    pieces = []
    for first, end, box, shape, place, size, small in json.loads(data[HEAD.size : at]):
        png, thumbnail = data[at : at + size], data[at + size : at + size + small]
        pieces.append(Piece(first, end, tuple(box), tuple(shape), png, tuple(place), thumbnail))
        at += size + small
    return pieces
