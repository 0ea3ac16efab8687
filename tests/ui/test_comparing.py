"""Two versions asked for the same judged drawings."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from client.answers import Answer
from client.errors import Busy, Refused, Unreachable
from client.inference import Inference
from db.comparison import Judged
from db.errors import DatabaseUnavailable
from tests.ui.managing import Managing, managing
from tests.ui.several_models import put_archive
from ui.models.board import Version
from ui.models.comparing import AT_ONCE, FAILURES, Comparer, Job
from ui.models.model import Model
from ui.models.paired import Paired

A, B = (Version(Model(f"{name}/1.0.0", name, "1.0.0")) for name in ("digits", "digits-vit"))


class Drawings:
    """Judged drawings in memory; each drawing's bytes are its number."""

    def __init__(self, labels: Sequence[str], gone: int = -1, is_away: bool = False) -> None:
        self.labels = [Judged(uuid.UUID(int=number), label) for number, label in enumerate(labels)]
        self.gone = gone
        self.is_away = is_away

    def judged(self, limit: int) -> list[Judged]:
        """Return the first ones."""
        if self.is_away:
            raise DatabaseUnavailable("away")
        return self.labels[:limit]

    def drawing(self, prediction_id: UUID) -> bytes | None:
        """Return a drawing's number, None for the one that is gone."""
        return None if prediction_id.int == self.gone else b"%d" % prediction_id.int


class Answers:
    """An inference API: what each model reads in each drawing."""

    def __init__(self, read: Callable[[str, int], str | Exception]) -> None:
        self.read = read
        self.running = 0
        self.most = 0
        self.lock = threading.Lock()

    def predict(self, image: bytes, model: str) -> Answer:
        """Answer, and count how many are asked at once."""
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.001)
        with self.lock:
            self.running -= 1
        label = self.read(model.partition("/")[0], int(image))
        if isinstance(label, Exception):
            raise label
        probabilities = {str(digit): 0.1 for digit in range(10)}
        return Answer(label, 0.9, probabilities, model, "1.0.0", "x", (), None, "", "", 1.0)


def compared(answers: Answers, drawings: Drawings) -> Job:
    comparer = Comparer(answers, drawings, lambda _version: None)  # type: ignore[arg-type]
    assert comparer.begin(A, B, "ada")
    return ended(comparer)


def ended(comparer: Comparer) -> Job:
    deadline = time.monotonic() + 20
    while comparer.job is None or not comparer.job.is_over:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return comparer.job


def test_each_drawing_counts_once_and_differences_are_kept_in_their_order() -> None:
    def read(model: str, number: int) -> str:
        wrong = number % 10 in ((1, 2, 3) if model == "digits" else (3, 4))
        return ("8" if model == "digits" else "9") if wrong else "7"

    answers = Answers(read)
    job = compared(answers, Drawings(["7"] * 40))
    assert job.result == Paired(both=24, only_a=4, only_b=8, neither=4)
    assert (job.total, job.done, job.complaint, job.is_over) == (40, 40, "", True)
    assert [one.drawing.id.int for one in job.differences] == [
        number for number in range(40) if number % 10 in (1, 2, 3, 4)
    ]
    assert answers.most <= AT_ONCE


def test_what_cannot_be_asked_or_named_is_left_out_and_counted() -> None:
    def read(_model: str, number: int) -> str | Exception:
        return Refused("no drawing") if number == 3 else "7"

    job = compared(Answers(read), Drawings(["7", "7", "trouser", "7", "7"], gone=1))
    assert (job.unanswered, job.foreign, job.result) == (2, 1, Paired(both=2))
    assert not job.complaint


def test_a_label_that_a_model_of_hundreds_lacks_is_not_its_mistake() -> None:
    digits, birds = tuple("0123456789"), tuple(f"bird {number}" for number in range(200))
    versions = [
        Version(Model(f"{name}/1.0.0", name, "1.0.0", labels=labels))
        for name, labels in (("digits", digits), ("birds", birds))
    ]

    class Likeliest(Answers):
        """Of more labels than a hundred, an answer has ten."""

        def predict(self, image: bytes, model: str) -> Answer:
            answer = super().predict(image, model)
            if model.startswith("digits"):
                return answer
            return replace(answer, probabilities=dict.fromkeys(birds[:10], 0.1), has_all=False)

    read = Likeliest(lambda model, number: ("7" if number < 30 else "1") if model == "digits" else birds[0])
    truth = ["7"] * 30 + [birds[150]] * 2
    comparer = Comparer(read, Drawings(truth), lambda _version: None)  # type: ignore[arg-type]
    a, b = versions
    assert comparer.begin(a, b, "ada")
    job = ended(comparer)
    assert (job.foreign, job.result) == (32, Paired())


def test_a_busy_model_is_left_to_visitors_for_a_while_and_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ui.models.comparing.BUSY_S", 0.01)
    tries: list[int] = []

    def read(model: str, number: int) -> str | Exception:
        tries.append(number)
        return Busy("busy") if model == "digits-vit" and tries.count(number) < 4 else "7"

    assert compared(Answers(read), Drawings(["7"])).result == Paired(both=1)


def test_a_model_that_is_gone_ends_it_with_the_reason() -> None:
    job = compared(Answers(lambda *_: Unreachable("The model cannot be reached.")), Drawings(["7"] * 100))
    assert job.complaint == "It ended early: The model cannot be reached."
    assert FAILURES <= job.done < 100


def test_without_the_database_it_ends_with_the_reason() -> None:
    job = compared(Answers(lambda *_: "7"), Drawings(["7"], is_away=True))
    assert job.complaint == "The database is unavailable, and the drawings with it."


def test_there_is_one_at_a_time_and_it_can_be_cancelled() -> None:
    going = threading.Event()

    def read(_model: str, _number: int) -> str:
        going.wait(10)
        return "7"

    comparer = Comparer(Answers(read), Drawings(["7"] * 100), lambda _version: None)  # type: ignore[arg-type]
    assert comparer.begin(A, B, "ada")
    assert not comparer.begin(A, B, "grace")
    assert comparer.job is not None
    assert comparer.job.asks(A.path)
    comparer.cancel()
    going.set()
    job = ended(comparer)
    assert job.done <= AT_ONCE
    assert not job.asks(A.path)
    assert comparer.begin(A, B, "grace")
    ended(comparer)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Managing]:
    for name in ("digits", "digits-vit"):
        put_archive(tmp_path, f"{name}.mar", name)
    with managing(tmp_path, ["digits.mar", "digits-vit.mar"]) as served:
        yield served


def test_each_version_is_asked_by_its_own_address(two: Managing) -> None:
    two.label = lambda name, _image: "7" if name == "digits" else "1"
    comparer = Comparer(Inference(two.url), Drawings(["7"] * 3), lambda _version: None)  # type: ignore[arg-type]
    comparer.begin(A, B, "ada")
    assert ended(comparer).result == Paired(only_a=3)
