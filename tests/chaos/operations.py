"""What visitors do on the page, as their browsers send it, and what they were told of each of it."""

import base64
import hashlib
import io
import random
import re
import time
from collections.abc import Callable
from typing import Any

import requests
from PIL import Image, PngImagePlugin

from tests.chaos.journal import Journal, Stroke
from training.data.drawing import png

# ANSWER_TIMEOUT_S, and as much again for two busy cores.
PAGE_ANSWERS_S = 10.0
GIVE_UP_S = 30.0
# What reads it may have to start first, while other processes start, too.
NUMBER_S = 30.0
PAGE_BACK_S = 150.0
ID = re.compile(r'data-prediction="([0-9a-f-]{36})"')
WORDS = re.compile(r'class="reading-headline">[^<]+</p><p class="reading-detail">[^<]+<')


class Visitor:
    """Somebody in front of the page, who does one thing after another.

    Args:
        name: Tells this one's drawings from others'.
        seed: Of what is done.
        url: Gives the page's address now.
        was_away: Says whether the page was being killed or restarted at some time since a moment.
        journal: Gets what is done.
    """

    def __init__(
        self,
        name: str,
        seed: int,
        url: Callable[[], str],
        was_away: Callable[[float], bool],
        journal: Journal,
    ) -> None:
        self._name, self._url, self._was_away, self._journal = name, url, was_away, journal
        self._random = random.Random(f"{seed} {name}")
        self._drawn = 0
        self._own: list[Stroke] = []
        self._session = self._new_session()
        config = requests.get(f"{url()}/config", timeout=GIVE_UP_S).json()
        targets = [
            (event["targets"][0][1], event["id"]) for event in config["dependencies"] if event["targets"]
        ]
        self._events = dict(reversed(targets))  # of several of a name the first

    def act(self) -> None:
        """Do one thing, drawing mostly, and pause a little."""
        acts = {
            self.draw: 55,
            self.draw_unstored: 5,
            self.read_number: 5,
            self.correct: 25,
            self.delete_one: 6,
            self.delete_all: 1,
            self.leave: 3,
        }
        self._random.choices(list(acts), list(acts.values()))[0]()
        time.sleep(self._random.random() / 4)

    def draw(self) -> Stroke:
        """Draw; return what became of it."""
        stroke, panel = self._send(keep=True)
        if panel is not None:
            is_kept = bool(stroke.id) and "not in the history" not in panel
            stroke.expected = "once" if is_kept else "never"
            self._own += [stroke] if is_kept else []
            self._journal.note(
                "drawn: kept" if is_kept else "drawn: not read or not kept, as is said", stroke.id
            )
            if not stroke.id and not WORDS.search(panel):
                self._journal.problem(f"the page does not say why there is no answer: {panel}")
        return stroke

    def draw_unstored(self) -> None:
        """Draw what may not be stored."""
        self._send(keep=False)[0].expected = "never"
        self._journal.note("drawn: not to be stored")

    def read_number(self) -> None:
        """Have a number read as a program does, of which nothing is stored."""
        answer = self._asked("number", "/read", NUMBER_S, may_say=503, data=png("7"))
        if answer is None:
            return
        self._journal.note("number: read" if answer.ok else "number: not read, as is said")
        if answer.json().get("text", "7") != "7":
            self._journal.problem(f"a 7 is read as {answer.text}")

    def correct(self) -> None:
        """Say what one of the drawings was, never the same of one twice."""
        stroke = self._some_own()
        left = [label for label in "0123456789" if stroke and label not in stroke.corrections]
        if stroke is None or not left:
            return
        label = self._random.choice(left)
        stroke.corrections[label] = "maybe"
        said = self._ask("judge", [self._session], {"prediction": stroke.id, "label": label})
        if said is not None:
            is_kept = not said["complaint"]
            stroke.corrections[label] = "once" if is_kept else "never"
            self._journal.note("corrected: kept" if is_kept else "corrected: not kept, as is said", stroke.id)

    def delete_one(self) -> None:
        """Delete one of the drawings."""
        if stroke := self._some_own():
            self._own.remove(stroke)
            self._delete([stroke], stroke.id)

    def delete_all(self) -> None:
        """Delete all that this session drew, and go on as another visitor."""
        self._delete([stroke for stroke in self._journal.strokes if stroke.session == self._session], "")
        self.leave()

    def leave(self) -> None:
        """Go on as another visitor."""
        self._own = []
        self._session = self._new_session()

    def _delete(self, strokes: list[Stroke], prediction_id: str) -> None:
        answer = self._ask("forget", [self._session], {"prediction": prediction_id})
        is_deleted = answer is not None and "deleted." in answer["said"] and "Nothing" not in answer["said"]
        for stroke in strokes if answer is None or is_deleted else []:
            # One that was not answered may still be on its way, and then it comes after the deletion.
            stroke.expected = "never" if is_deleted and stroke.expected != "maybe" else "maybe"
        self._journal.note("deleted" if is_deleted else "not deleted", prediction_id or "all")

    def _send(self, keep: bool) -> tuple[Stroke, str | None]:
        """Send a 7 that no other drawing is like, byte for byte; return it, and the panel with the answer.

        A worker reads a PNG itself, and has a JPEG read by its decoder aside.
        """
        self._drawn += 1
        words = f"{self._name} {self._drawn}"
        info = PngImagePlugin.PngInfo()
        info.add_text("drawing", words)
        file, kind = io.BytesIO(), self._random.choice(("png", "jpeg"))
        Image.open(io.BytesIO(png("7"))).convert("RGB").save(file, kind, pnginfo=info, comment=words)
        stroke = Stroke(self._session, hashlib.md5(file.getvalue()).hexdigest())
        self._journal.strokes.append(stroke)
        image = f"data:image/{kind};base64," + base64.b64encode(file.getvalue()).decode()
        pad = {"image": image, "source": "sketchpad", "sent": self._drawn, "keep": keep}
        panel = self._ask("stroke", [pad, self._session])
        found = ID.search(panel or "")
        stroke.id = found[1] if found else ""
        return stroke, panel

    def _some_own(self) -> Stroke | None:
        return self._random.choice(self._own[-20:]) if self._own else None

    def _new_session(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def _ask(self, event: str, data: list[Any], said: dict[str, str] | None = None) -> Any:
        """Return the page's answer, None where it gave none."""
        body = {"data": data, "fn_index": self._events[event], "session_hash": self._name, "event_data": said}
        answer = self._asked(event, "/gradio_api/run/predict", json=body)
        return answer.json()["data"][0] if answer is not None else None

    def _asked(
        self, name: str, path: str, within_s: float = PAGE_ANSWERS_S, may_say: int = 200, **sent: Any
    ) -> requests.Response | None:
        """Return the page's answer; None where it gave none: that it may only while it is restarted."""
        began = time.monotonic()
        try:
            while (answer := self._post(path, **sent)) is None:  # nobody listens, so that nothing was sent
                assert self._was_away(began), "nobody listens"
                assert time.monotonic() - began < PAGE_BACK_S, f"nobody listens for {PAGE_BACK_S:g} s"
                time.sleep(0.1)
            is_said = answer.status_code in (200, may_say)
            words = "" if is_said else f"{answer.status_code} {answer.text[:200]}"
        except (AssertionError, requests.RequestException) as error:
            words = f"{type(error).__name__}: {error}"
        took_s = time.monotonic() - began
        if not self._was_away(began):
            self._journal.slowest_s = max(self._journal.slowest_s, took_s)
            if words or took_s > within_s:
                self._journal.problem(f"{name}: {words or 'answered'} after {took_s:.1f} s")
        elif words:
            self._journal.note(f"{name}: no answer, the page is away")
        return None if words else answer

    def _post(self, path: str, **sent: Any) -> requests.Response | None:
        try:
            return requests.post(self._url() + path, timeout=GIVE_UP_S, **sent)
        except requests.ConnectionError as error:
            if "refused" not in str(error):
                raise
            return None
