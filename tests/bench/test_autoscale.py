"""The rule that replicas follow, by a real Prometheus, nginx and two TorchServes."""

import sys

import pytest

from bench import autoscale
from bench.autoscale import Seen, markdown, watch
from tests.bench.tiny_server import needs_wrk
from tests.deploy.debian import program

CLIENTS = 160


@needs_wrk
@pytest.mark.integration
def test_the_rule_says_how_many_requests_are_in_flight_at_both_instances() -> None:
    program("prometheus", "prometheus")
    program("nginx", "nginx-light")
    (seen,) = watch([2], [CLIENTS], window_s=12)
    # Without the wait that the proxy tells of, only batches would be seen: 16 in each of four workers.
    assert 0.45 * CLIENTS < seen.in_flight < 1.2 * CLIENTS, seen
    assert seen.requests_per_s > 0


def test_the_table_has_what_would_be_decided() -> None:
    said = markdown([Seen(1, 48, 47.5, 2000.0, 23.75, 22.0)])
    assert "| 1 | 48 | 47.5 | 99% | 2,000 | 23.8, 22.0 ms | 6 |" in said
    assert len({line.count("|") for line in said.splitlines()}) == 1


@pytest.mark.parametrize("arguments", [["--instances", "0"], ["--clients", "0"]], ids=" ".join)
def test_nonsense_is_refused_before_anything_starts(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["autoscale", *arguments])
    with pytest.raises(SystemExit) as refused:
        autoscale.main()
    assert refused.value.code == 2
