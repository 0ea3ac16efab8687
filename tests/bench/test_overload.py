import pytest

from bench.load import Measured
from bench.overload import NEWCOMERS, PAUSE_S, RAMP_S, Pressure, configured_queue_size, markdown, press
from tests.bench.tiny_server import REFUSED, needs_wrk, tiny_server

pytestmark = [pytest.mark.processes, pytest.mark.alone]


def pressure(accepted, refused, cpu, newcomers):
    crowd = Measured(accepted, 20.0, 40.0, 100, {503: 2 * refused, 0: 1} if refused else {}, cpu, 2.0)
    return Pressure(crowd, newcomers)


BUSY = pressure(1000.0, 0, 0.05, [(200, 20.0), (200, 40.0)])
FAR = pressure(600.0, 4000, 0.25, [(200, 400.0), (503, 2.0), (503, 4.0)])


def test_the_report_shows_both_loads():
    said = markdown([(BUSY, FAR)] * 3, 1000)
    assert "| 64 | 1,000 | 0 | 0 | 30.0, 40.0 (of 6) | - | 5% |" in said
    assert "| 2,000 | 600 | 4,000 | 3 | 400.0, 400.0 (of 3) | 3.0, 4.0 (of 6) | 25% |" in said
    assert "Throughput was 0.600 (0.600 to 0.600) of that at 64 clients" in said
    assert len({line.count("|") for line in said.splitlines() if line.startswith("|")}) == 1


def test_ratios_are_taken_within_rounds():
    slow, slow_far = pressure(500.0, 0, 0.05, []), pressure(350.0, 1000, 0.25, [])
    assert "Throughput was 0.650 (0.600 to 0.700)" in markdown([(BUSY, FAR), (slow, slow_far)], 1000)


def test_no_refusals_are_no_error():
    assert "Throughput was 1.000" in markdown([(BUSY, BUSY)], 1000)


@needs_wrk
def test_newcomers_see_what_the_crowd_is_answered():
    with tiny_server(delay_s=0.05) as server:
        good, refused = press(server.url, b"good", 4, 2), press(server.url, REFUSED, 4, 2)
    assert 4 < good.crowd.requests_per_s <= 4 / 0.05
    assert 4 < refused.refused_per_s <= 4 / 0.05
    assert good.refused_per_s == refused.crowd.requests_per_s == 0
    for found, status in ((good, 200), (refused, 503)):
        assert {code for code, _ in found.newcomers} == {status}
        assert min(time_ms for _, time_ms in found.newcomers) >= 50
        most = NEWCOMERS * (found.crowd.seconds - RAMP_S) / (PAUSE_S + 0.05)
        assert NEWCOMERS <= len(found.newcomers) <= 1.5 * most


def test_the_queue_size_is_that_of_the_configuration():
    assert configured_queue_size() >= 100
