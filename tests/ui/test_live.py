"""Who may have a drawing read while the pen moves: nobody for whom others would have to wait."""

import json
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.ui.answering import ANSWER, SESSION, answering
from tests.ui.test_outcome import pad_value
from ui import number
from ui.backend import Backend
from ui.draw import live
from ui.draw.outcome import Reading, follow, predict

MakeBackend = Callable[..., Backend]
QUICK_MS, SLOW_MS = 5.0, 30.0


def may(gate: live.Live) -> bool:
    with gate.one() as may_be_read:
        return may_be_read


def told(*latencies_ms: float) -> live.Live:
    gate = live.Live()
    for latency_ms in latencies_ms:
        gate.answered("digits", latency_ms)
    return gate


def test_the_pen_is_followed_until_most_of_the_latest_answers_were_slow() -> None:
    assert may(live.Live())
    assert may(told(QUICK_MS))
    assert may(told(QUICK_MS, SLOW_MS, SLOW_MS, QUICK_MS, QUICK_MS, SLOW_MS, QUICK_MS))
    assert not may(told(QUICK_MS, SLOW_MS, SLOW_MS, SLOW_MS))


def test_slow_is_what_takes_longer_than_the_same_model_does_otherwise() -> None:
    assert may(told(*[100.0] * 9))
    gate = told(*[100.0] * 9)
    for _ in range(9):
        gate.answered("quick", QUICK_MS)
    assert may(gate)
    for _ in range(9):
        gate.answered("quick", 100.0)
    assert not may(gate)


def test_a_number_is_as_slow_as_the_quickest_of_its_pieces() -> None:
    gate = told(QUICK_MS)
    for _ in range(9):
        gate.answered("digits", 90.0, QUICK_MS, 80.0)
        gate.answered("digits")
    assert may(gate)


def test_after_a_while_one_looks_whether_answers_are_quick_again(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, now = told(QUICK_MS, *[SLOW_MS] * 5), [1000.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    gate.answered("digits", SLOW_MS)
    now[0] += live.AGAIN_S
    assert [may(gate), may(gate)] == [True, False]
    for _ in range(live.LATEST):
        gate.answered("digits", QUICK_MS)
    assert may(gate)


def test_so_many_are_read_at_once_and_no_more() -> None:
    gate = live.Live()
    with ExitStack() as stack:
        assert all(stack.enter_context(gate.one()) for _ in range(live.AT_ONCE))
        assert not may(gate)
    assert may(gate)


def test_what_is_under_the_pen_yields_and_what_is_drawn_does_not(
    make_backend: MakeBackend, drawing: bytes
) -> None:
    with answering(ANSWER) as server:
        backend = make_backend(server.url)
        value = {**pad_value(drawing), "interim": True}
        assert isinstance(follow(backend, value, SESSION), Reading)
        for _ in range(live.LATEST):
            backend.live.answered("digits", 1000.0)
        asked = len(server.bodies)
        assert follow(backend, value, SESSION) is None
        assert len(server.bodies) == asked
        assert isinstance(predict(backend, pad_value(drawing), SESSION), Reading)


def test_a_number_under_the_pen_yields_before_it_is_looked_at(make_backend: MakeBackend) -> None:
    backend, web = make_backend(), FastAPI()
    number.add_to(web, number.Desks(backend))
    for latency_ms in (QUICK_MS, *[SLOW_MS] * live.LATEST):
        backend.live.answered("digits", latency_ms)
    said = {number.FROM_PAD: json.dumps({"interim": True})}
    answer = TestClient(web).post("/read", content=b"no number", headers=said)
    assert (answer.status_code, answer.json()["type"]) == (503, "Busy")
    answer = TestClient(web).post("/read", content=b"no number", headers={number.FROM_PAD: "{}"})
    assert answer.status_code == 400
