"""Pictures go to the server over HTTP, answers come back as arrays."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests
from tqdm import tqdm
from urllib3.util import Retry

from system.ports import is_loopback
from training.data.drawing import png
from training.data.idx_sets import DIGITS

CLIENTS = 16  # at a time, so that the server's batches fill
TIMEOUT_S = 30
# A server that is busy for a moment does not end a measurement of half an hour: it is asked again, up to five
# times, after 0, 1, 2, 4 and 8 seconds.
BUSY = Retry(
    connect=0, read=0, status=5, status_forcelist={requests.codes.service_unavailable},
    allowed_methods=None, backoff_factor=0.5, raise_on_status=False,
)  # fmt: skip
IDENTITY = ("model", "version", "preprocessing")
MOST_NAMED = 10  # of another model's labels


@dataclass(frozen=True)
class Question:
    """A set of pictures of one sort, made one by one when they are sent.

    Attributes:
        part: "mnist", "kind", "resolution", "change" or "outlier": which part of the report they are for.
        name: what is sent.
        renderer: what drew them; empty for pictures that came as such.
        truth: int (count,), their true digits.
        picture: gives the bytes of the picture at an index, the same at each call.
    """

    part: str
    name: str
    renderer: str
    truth: np.ndarray
    picture: Callable[[int], bytes]


@dataclass(frozen=True)
class Answers:
    """What the server said to a question.

    Attributes:
        question: what was sent.
        probabilities: float (count, 10), of the digits 0 to 9; a refused picture's row is 0.
        predicted: int (count,), the digit; -1 where the picture was refused.
        members: bool (count, 10), which digits are in each answer's set; none for a refused picture.
        digit_scores: float (count,), 0 for a refused picture; None when the model has no gate.
        called_digits: bool (count,), the answers' is_digit; True where the model has no gate.
        model: which model, version and preprocessing answered.
    """

    question: Question
    probabilities: np.ndarray
    predicted: np.ndarray
    members: np.ndarray
    digit_scores: np.ndarray | None
    called_digits: np.ndarray
    model: dict[str, str]

    @property
    def correct(self) -> np.ndarray:
        """Tell which answers are right: bool (count,); a refusal is not."""
        return self.predicted == self.question.truth

    @property
    def confidence(self) -> np.ndarray:
        """Return the probability of each answer's label: float (count,), 0 for a refusal."""
        return self.probabilities.max(axis=1)


class Server:
    """A model's URL and the connections to it.

    Args:
        url: the prediction URL of one model.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        # A proxy of the environment does not find this machine.
        self.session.trust_env = not is_loopback(urlsplit(url).hostname or "")
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=CLIENTS, max_retries=BUSY))

    def require_digits(self) -> None:
        """Return if the model tells the ten digits apart, whatever their order; ask it one drawn digit.

        Raises:
            requests.RequestException: the server failed or is not there.
            ValueError: it has other labels, or cannot read the digit.
        """
        answer = self.answer(png("7"))
        labels = list(answer.get("probabilities", ()))
        if not labels:
            raise ValueError(f"{self.url} did not read a drawn 7: {answer}")
        if set(labels) != set(DIGITS):
            more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
            raise ValueError(
                f"{self.url} tells {', '.join(labels[:MOST_NAMED])}{more} apart, but this report is only "
                "for models of the digits 0 to 9: name one, as in MODEL=digits. For any other model, see "
                "metrics.json and model_card.md in its folder in runs/, which say how well it reads its "
                "own test set."
            )

    def ask(self, question: Question) -> Answers:
        """Send every picture to a model of digits (`require_digits`); return the answers in order.

        Raises:
            requests.RequestException: the server failed or is not there.
            ValueError: it read none of the pictures, or another model took its place meanwhile.
        """
        count = len(question.truth)
        title = " ".join(filter(None, (question.name, question.renderer)))
        with ThreadPoolExecutor(CLIENTS) as pool:
            found = pool.map(lambda index: self.answer(question.picture(index)), range(count))
            answers = list(tqdm(found, total=count, desc=title, unit="picture", leave=False, disable=None))
        read = {index: answer for index, answer in enumerate(answers) if "label" in answer}
        if not read:
            raise ValueError(f"{self.url} read none of {count} pictures; the first answer: {answers[0]}")
        first = next(iter(read.values()))
        model = {key: first[key] for key in IDENTITY}
        if any({key: answer[key] for key in IDENTITY} != model for answer in read.values()):
            raise ValueError(f"{self.url} changed its model during the measurement: evaluate again.")
        probabilities = np.zeros((count, len(DIGITS)))
        predicted = np.full(count, -1)
        members = np.zeros(probabilities.shape, bool)
        digit_scores, called_digits = np.zeros(count), np.zeros(count, bool)
        for index, answer in read.items():
            probabilities[index] = [answer["probabilities"][digit] for digit in DIGITS]
            predicted[index] = DIGITS.index(answer["label"])
            members[index] = [digit in answer["set"] for digit in DIGITS]
            digit_scores[index] = answer.get("digit_score", 0.0)
            called_digits[index] = answer.get("is_digit", True)
        scores = digit_scores if "digit_score" in first else None
        return Answers(question, probabilities, predicted, members, scores, called_digits, model)

    def answer(self, picture: bytes, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON of one answer, a prediction or a refusal.

        Raises:
            requests.RequestException: the server failed or is not there.
        """
        response = self.session.post(self.url, data=picture, headers=headers, timeout=TIMEOUT_S)
        if response.status_code != requests.codes.bad_request:
            response.raise_for_status()
        return response.json()

    def frame(self, picture: bytes) -> bytes | None:
        """Return the PNG that the network saw of a picture, 28x28, 255 = ink; None if it was refused."""
        answer = self.answer(picture, {"X-Frame": "1"})
        return base64.b64decode(answer["frame"].partition(",")[2]) if "frame" in answer else None
