"""How far a session's word counts: by what operators decided of its drawings, and what the model was sure of.

Corrections are anonymous input, and a way to teach the model what is wrong. A session begins with some trust,
since most people say what they see; what it says against all appearances costs more than what it says with
them earns, and an operator's word settles either. The estimate is the mean of a Beta distribution (Josang and
Ismail 2002, "The Beta Reputation System").
"""

from collections.abc import Iterable
from dataclasses import dataclass

from db.judged import Judged

# What is known before anything is: four of five.
RIGHT_BEFORE, WRONG_BEFORE = 4.0, 1.0
# Nothing of a session below is used without an operator's word. One wrong judgement is below, and above again
# with two right ones.
BOUND = 0.75
# Whoever says what the model is nearly sure of agrees with what thousands wrote, but that is cheaply said:
# ten make up for one that is improbable, and more of them for no more. What others say of the same picture
# counts alike and together with it: who agrees with sessions of their own gains what ten plain digits would
# have given them.
EASY, EASY_WORTH, MOST_EASY = 0.99, 0.2, 10
# Labels that the model gave less are nearly always slips of the finger, or lies.
IMPROBABLE = 0.001
# So many right ones in an operator's eyes, and a session is proven; so many looks, and they alone tell.
PROVEN = 3


@dataclass(frozen=True)
class Trust:
    """What speaks for a session and what against it.

    Attributes:
        right: Judgements that an operator confirmed.
        wrong: Those that an operator contradicted.
        easy: Those that say what the model was nearly sure of, or what others say as well.
        odd: Those that are improbable or contradicted by others, of which no operator has said anything yet.
    """

    right: int = 0
    wrong: int = 0
    easy: int = 0
    odd: int = 0

    @property
    def mean(self) -> float:
        """Return the share of its judgements that an operator would confirm, as far as is known, 0 to 1."""
        right, wrong = RIGHT_BEFORE + self.right, WRONG_BEFORE + self.wrong
        # Where operators looked at some, that tells more than whether the others look easy or odd.
        if self.right + self.wrong < PROVEN:
            right += EASY_WORTH * min(self.easy, MOST_EASY)
            wrong += self.odd
        return right / (right + wrong)

    @property
    def is_enough(self) -> bool:
        """Whether what it says may be used at all."""
        # In floating point 0.75 may come out a hair below.
        return self.mean > BOUND - 1e-9

    @property
    def is_proven(self) -> bool:
        """Whether operators confirmed enough of it, and contradicted next to nothing."""
        return self.is_enough and self.right >= max(PROVEN, 10 * self.wrong)


def probability(one: Judged) -> float:
    """Return the probability, 0 to 1, that the model gave to what somebody said."""
    if one.label is not None:
        return float(one.probabilities.get(one.label, 0.0))  # 0: the model has no such label
    # Of "no digit" the rows have the verdict alone, and a sure label speaks for it.
    return 1.0 if one.is_digit is not True else max(0.0, 1.0 - one.confidence)


def is_improbable(one: Judged) -> bool:
    """Return whether what somebody said is nearly certainly wrong to the model that answered."""
    return probability(one) < IMPROBABLE


def is_easy(one: Judged) -> bool:
    """Return whether somebody said what the model was nearly sure of."""
    return one.label == one.predicted_label and one.confidence >= EASY and one.is_digit is not False


def weigh(
    claims: Iterable[Judged],
    gold: dict[bytes, str | None],
    contradicted: frozenset[bytes],
    agreed: frozenset[bytes] = frozenset(),
) -> dict[str, Trust]:
    """Return the trust in each session that judged, each picture counted once a session.

    Args:
        claims: What sessions said, operators' words not among them.
        gold: What operators said of pictures.
        contradicted: The pictures of which sessions said different things, and no operator anything.
        agreed: Those of which independent sessions said the same.
    """
    of_session: dict[str, dict[bytes, Judged]] = {}
    for one in claims:
        if one.said_by is not None:
            of_session.setdefault(one.said_by, {})[one.picture] = one
    return {
        session: _trust(list(pictures.values()), gold, contradicted, agreed)
        for session, pictures in of_session.items()
    }


def _trust(
    said: list[Judged],
    gold: dict[bytes, str | None],
    contradicted: frozenset[bytes],
    agreed: frozenset[bytes],
) -> Trust:
    settled = [one for one in said if one.picture in gold]
    unsettled = [one for one in said if one.picture not in gold]
    right = sum(one.label == gold[one.picture] for one in settled)
    odd = sum(is_improbable(one) or one.picture in contradicted for one in unsettled)
    easy = sum(is_easy(one) or (one.picture in agreed and not is_improbable(one)) for one in unsettled)
    return Trust(right, len(settled) - right, easy, odd)
