"""Asks two versions for the same judged drawings, in the background and a few at a time."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from client.answers import Answer
from client.errors import Busy, PredictionError
from client.inference import Inference
from db.comparison import Comparison, Judged
from db.errors import DatabaseUnavailable
from ui.models.board import Version
from ui.models.paired import Paired

logger = logging.getLogger(__name__)

MOST_DRAWINGS = 500
# So many questions are on their way at once: they join the batches of visitors' drawings.
AT_ONCE = 2
# A model that is busy has visitors to answer.
BUSY_S = 0.5
BUSY_TRIES = 10
# After so many failures one after the other the model is gone.
FAILURES = 10


@dataclass(frozen=True)
class Difference:
    """A drawing on which the two gave different labels."""

    drawing: Judged
    label_a: str
    label_b: str


@dataclass
class Job:
    """A comparison, and how far it is; changed by its own threads alone, but for `is_cancelled`.

    Attributes:
        a: The first version.
        b: The second.
        who: Who asked for it.
        total: How many drawings there are; None until that is known.
        done: How many of them are through.
        unanswered: How many of those at least one of the two gave no answer to.
        foreign: How many have a label that one of the two does not know.
        result: So far.
        differences: On which they gave different labels, newest judgement first.
        complaint: Why it ended early; "" otherwise.
    """

    a: Version
    b: Version
    who: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    total: int | None = None
    done: int = 0
    unanswered: int = 0
    foreign: int = 0
    result: Paired = field(default_factory=Paired)
    differences: list[Difference] = field(default_factory=list)
    complaint: str = ""
    is_over: bool = False
    is_cancelled: bool = False
    failures: int = 0

    def asks(self, path: str) -> bool:
        """Return whether it still has questions for a version."""
        return not self.is_over and path in (self.a.path, self.b.path)


class Comparer:
    """Makes one comparison at a time, and keeps the last one; may be used by many threads.

    Args:
        inference: TorchServe's inference API.
        comparison: The judged drawings.
        used: Told of each question, so that a model does not count as idle.
    """

    def __init__(
        self, inference: Inference, comparison: Comparison, used: Callable[[Version], object]
    ) -> None:
        self._inference = inference
        self._comparison = comparison
        self._used = used
        self._lock = threading.Lock()
        self.job: Job | None = None

    def begin(self, a: Version, b: Version, who: str) -> bool:
        """Begin a comparison; return False where another one is under way."""
        with self._lock:
            if self.job is not None and not self.job.is_over:
                return False
            self.job = job = Job(a, b, who)
        threading.Thread(target=self._run, args=(job,), name="compare-models", daemon=True).start()
        return True

    def cancel(self) -> None:
        """Have the comparison end before its next question; what it has found stays."""
        with self._lock:
            if self.job is not None:
                self.job.is_cancelled = True

    def _run(self, job: Job) -> None:
        about = f"{job.who}: compare {job.a.model.title} with {job.b.model.title}"
        try:
            drawings = self._comparison.judged(MOST_DRAWINGS)
            job.total = len(drawings)
            with ThreadPoolExecutor(AT_ONCE, "compare") as threads:
                for _ in threads.map(lambda drawing: self._compare(job, drawing), drawings):
                    pass
            order = {drawing.id: place for place, drawing in enumerate(drawings)}
            job.differences.sort(key=lambda difference: order[difference.drawing.id])
        except DatabaseUnavailable as error:
            job.complaint = "The database is unavailable, and the drawings with it."
            logger.warning("%s: %s", about, error)
        except Exception:
            job.complaint = "It failed; the page's log says why."
            logger.exception("%s", about)
        logger.info("%s: %d drawings, %s", about, job.result.count, job.complaint or "done")
        job.is_over = True

    def _compare(self, job: Job, drawing: Judged) -> None:
        """Ask both for one drawing; what fails counts as unanswered, and after a few of these all ends."""
        if job.is_cancelled or job.complaint:
            return
        complaint, answers = "", None
        try:
            answers = self._ask(job, drawing.id)
        except DatabaseUnavailable:
            complaint = "The database is unavailable, and the drawings with it."
        except PredictionError as error:
            complaint = str(error)
        with self._lock:
            job.done += 1
            if answers is None:
                job.unanswered += 1
                job.failures = job.failures + 1 if complaint else 0
                if job.failures >= FAILURES:
                    job.complaint = f"It ended early: {complaint}"
                return
            job.failures = 0
            _count(job, drawing, *answers)

    def _ask(self, job: Job, prediction_id: UUID) -> tuple[Answer, Answer] | None:
        """Return both answers; None where the drawing is gone, deleted meanwhile."""
        image = self._comparison.drawing(prediction_id)
        if image is None:
            return None
        a, b = (self._answer(job, image, version) for version in (job.a, job.b))
        return a, b

    def _answer(self, job: Job, image: bytes, version: Version) -> Answer:
        self._used(version)
        for _ in range(BUSY_TRIES):
            try:
                return self._inference.predict(image, version.path)
            except Busy:
                if job.is_cancelled:
                    raise
                time.sleep(BUSY_S)
        return self._inference.predict(image, version.path)


def _count(job: Job, drawing: Judged, a: Answer, b: Answer) -> None:
    """Add what two answers to a drawing say."""
    truth = drawing.true_label
    if not all(_knows(version, answer, truth) for version, answer in ((job.a, a), (job.b, b))):
        job.foreign += 1
        return
    before, was_a, was_b = job.result, a.label == truth, b.label == truth
    job.result = Paired(
        before.both + (was_a and was_b),
        before.only_a + (was_a and not was_b),
        before.only_b + (was_b and not was_a),
        before.neither + (not was_a and not was_b),
    )
    if a.label != b.label:
        job.differences.append(Difference(drawing, a.label, b.label))


def _knows(version: Version, answer: Answer, label: str) -> bool:
    """Return whether a version has this label; answers of hundreds have only their likeliest."""
    if version.model.labels:
        return label in version.model.labels
    return not answer.has_all or label in answer.probabilities
