"""Which of the judged drawings train, which measure, and which an operator should look at first.

What one session can do to the model is bounded, and so is what many can do together, as long as no operator
has confirmed what they say: see the constants.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from db.examples import Chosen
from db.judged import Judged
from db.reviews import Wanted
from loop.trust import Trust, is_improbable, weigh

# New drawings that a run takes of a session, corrections first; and of one that operators confirmed.
MOST_OF_SESSION = 20
MOST_OF_PROVEN = 100
# And of a network, of all its sessions together that no operator has confirmed: sessions cost nothing.
MOST_OF_NETWORK = MOST_OF_SESSION
# New drawings of one kind ("read as 3, said to be 8") that a run takes for a part, of all sessions together
# that no operator has confirmed, however many these are, and of each that one did. Also of what is said to be
# right: to confirm what is wrong keeps a model from learning. Shown 40 times each, they are 800 of the
# 77,000 frames of a fine-tuning.
MOST_OF_KIND = 20
# Of a session's drawings, the most urgent ones: one that judges thousands must not hide the others.
MOST_REVIEWS_OF_SESSION = 10
MOST_REVIEWS = 500
# Where nothing else is to be told apart, sooner is what is nearer to another answer.
URGENCY = {"contradicted": 4.0, "improbable": 3.0, "informative": 2.0, "untrusted": 1.0, "over_cap": 0.0}
GATE_PERCENT = 20


@dataclass(frozen=True)
class Choice:
    """What a run does with the judged drawings.

    Attributes:
        examples: What it takes.
        new: The pictures of these that no version which passed and was tried has learnt with this label.
        reviews: What operators should look at.
        left_out: How many drawings are not taken, by reason.
        trust: The sessions that judged.
    """

    examples: list[Chosen]
    new: frozenset[bytes]
    reviews: list[Wanted]
    left_out: dict[str, int]
    trust: dict[str, Trust]


@dataclass
class _Sorted:
    """What is found meanwhile."""

    salt: str
    taken: list[Judged] = field(default_factory=list)
    reviews: list[tuple[str, Judged]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def lot(self, one: Judged) -> bytes:
        return hashlib.sha256(self.salt.encode() + one.picture).digest()

    def leave_out(self, why: str, one: Judged) -> None:
        self.left_out[why] += 1
        # Nobody need look at what says that the model was right.
        if _is_correction(one) or why == "contradicted":
            self.reviews.append((why, one))


def is_gate_session(session_id: str) -> bool:
    """Return whether what a session draws only ever measures: 20 of 100 sessions, for good."""
    return int.from_bytes(hashlib.sha256(session_id.encode()).digest()[:8]) % 100 < GATE_PERCENT


def choose(
    judged: list[Judged],
    learnt: set[tuple[bytes, str | None]],
    measured: set[bytes],
    unjudged: Iterable[tuple[UUID, Mapping[str, float]]] = (),
    salt: str = "",
) -> Choice:
    """Return what a run takes of the judged drawings; the same for the same arguments.

    Args:
        judged: In the order of time.
        learnt: Pictures and labels that versions which passed and were tried were made with: these count to
            no bound.
        measured: Pictures that runs before measured with, which therefore never train.
        unjudged: Ids and probabilities of drawings that nobody judged and that are sent to review.
        salt: What nobody knew before: lots are drawn by it, so that nobody can choose pictures by them.
    """
    found = _Sorted(salt)
    gold = _gold(judged)
    skipped = {one.picture for one in judged if one.decision == "skip"} - gold.keys()
    claims = [one for one in judged if one.said_by is not None]
    contradicted, agreed = _compared(claims, gold)
    trust = weigh(claims, gold, contradicted, agreed)

    of_picture: dict[bytes, list[Judged]] = defaultdict(list)
    for one in judged:
        of_picture[one.picture].append(one)
    unproven: list[Judged] = []
    for picture, same in of_picture.items():
        one = max(same, key=lambda one: _weight(one, trust))  # of equal ones the first
        found.left_out["duplicate"] += len(same) - 1
        if picture in gold:
            found.taken.append(one)
        elif picture in skipped:
            found.left_out["skipped"] += 1
        elif picture in contradicted:
            found.leave_out("contradicted", one)
        elif is_improbable(one):
            found.leave_out("improbable", one)
        elif not trust[_judge(one)].is_enough:
            found.leave_out("untrusted", one)
        elif (picture, one.label) in learnt:
            found.taken.append(one)
        else:
            unproven.append(one)

    gate = measured | {one.picture for one in judged if is_gate_session(one.drawn_by)}
    _take(unproven, gate, trust, found)
    examples = [
        Chosen(
            one.id, "gate" if one.picture in gate else "train", gold.get(one.picture, one.label), one.picture
        )
        for one in found.taken
    ]
    examples.sort(key=lambda one: one.picture)
    new = frozenset(one.picture for one in examples if (one.picture, one.label) not in learnt)
    found.reviews += _audits([one for one in found.taken if one.picture in new - gold.keys()], found)
    reviews = _reviews(found.reviews, unjudged)
    left_out = {why: count for why, count in sorted(found.left_out.items()) if count}
    return Choice(examples, new, reviews, left_out, trust)


def _gold(judged: list[Judged]) -> dict[bytes, str | None]:
    """Return what operators said of pictures last, in a review or in the history."""
    said = [(one.decided_at, one.picture, one.decided_label) for one in judged if one.decision != "skip"]
    said += [(one.operator_said_at, one.picture, one.operators_label) for one in judged]
    words = [word for word in said if word[0] is not None]
    return {picture: label for _, picture, label in sorted(words, key=lambda word: word[:1])}


def _compared(
    claims: list[Judged], gold: Mapping[bytes, str | None]
) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Return the pictures of which sessions said different things, and those of which several said the same.

    Several are sessions of different networks; one whose network is not known may be any.
    """
    said: dict[bytes, list[Judged]] = defaultdict(list)
    for one in claims:
        if one.picture not in gold:
            said[one.picture].append(one)
    contradicted = frozenset(
        picture for picture, some in said.items() if len({one.label for one in some}) > 1
    )
    agreed = frozenset(
        picture
        for picture, some in said.items()
        if len({one.said_by for one in some}) > 1 and len({one.network or one.said_by for one in some}) > 1
    )
    return contradicted, agreed - contradicted


