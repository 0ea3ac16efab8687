"""What both versions are asked, and their answers side by side."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from loop.feedback import Example
from loop.verdict.statistics import Pairs, pairs_of
from training.data.idx_sets import DIGITS
from training.data.sets import CACHE, OPTDIGITS_TRAIN, load, optdigits_images
from training.evaluation import outliers, questions
from training.evaluation.ask import Answers, Question, Server
from training.names import FOLDER, MODEL_NAMES

# These are asked with what the reports ask: MNIST and strokes of every kind.
OF_DIGITS = ("digits", "mnist")


@dataclass(frozen=True)
class Extent:
    """How much is asked. All of it may take half an hour on two cores.

    Attributes:
        scans: of MNIST's test images, the first so many; None: all 10,000.
        strokes: digits of held-out writers, of each kind and renderer; there are 1,246.
        hands: how often each is drawn, by another hand every time.
        outliers: pictures of each kind of what is no digit.
        fuzzed: mutated requests.
        replayed: stored drawings, the newest.
        timed: requests to each version, one after another.
        margin: how much rarer a candidate may be right, as a share: 0.001 is 0.1 points.
    """

    scans: int | None = None
    strokes: int = 1246
    hands: int = 2
    outliers: int = 40
    fuzzed: int = 2000
    replayed: int = 500
    timed: int = 200
    margin: float = 0.001


@dataclass(frozen=True)
class Both:
    """Both versions' answers to one question.

    Attributes:
        champion: of the version that is served.
        candidate: of the one that may take its place.
    """

    champion: Answers
    candidate: Answers

    @property
    def name(self) -> str:
        """What was asked."""
        return self.champion.question.name

    @property
    def pairs(self) -> Pairs:
        """Who was right how often."""
        return pairs_of(self.candidate.correct, self.champion.correct)


def ask_both(champion: Server, candidate: Server, asked: Iterable[Question]) -> Iterator[Both]:
    """Yield both versions' answers to each question; a picture is made once and sent to both.

    Raises:
        requests.RequestException: the server failed or is not there.
        ValueError: a version read none of the pictures.
    """
    for question in asked:
        once = replace(question, picture=functools.cache(question.picture))
        both = (server.ask(once) for server in (champion, candidate))
        # Not the question with all its pictures: of all kinds together these are half a GB.
        yield Both(*(replace(answers, question=question) for answers in both))


def known(data_set: str, data_dir: Path, extent: Extent, framing: str | None = None) -> Iterator[Question]:
    """Return the pictures with known digits that training never saw.

    Args:
        data_set: what the versions were trained on.
        data_dir: where its files lie.
        extent: how many are asked.
        framing: how the versions' images become frames; a folder of images says nothing of that.

    Raises:
        FileNotFoundError: the data set's files are not there and cannot be downloaded.
        ValueError: its labels are not the ten digits.
    """
    if data_set in OF_DIGITS:
        digits = questions.held_out(data_dir, extent.strokes) if extent.strokes else []
        return chain(
            [questions.mnist(data_dir, extent.scans)],
            questions.kinds(digits * extent.hands) if digits else (),
        )
    if data_set == "optdigits":
        images, labels = (some[OPTDIGITS_TRAIN:] for some in optdigits_images())
        return iter([questions.as_they_are(data_set, images, labels, extent.scans)])
    # Of a folder of images the frames are there, which are pictures, too.
    data = load(data_set if data_set in MODEL_NAMES else FOLDER, data_dir, CACHE, framing)
    if set(data.label_names) != set(DIGITS):
        raise ValueError(
            f"the labels of {data_set} are {', '.join(data.label_names)}, but the gate's questions are digits"
        )
    own = np.array([DIGITS.index(label) for label in data.label_names])
    return (
        questions.as_they_are(name, part.frames, own[part.labels], extent.scans)
        for name, part in data.tests.items()
    )


def no_digits(data_dir: Path, extent: Extent) -> Iterator[Question]:
    """Return pictures of what is no digit.

    Raises:
        FileNotFoundError: the strokes or MNIST are not there and cannot be downloaded.
    """
    return outliers.questions(outliers.material(data_dir), extent.outliers)


def corrected(examples: list[Example]) -> Question | None:
    """Return the held-out drawings that people said which digit they are; None where there are none."""
    usable = [one for one in examples if one.label in DIGITS]
    if not usable:
        return None
    truth = np.array([DIGITS.index(str(one.label)) for one in usable])
    return Question("feedback", "held-out feedback", "", truth, lambda index: usable[index].drawing)
