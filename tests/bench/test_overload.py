import math

import pytest

from bench.open_loop import Answered, offer
from bench.overload import configured_queue_size, markdown, overload_of
from tests.bench.tiny_server import REFUSED, tiny_server


def test_requests_go_out_at_the_rate_whatever_is_answered():
    with tiny_server(delay_s=0.2) as server:
        found = offer(server.url, [b"good", REFUSED], rate_per_s=100, seconds=1, connections=60)
    assert found.offered_per_s == pytest.approx(100, rel=0.1)
    assert found.unsent == found.lost == 0
    assert set(found.times_ms) == {200, 503}
    assert sum(map(len, found.times_ms.values())) == len(server.bodies), "what is queued is waited for"
    assert min(found.times_ms[200]) >= 200


def test_requests_that_find_every_connection_waiting_are_counted():
    with tiny_server(delay_s=0.3) as server:
        found = offer(server.url, [b"good"], rate_per_s=100, seconds=1, connections=5)
    assert found.unsent > 50
    assert len(found.times_ms[200]) + found.unsent == pytest.approx(100, abs=5)


def test_requests_whose_connection_breaks_are_counted_as_lost():
    with tiny_server(breaks=True) as server:
        found = offer(server.url, [b"good", REFUSED], rate_per_s=20, seconds=0.5, connections=40)
    assert found.lost == server.bodies.count(REFUSED) > 0
    assert len(found.times_ms[200]) == server.bodies.count(b"good") > 0


def test_connections_that_are_closed_after_an_answer_are_not():
    with tiny_server(keeps=False) as server:
        found = offer(server.url, [b"good"], rate_per_s=20, seconds=0.5, connections=40)
    assert found.lost == 0
    assert len(found.times_ms[200]) == len(server.bodies) > 0


def test_figures_of_accepted_and_refused_are_kept_apart():
    answered = Answered(5000, 10, {200: [400.0] * 4160, 503: [2.0] * 40_000, 500: [1.0]}, 7, 2, 0.5)
    found = overload_of(answered, 500, 200)
    assert found.accepted_per_s == pytest.approx(400), "over the 10 s and the 0.4 s until the queue was empty"
    assert (found.accepted_p50_ms, found.accepted_p99_ms) == (400, 400)
    assert (found.refused_per_s, found.refused_p99_ms) == (4000, 2)
    assert (found.other, found.unsent) == (3, 7)
    table = markdown([found])
    assert "| 200 | 500 | 5,000 | 400 (80%) | 400, 400 | 4,000 | 2.0, 2.0 | 3 | 7 | 50% |" in table
    assert len({line.count("|") for line in table.splitlines() if line}) == 1


def test_no_refusals_are_no_error():
    found = overload_of(Answered(100, 1, {200: [1.0]}, 0, 0, 0.1), 500, 200)
    assert math.isnan(found.refused_p50_ms)
    assert found.refused_per_s == 0


def test_the_queue_size_is_that_of_the_configuration():
    assert configured_queue_size() >= 100
