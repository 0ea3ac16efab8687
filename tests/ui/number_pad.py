"""A number at the pad for tests: the pad of one paper, with whatever digits a test says are on it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from client.inference import Inference
from reading import finder as finder_module
from reading.piece import Piece
from tests.ui.answering import ANSWER, SESSION, answering
from ui import number
from ui.backend import Backend

SAID = {**ANSWER, "confidence": 0.999, "set": ["7"], "is_digit": True, "digit_score": 0.99}
WIDE, HIGH = 30.0, 50.0
PAPER = "ab" * 16


def piece(index: int, left: float, width: float = WIDE) -> Piece:
    place = (left - 10.0, -10.0, 0.5)
    shape = (width / HIGH, 1.0)
    return Piece(index, index + 1, (left, 0.0, width, HIGH), shape, b"picture", place, b"\x89PNG small")


class Pad:
    """The pad of one paper, before a finder that finds what a test says is on it."""

    def __init__(self, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
        self.backend = backend
        self.before: list[list] = []
        self._found: list[Piece] = []
        monkeypatch.setattr(finder_module.Finder, "pieces", lambda *_: self._found)
        web = FastAPI()
        self.desks = number.Desks(backend)
        number.add_to(web, self.desks)
        self._client = TestClient(web)

    def read(self, *pieces: Piece, keep: bool = True, **more: object) -> dict:
        """Return the answer to what is on the paper, and remember its digits as pad/numbers.js does."""
        self._found = list(pieces)
        said = {"visitor": SESSION, "keep": keep, "sent": 3, "paper": PAPER, "before": self.before, **more}
        answer = self._client.post("/read", content=b"strokes", headers={number.FROM_PAD: json.dumps(said)})
        found = answer.json()
        if answer.status_code == 200:
            self.before = [[d["prediction"], *d["box"]] for d in found["digits"] if d["prediction"]]
        return found

    def waiting(self) -> list:
        """Return the records that wait to be written."""
        return list(self.backend.writer.spool.records())

    def counting(self) -> list[str]:
        """Return the ids of the rows that count, as the page knows them."""
        return sorted(str(row.prediction.id) for row in self.backend.recent.rows(SESSION))


@pytest.fixture
def pad(make_backend: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pad]:
    with answering(SAID) as torchserve:
        yield Pad(replace(make_backend(), inference=Inference(torchserve.url)), monkeypatch)


def shown(answer: dict) -> list[str]:
    return sorted(digit["prediction"] for digit in answer["digits"])
