import pytest

from bench import findings
from bench.findings import BASELINE, OURS
from bench.load import Measured
from bench.rounds import Row, measure, row_of
from bench.serving import Server


def row(server, clients, rate, p50_ms=10.0, p99_ms=15.0, failures=None):
    return Row(server, clients, rate, p50_ms, p99_ms, 0.05, failures or {})


ROWS = [
    row(OURS, 8, 3000, 2.5, 4),
    row(OURS, 64, 5000, 12.5, 20),
    row(BASELINE, 8, 300, 20, 40),
    row(BASELINE, 64, 400, 150, 300, {503: 1234, 0: 2}),
    row("mosec", 8, 2500),
    row("mosec", 64, 4000),
    row("Flask", 64, 2000),
    row("Flask", 8, 1900),
]
LIMIT = 6250.0


def test_the_table_has_a_line_for_each_server_and_number_of_clients():
    table = findings.markdown(ROWS, LIMIT)
    assert "| Sketchserve | 64 | 5,000 | 12.5 | 20.0 | none | 5% |" in table
    assert f"| {BASELINE} | 64 | 400 | 150.0 | 300.0 | lost: 2, 503: 1,234 | 5% |" in table
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(ROWS)
    assert len({line.count("|") for line in lines}) == 1


def test_ratios_are_those_at_64_clients():
    said = " ".join(findings.ratios(ROWS, LIMIT))
    assert "0.80 of the in-process limit" in said
    assert "p99 is 1.60 times p50" in said
    assert f"12.5 times {BASELINE}" in said
    assert "1.25 times the best peer, mosec" in said


def test_what_was_not_measured_is_not_compared():
    said = " ".join(findings.ratios(ROWS[:2], LIMIT))
    assert "0.80" in said
    assert "peer" not in said
    assert BASELINE not in said


@pytest.mark.parametrize(("clients", "expected"), [([1, 64, 256], 64), ([1, 32], 32), ([128, 256], 128)])
def test_ratios_are_for_64_clients_or_the_nearest_that_was_measured(clients, expected):
    assert findings.busy_rows([row(OURS, count, 1) for count in clients])[OURS].clients == expected


def test_rounds_are_interleaved_every_other_backwards_and_give_medians():
    asked = []

    def load(server, clients):
        asked.append((server.name, clients))
        return Measured(len(asked), 10.0, 20.0, 100, {503: 1}, 0.1, 1.0)

    turns, servers = [], [Server("a", "A", 1), Server("b", "B", 2)]
    rows = measure(servers, [1, 64], 3, load, lambda: turns.append(len(asked)))
    forth, back = [("a", 1), ("b", 1), ("a", 64), ("b", 64)], [("b", 1), ("a", 1), ("b", 64), ("a", 64)]
    assert asked == forth + back + forth
    assert turns == [0, 4, 8]
    assert [(row.server, row.clients) for row in rows] == [("a", 1), ("a", 64), ("b", 1), ("b", 64)]
    assert rows[0].requests_per_s == 6, "of 1, 6 and 9"
    assert rows[0].failures == {503: 3}


def test_failures_of_all_rounds_are_added_up():
    rounds = [Measured(1, 1, 1, 1, found, 0, 1.0) for found in ({503: 1}, {}, {503: 2, 0: 4})]
    assert row_of("a", 1, rounds).failures == {503: 3, 0: 4}
