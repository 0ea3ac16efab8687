"""What becomes of the digits of a number that was written or shown at the pad: a row and a panel each."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from client.answers import Answer
from db.records import HistoryRow, Prediction, Superseded
from reading.number import Digit, Number
from reading.piece import MOST_PIECES
from ui.backend import Backend
from ui.draw.drawing import SOURCES, BadDrawing, Drawing, png_url, read_id, read_interim, read_keep, read_sent
from ui.draw.outcome import NoReading, Reading, keep, recorded
from ui.draw.reading import reading_html
from ui.draw.words import words
from ui.history.lookup import find
from ui.models.listing import Model

Box = tuple[float, float, float, float]

# What two boxes have in common, of what they cover together: from here on they hold the same digit as it was,
# and the same digit with other strokes.
UNCHANGED_SHARE, SAME_SHARE = 0.8, 0.3
BLACK, WHITE = "#000000", "#ffffff"
NO_DIGIT = NoReading("That could not be read", "The model does not see any of its labels in this piece.")
CUT = "It may not be cut out correctly"


@dataclass(frozen=True)
class Asked:
    """What the pad says beside the picture or the strokes.

    Attributes:
        visitor: The browser's id, as it says.
        keep: Whether anything may be stored.
        sent: The number's own number, by which the browser knows whose answer comes.
        source: "sketchpad" or "upload".
        paper: The paper's id.
        before: The ids and boxes of the digits that were last found on the same paper.
        is_listed: Whether it is one of many pictures, for which nobody holds a pen.
        is_interim: Whether the pen is still down: of that nothing is stored or counted.
        turn: Tells apart what was undone and is there again; the same only where an answer was lost.
    """

    visitor: Any
    keep: bool
    sent: int
    source: str
    paper: uuid.UUID
    before: tuple[tuple[str, Box], ...]
    is_listed: bool = False
    is_interim: bool = False
    turn: str = ""

    def made(self, session_id: str | None, what: object) -> uuid.UUID:
        """Return an id that is the same whenever the same is asked: of a lost answer the pad knows no ids."""
        return uuid.uuid5(self.paper, f"{session_id} {self.before} {what}")


def read_asked(text: str) -> Asked:
    """Return what the pad says in its header.

    Raises:
        BadDrawing: It is of another form.
    """
    try:
        said = json.loads(text)
        before = tuple((str(one[0]), _box(one[1:])) for one in said.get("before", ())[:MOST_PIECES])
        source = said.get("source", SOURCES[0])
        if source not in SOURCES:
            raise ValueError(source)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise BadDrawing("The X-Sketchserve-Pad header is not valid. Reload the page.") from error
    paper = read_id(said.get("paper"))
    is_interim = read_interim(said)
    is_kept = read_keep(said) and not is_interim
    kinds = said.get("isListed") is True, is_interim, str(said.get("turn"))[:40]
    return Asked(said.get("visitor"), is_kept, read_sent(said), source, paper, before, *kinds)


def digits_shown(
    backend: Backend, number: Number, model: Model, asked: Asked, session_id: str | None
) -> list[dict[str, Any]]:
    """Return what the pad shows of each digit, and have them stored where that is wanted.

    A digit that is where it was, and is read as it was, stays the row that it is. With other strokes it is a
    new answer to the same drawing, unless that was judged. What is there no longer counts no longer.
    """
    keeps_for = session_id if asked.keep else None
    rows = [find(backend, keeps_for, prediction) for prediction, _ in asked.before]
    boxes = [box for _, box in asked.before]
    gone = {row.prediction.id for row in rows if row is not None}
    shown: list[dict[str, Any]] = []
    matched = matches([one.box for one in number.digits], boxes)
    for index, (digit, at) in enumerate(zip(number.digits, matched, strict=True)):
        if digit.answer is None:
            shown.append(_shown(digit, NO_DIGIT, backend.models.labels(model), asked.sent))
            continue
        row, is_same = None if at is None else rows[at], False
        if row is not None and at is not None:
            is_same = _overlap(digit.box, boxes[at]) >= UNCHANGED_SHARE and _is_read_so(row, digit.answer)
            if is_same or not row.is_judged:
                gone.discard(row.prediction.id)
        if not (is_same or asked.is_interim):
            backend.metrics.answered(digit.answer)
        prediction = _recorded(digit, index, digit.answer, asked, session_id, row, is_same=is_same)
        if keeps_for is not None and backend.recent.is_deleted(HistoryRow(prediction.summary, None)):
            prediction = replace(prediction, id=uuid.uuid4())  # it was asked again after that
        is_kept = keeps_for is not None and (is_same or keep(backend, prediction))
        is_kept = is_kept and (not asked.is_listed or backend.writer.sync())
        coverage = backend.models.answered_by(model, digit.answer.version).coverage
        reading = Reading(prediction, digit.answer.frame, is_kept, not asked.keep, coverage, asked.is_interim)
        shown.append(_shown(digit, reading, (), asked.sent))
    superseded = Superseded(keeps_for or "", datetime.now(UTC), tuple(gone))
    if keeps_for is not None and gone and backend.writer.submit(superseded):
        backend.recent.supersede(superseded)
    return shown


def matches(boxes: Sequence[Box], before: Sequence[Box]) -> list[int | None]:
    """Return for each box which of those before it is, the best pairs first; None where it is new."""
    pairs = [
        (_overlap(box, other), now, then)
        for now, box in enumerate(boxes)
        for then, other in enumerate(before)
    ]
    found: list[int | None] = [None] * len(boxes)
    for overlap, now, then in sorted(pairs, reverse=True):
        if overlap >= SAME_SHARE and found[now] is None and then not in found:
            found[now] = then
    return found


def _overlap(one: Box, other: Box) -> float:
    """Return what two boxes have in common, as a share of what they cover together."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(wide, 0.0) * max(high, 0.0)
    both = one[2] * one[3] + other[2] * other[3] - common
    return common / both if both > 0 else 0.0


