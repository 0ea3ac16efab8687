"""Whether the other version is right, where somebody said that one was wrong.

A judgement tells two versions apart only where one is right by it and the other wrong: of a picture that both
read alike it says nothing about which is better (McNemar 1947, doi:10.1007/BF02295996). So the other version
is asked the stored picture, too. Whoever calls every three an eight then changes nothing, however many they
are, since neither version reads an eight there; that holds for the answers of both.

What was answered is kept by the page that drives, and nowhere else: another one asks again.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from client.errors import PredictionError, Refused
from client.inference import Inference
from client.management import path_of
from db.drawings import Drawings
from db.serving import Serving
from db.version_answers import Doubted

# One after the other and for so long each time: nobody's drawing waits for more than one of them.
ASKING_S = 1.0
# A picture that has no answer after so many tries has none.
TRIES = 3


@dataclass(frozen=True)
class Given:
    """What a version answered.

    Attributes:
        label: The label, None where it gave no answer.
        is_digit: Whether it took the picture for a digit; None where it does not say.
    """

    label: str | None = None
    is_digit: bool | None = None

    def is_right(self, doubted: Doubted) -> bool:
        """Return whether it is what somebody said, by the same measure as the answer that they judged."""
        if doubted.true_label is None:
            return self.is_digit is False
        return self.label == doubted.true_label


@dataclass
class _Pair:
    """What two versions answered to each other's pictures, and since when their next look is due."""

    versions: tuple[str, str]
    given: dict[tuple[str, UUID], Given] = field(default_factory=dict)
    tries: Counter[tuple[str, UUID]] = field(default_factory=Counter)
    look: tuple[datetime, int] | None = None
    due: datetime = datetime.max


class SecondAnswers:
    """Asks for them, a few at a time; for one thread.

    Args:
        inference: Answers them.
        drawings: Has the pictures.
    """

    def __init__(self, inference: Inference, drawings: Drawings) -> None:
        self._inference = inference
        self._drawings = drawings
        self._pairs: dict[str, _Pair] = {}

    def due(self, serving: Serving, versions: tuple[str, str], number: int, now: datetime) -> datetime:
        """Return since when a look is due: what is answered later is the next one's.

        Otherwise whoever draws faster than is asked here could put the look off for ever.

        Args:
            serving: What is served.
            versions: The version on trial, and the one beside it.
            number: The look's.
            now: The time, which it is due since if nobody knew of it before.
        """
        pair = self._pairs.get(serving.model)
        if pair is None or pair.versions != versions:
            pair = self._pairs[serving.model] = _Pair(versions)
        if pair.look != (serving.changed_at, number):
            pair.look, pair.due = (serving.changed_at, number), now
        return pair.due

    def right(
        self, model: str, version: str, doubted: Sequence[Doubted], end: float
    ) -> frozenset[UUID] | None:
        """Return of which answers this version, asked the same, gives what was said to be right.

        Args:
            model: Its model's name; `due` was called for it.
            version: Is asked, as far as it was not.
            doubted: The other version's answers that were judged wrong.
            end: Until then, by the monotonic clock.

        Returns:
            Their ids; None where there was no time for all of them, or no answer: ask again later.

        Raises:
            DatabaseUnavailable: The pictures cannot be read.
        """
        pair = self._pairs[model]
        for one in doubted:
            key = (version, one.id)
            if key in pair.given:
                continue
            given = self._asked(pair, model, key) if time.monotonic() < end else None
            if given is None:
                return None
            pair.given[key] = given
        return frozenset(one.id for one in doubted if pair.given[version, one.id].is_right(one))

    def _asked(self, pair: _Pair, model: str, key: tuple[str, UUID]) -> Given | None:
        """Return what a version answers to a picture, None where it may answer later."""
        version, prediction_id = key
        picture = self._drawings.drawing(prediction_id, None)
        if picture is None:  # deleted meanwhile
            return Given()
        try:
            answer = self._inference.predict(picture, path_of(model, version))
        except Refused:
            return Given()
        except PredictionError:
            pair.tries[key] += 1
            return Given() if pair.tries[key] >= TRIES else None
        return Given(answer.label, answer.is_digit)
