"""Visitors of a deployed platform, who keep asking while something is done to it."""

import base64
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from training.data.drawing import png

# What a person, or a client that one wrote with care, does when there is no answer: ask again a little later.
AGAIN_S = 0.2
GIVE_UP_S = 120.0
ANSWER_S = 20.0
SEVEN = png("7")


@dataclass
class Tally:
    """What some visitors got.

    Attributes:
        asked: Requests of theirs, each counted once however often it was asked again.
        answered: Those of them that got their answer in the end.
        asked_again: How often a visitor had to ask again.
        troubles: Each time without an answer: seconds since the start, and what came instead.
        helped: When each of those who had to ask again got their answer, seconds since the start.
    """

    asked: int = 0
    answered: int = 0
    asked_again: int = 0
    troubles: list[tuple[float, str]] = field(default_factory=list)
    helped: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def whole_after_s(self, fault_s: float) -> float:
        """Return how long after a fault the last who was without an answer had one, 0.0 where nobody was."""
        return max((at - fault_s for at in self.helped), default=0.0)


def predict(session: requests.Session, address: str) -> str:
    """Return the label that the proxy's API gives for a drawn 7.

    Raises:
        requests.RequestException: There is no answer.
    """
    response = session.post(
        f"{address}/predict", data=SEVEN, headers={"Content-Type": "image/png"}, timeout=ANSWER_S
    )
    response.raise_for_status()
    return str(response.json()["label"])


class Visitor:
    """Somebody who draws on the page, without a browser: sends what the browser sends as the pen lifts.

    Attributes:
        session_id: Whose history the drawings belong to.
        kept: The ids of the drawings that the page says are kept.
        request_ids: The ids of the requests that were answered.
    """

    def __init__(self, address: str, session: requests.Session | None = None) -> None:
        self._address = address
        self._session = session or requests.Session()
        self.session_id = secrets.token_hex(16)
        self.kept: list[str] = []
        self.request_ids: list[str] = []
        config = self._session.get(f"{address}/config", timeout=ANSWER_S).json()
        self._stroke = next(
            event["id"]
            for event in config["dependencies"]
            if any(trigger == "stroke" for _, trigger in event["targets"])
        )

    def draw(self) -> str:
        """Draw a 7; return the label that the page shows.

        Raises:
            requests.RequestException: The page does not answer, or answers without a label.
        """
        picture = "data:image/png;base64," + base64.b64encode(SEVEN).decode()
        pad = {"image": picture, "source": "sketchpad", "pen": "#000000", "paper": "#ffffff", "sent": 1}
        response = self._session.post(
            f"{self._address}/gradio_api/run/predict",
            json={"data": [pad, self.session_id], "fn_index": self._stroke, "session_hash": self.session_id},
            timeout=ANSWER_S,
        )
        response.raise_for_status()
        shown = str(response.json()["data"][0])
        found = re.search(r'data-testid="label">([^<]+)<', shown)
        if found is None:
            raise requests.RequestException(f"the page shows no label: {re.sub('<[^>]*>', ' ', shown)[:200]}")
        self.request_ids.append(response.headers.get("X-Request-Id", ""))
        prediction = re.search(r'data-prediction="([0-9a-f-]{36})"', shown)
        if prediction is not None and "not kept" not in shown:
            self.kept.append(prediction[1])
        return found[1]


@contextmanager
def keep_asking(asks: list[Callable[[], str]], pause_s: float = 0.05) -> Iterator[Tally]:
    """Let visitors ask, each in a thread, until the end of the block; all of their answers must be "7"."""
    tally, lock, enough = Tally(), threading.Lock(), threading.Event()

    def visit(ask: Callable[[], str]) -> None:
        while not enough.is_set():
            with lock:
                tally.asked += 1
            has_asked_again = False
            give_up = time.monotonic() + GIVE_UP_S
            while time.monotonic() < give_up:
                try:
                    label = ask()
                except requests.RequestException as trouble:
                    with lock:
                        tally.asked_again += 1
                        tally.troubles.append((time.monotonic() - tally.began, repr(trouble)[:300]))
                    has_asked_again = True
                    time.sleep(AGAIN_S)
                    continue
                with lock:
                    tally.answered += label == "7"
                    if has_asked_again:
                        tally.helped.append(time.monotonic() - tally.began)
                break
            time.sleep(pause_s)

    threads = [threading.Thread(target=visit, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        enough.set()
        for thread in threads:
            thread.join(GIVE_UP_S + ANSWER_S)
