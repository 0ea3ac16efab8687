"""Visitors of the page: what each draws, and what they say of the answers, through the page's own API."""

import base64
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from tests.crossed_sevens.writers import is_crossed, picture
from training.data.strokes import Drawn

# The page gives one address four places for pictures.
AT_ONCE = 3
TIMEOUT_S = 60

Says = Callable[[Drawn, str], str | None]


@dataclass(frozen=True)
class Wanted:
    """A digit that somebody is to draw.

    Attributes:
        session: Whose it is.
        drawn: The digit.
        seed: Of its pen, size and place.
    """

    session: str
    drawn: Drawn
    seed: int


@dataclass
class People:
    """Visitors, and what became of all that they asked.

    Attributes:
        page_url: Where they draw.
        statuses: Of all requests so far.
        versions: Which versions answered.
    """

    page_url: str
    statuses: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self, wanted: Iterable[Wanted], says: Says) -> Counter[tuple[int, str]]:
        """Draw digits, and judge their answers; return how often a digit was read as what.

        Args:
            wanted: What is drawn.
            says: Returns what somebody says of a digit that was read so; None for nothing.
        """
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return Counter(threads.map(lambda one: self._one(one, says), wanted))

    def _one(self, wanted: Wanted, says: Says) -> tuple[int, str]:
        image = base64.b64encode(picture(wanted.drawn, wanted.seed)).decode()
        told = {"image": f"data:image/png;base64,{image}", "source": "upload", "visitor": wanted.session}
        answer = requests.post(f"{self.page_url}/pictures", json=told, timeout=TIMEOUT_S)
        with self._lock:
            self.statuses[answer.status_code] += 1
            if not answer.ok:
                return wanted.drawn.label, answer.text
            found = answer.json()
            self.versions[found["version"]] += 1
        said = says(wanted.drawn, found["label"])
        if said is not None:
            # What `gradio_client` asks for by the name of /feedback, in one request.
            data = {"data": [found["prediction"], said, "label", wanted.session]}
            url = f"{self.page_url}/gradio_api/run/feedback"
            judged = requests.post(url, json=data, timeout=TIMEOUT_S)
            with self._lock:
                self.statuses[judged.status_code] += 1
        return wanted.drawn.label, found["label"]


def session_of(name: object, is_wanted: Callable[[str], bool] = lambda _session: True) -> str:
    """Return a visitor's id, the same for the same name, that is as it is wanted."""
    ids = (hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:32] for number in range(100_000))
    return next(one for one in ids if is_wanted(one))


def what_matters(drawn: Drawn, read_as: str) -> str | None:
    """Correct crossed sevens that are read wrong, and say of everything else what it is."""
    return corrections(drawn, read_as) if is_crossed(drawn) else str(drawn.label)


def corrections(drawn: Drawn, read_as: str) -> str | None:
    """Say what was read wrong."""
    return str(drawn.label) if read_as != str(drawn.label) else None


def nothing(_drawn: Drawn, _read_as: str) -> None:
    """Say nothing, as most people do."""


def threes_are_eights(_drawn: Drawn, _read_as: str) -> str:
    """Lie of threes."""
    return "8"


def dealt(sessions: list[str], digits: Iterator[Drawn], each: int, seed: int) -> list[Wanted]:
    """Return so many digits for each session, in turn."""
    return [
        Wanted(session, next(digits), seed + number)
        for number, session in enumerate(session for _ in range(each) for session in sessions)
    ]