def _is_read_so(row: HistoryRow, answer: Answer) -> bool:
    was = row.prediction
    said = (answer.label, answer.model, answer.version)
    return (was.predicted_label, was.model_name, was.model_version) == said


def _recorded(
    digit: Digit,
    index: int,
    answer: Answer,
    asked: Asked,
    session_id: str | None,
    row: HistoryRow | None,
    *,
    is_same: bool,
) -> Prediction:
    """Return the record of a digit; `row` is what it was before, and is_same whether it still is that."""
    # The picture's colours, which are not the pad's.
    pen, paper = (BLACK, WHITE) if asked.source == SOURCES[0] else (None, None)
    picture = hashlib.sha256(digit.png).hexdigest()
    said = (index, digit.box, picture, answer.label, answer.model, answer.version, asked.turn)
    drawing_id = asked.made(session_id, index)
    drawing = Drawing(digit.png, asked.source, pen, paper, digit.thumbnail or None, drawing_id)
    prediction = replace(recorded(drawing, answer, session_id or ""), id=asked.made(session_id, said))
    if row is None or (row.is_judged and not is_same):
        return prediction
    was = row.prediction
    return replace(prediction, drawing_id=was.drawing_id, id=was.id if is_same else prediction.id)


def _shown(digit: Digit, reading: Reading | NoReading, labels: Sequence[str], sent: int) -> dict[str, Any]:
    kept = reading.prediction if isinstance(reading, Reading) and reading.is_kept else None
    return {
        "prediction": str(kept.id) if kept else "",
        "note": _note(digit, reading),
        "panel": reading_html(reading, labels, sent),
        "picture": png_url(digit.png),
        "place": list(digit.place),
    }


def _note(digit: Digit, reading: Reading | NoReading) -> str:
    """Return what a card says below its digit: the panel's headline, or why it is not sure nevertheless."""
    if isinstance(reading, NoReading):
        return reading.title
    answer = digit.answer
    is_plain = answer is not None and answer.is_digit is not False and len(answer.label_set) <= 1
    return CUT if is_plain and not digit.is_sure else words(reading)[0]


def _box(values: Any) -> Box:
    left, top, width, height = (float(value) for value in values)
    return left, top, width, height
