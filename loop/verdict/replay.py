"""The newest stored drawings, read by both versions: what would be answered otherwise, as pictures."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from loop.verdict.check import LEFT_OUT, PASSED, REFUSED, Check
from loop.verdict.statistics import SIGNIFICANT, Pairs, p_worse
from training.evaluation.ask import CLIENTS, Server

REFUSED_WORD = "refused"


@dataclass(frozen=True)
class Stored:
    """A drawing of the database.

    Attributes:
        id: its answer's.
        drawing: the image file as it was sent.
        said: what somebody said that it is; None where nobody did, or no digit.
    """

    id: str
    drawing: bytes
    said: str | None = None


@dataclass(frozen=True)
class Flip:
    """A drawing that the candidate reads otherwise.

    Attributes:
        stored: the drawing.
        before: the champion's label, or REFUSED_WORD.
        after: the candidate's.
        before_confidence: the champion's, 0..1; 0 where it refused.
        after_confidence: the candidate's.
    """

    stored: Stored
    before: str
    after: str
    before_confidence: float
    after_confidence: float


def replayed(
    name: str, champion: Server, candidate: Server, drawings: Sequence[Stored]
) -> tuple[Check, list[Flip]]:
    """Check that what people drew is not read worse; return what is read otherwise, the surest first.

    Raises:
        requests.RequestException: the server failed or is not there.
    """
    if not drawings:
        return Check(name, LEFT_OUT, "nothing has been drawn yet"), []

    def flip(stored: Stored) -> Flip:
        before, after = champion.answer(stored.drawing), candidate.answer(stored.drawing)
        return Flip(
            stored,
            str(before.get("label", REFUSED_WORD)),
            str(after.get("label", REFUSED_WORD)),
            float(before.get("confidence", 0)),
            float(after.get("confidence", 0)),
        )

    with ThreadPoolExecutor(CLIENTS) as pool:
        found = [one for one in pool.map(flip, drawings) if one.before != one.after]
    flips = sorted(found, key=lambda one: -one.after_confidence)
    judged = [one for one in flips if one.stored.said is not None]
    better = sum(one.after == one.stored.said for one in judged)
    worse = sum(one.before == one.stored.said for one in judged)
    lost = sum(one.after == REFUSED_WORD for one in flips)
    numbers = {
        "drawings": len(drawings), "flips": len(flips), "newly_right": better, "newly_wrong": worse,
        "newly_refused": lost,
    }  # fmt: skip
    said = (
        f"{len(flips)} of {len(drawings):,} stored drawings are read otherwise; of those that people judged, "
        f"{better} rightly now, {worse} wrongly"
    )
    if lost:
        return Check(name, REFUSED, f"it refuses {lost} drawings that were read; {said}", numbers), flips
    if p_worse(Pairs(0, better, worse, 0)) < SIGNIFICANT:
        return Check(name, REFUSED, f"more wrongly: {said}", numbers), flips
    return Check(name, PASSED, said, numbers), flips