def _judge(one: Judged) -> str:
    return one.said_by or ""


def _weight(one: Judged, trust: dict[str, Trust]) -> tuple[bool, bool]:
    """Return what decides which of several rows of a picture stands for it."""
    of_judge = trust.get(_judge(one), Trust())
    return of_judge.is_proven, of_judge.is_enough


def _is_correction(one: Judged) -> bool:
    return one.is_digit is not False if one.label is None else one.label != one.predicted_label


def _take(some: list[Judged], gate: set[bytes], trust: dict[str, Trust], found: _Sorted) -> None:
    """Take of these what the bounds allow, the sessions by turns; the rest is for operators."""
    of_session: dict[str, list[Judged]] = defaultdict(list)
    for one in some:
        of_session[_judge(one)].append(one)
    turns: list[tuple[int, bytes, Judged]] = []
    for session, all_of_it in of_session.items():
        all_of_it.sort(key=lambda one: (not _is_correction(one), found.lot(one)))
        most = MOST_OF_PROVEN if trust[session].is_proven else MOST_OF_SESSION
        turns += [(turn, found.lot(one), one) for turn, one in enumerate(all_of_it[:most])]
        for one in all_of_it[most:]:
            found.leave_out("over_cap", one)
    of_kind: Counter[Any] = Counter()
    of_network: Counter[bytes] = Counter()
    for _, _, one in sorted(turns, key=lambda turn: turn[:2]):
        # A session that operators confirmed has a bound of its own; all others share one.
        who = _judge(one) if trust[_judge(one)].is_proven else None
        kind = (who, one.predicted_label, one.label, one.picture in gate)
        network = one.network if who is None else None
        is_full = network is not None and of_network[network] >= MOST_OF_NETWORK
        if is_full or of_kind[kind] >= MOST_OF_KIND:
            found.leave_out("over_cap", one)
            continue
        of_kind[kind] += 1
        if network is not None:
            of_network[network] += 1
        found.taken.append(one)


def _audits(taken: list[Judged], found: _Sorted) -> list[tuple[str, Judged]]:
    """Return one correction of each session, by lot: nobody knows beforehand what an operator will see."""
    drawn: dict[str, Judged] = {}
    for one in taken:
        if _is_correction(one) and (
            (known := drawn.get(_judge(one))) is None or found.lot(one) < found.lot(known)
        ):
            drawn[_judge(one)] = one
    return [("informative", one) for one in drawn.values()]


def closeness(probabilities: Mapping[str, float]) -> float:
    """Return how near the answer was to another one: 0 for a sure one, 1 for two that are equally likely."""
    first, second, *_ = [*sorted(probabilities.values(), reverse=True), 0.0, 0.0]
    return min(1.0, max(0.0, 1.0 - (first - second)))


def _reviews(
    some: list[tuple[str, Judged]], unjudged: Iterable[tuple[UUID, Mapping[str, float]]]
) -> list[Wanted]:
    """Return the most urgent ones; of each session a few, of which those after the first have to wait."""
    of_session: dict[str, list[tuple[float, float, UUID, str]]] = defaultdict(list)
    for why, one in some:
        of_session[_judge(one)].append((URGENCY[why], closeness(one.probabilities), one.id, why))
    for id_, probabilities in unjudged:
        of_session[str(id_)] = [(URGENCY["informative"], closeness(probabilities), id_, "informative")]
    wanted = [
        Wanted(id_, why, urgency + near / (1 + turn))
        for all_of_it in of_session.values()
        for turn, (urgency, near, id_, why) in enumerate(
            sorted(all_of_it, key=lambda one: (-one[0], -one[1], one[2]))[:MOST_REVIEWS_OF_SESSION]
        )
    ]
    return sorted(wanted, key=lambda one: (-one.priority, one.prediction_id))[:MOST_REVIEWS]
