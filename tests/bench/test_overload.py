import os
import sys

import pytest

from bench.open_loop import offer
from bench.overload import configured_queue_size, main
from bench.overload_report import Overload, markdown
from bench.pressure import PROBES_PER_S, Pressure, press
from bench.turns import Server
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


def pressure(clients, accepted, refused, generator, java, workers, newcomer):
    return Pressure(clients, accepted, refused, 1, generator, java, workers, newcomer)


BUSY = pressure(64, 1000.0, 0.0, 0.05, 0.4, 0.6, {200: [20.0, 40.0]})
FAR = pressure(2000, 600.0, 4000.0, 0.25, 0.8, 0.2, {200: [400.0], 503: [2.0, 4.0]})


def test_the_report_shows_both_loads_and_who_used_the_cpu():
    said = markdown(Overload(1000, 1678, (BUSY,) * 3, (FAR,) * 3))
    assert "| 64 | 1,000 | 1,000 | 0 | 3 | 30.0, 40.0 (of 6) | - | 0.05 | 0.40 | 0.60 |" in said
    assert (
        "| 2,000 | 4,600 | 600 | 4,000 | 3 | 400.0, 400.0 (of 3) | 3.0, 4.0 (of 6) | 0.25 | 0.80 | 0.20"
        in said
    )
    assert "Offered was 4.6 times the capacity" in said
    assert "Throughput was 0.600 (0.600 to 0.600) of that at 64 clients" in said
    assert "it got +0.20, java +0.40, the workers -0.40." in said
    # 1 ms of CPU for an accepted request; of the 1 s/s under overload 0.6 go there, 0.4 to 4,000 refusals.
    assert "cost the server 1000 us of CPU at 64 clients" in said
    assert "a 503 cost the server 100 us; any request cost the generator 54 us" in said
    assert len({line.count("|") for line in said.splitlines() if line.startswith("|")}) == 1


def test_ratios_are_taken_within_rounds():
    slow = pressure(64, 500.0, 0.0, 0.05, 0.4, 0.6, {})
    slow_far = pressure(2000, 300.0, 1000.0, 0.25, 0.8, 0.2, {})
    said = markdown(Overload(1000, 1678, (BUSY, slow), (FAR, slow_far)))
    assert "Throughput was 0.600 (0.600 to 0.600)" in said


def test_no_refusals_are_no_error():
    said = markdown(Overload(1000, 1678, (BUSY,), (BUSY,)))
    assert "Throughput was 1.000" in said
    assert "503 cost" not in said


@pytest.mark.parametrize("installed", ["wrk", "asyncio"])
def test_a_newcomer_sees_what_the_crowd_is_answered(installed, monkeypatch):
    if installed == "asyncio":
        monkeypatch.setenv("PATH", "/nowhere")
    with tiny_server(delay_s=0.05) as server:
        own = Server("tiny", server.url, os.getpid())
        good, refused = press(own, b"good", 4, 2), press(own, REFUSED, 4, 2)
    assert 4 < good.offered_per_s == good.accepted_per_s <= 4 / 0.05
    assert 4 < refused.offered_per_s == refused.refused_per_s <= 4 / 0.05
    assert (set(good.newcomer_ms), set(refused.newcomer_ms)) == ({200}, {503})
    assert len(good.newcomer_ms[200]) == pytest.approx(PROBES_PER_S, rel=0.1)
    assert min(good.newcomer_ms[200]) >= 50
    assert good.other == refused.other == 0
    assert good.java_cpu > 0
    assert good.generator_cpu > 0


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--set", "number_of_netty_threads"]])
def test_nonsense_is_refused_before_anything_starts(arguments, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["overload", *arguments])
    with pytest.raises(SystemExit) as refused:
        main()
    assert refused.value.code == 2


def test_the_queue_size_is_that_of_the_configuration():
    assert configured_queue_size() >= 100
