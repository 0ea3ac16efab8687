from bench.measured import Measured
from bench.tune_advice import Visit, advice, choice, markdown, tuned
from bench.tune_setting import Setting

NOW = Setting(2, 16, 1)
UNBATCHED = Setting(2, 1, 1)
LATE = Setting(2, 16, 5)
SMALL = Setting(1, 16, 1)


def visit(measured_setting, rate, lone_ms, failures=None):
    busy = Measured(rate, 12.0, 20.0, 1000, failures or {}, 0.1, "wrk", 1.0)
    return Visit(measured_setting, Measured(500, lone_ms, 2 * lone_ms, 100, {}, 0.1, "wrk", 1.0), busy)


# Rounds differ by 4 % in throughput and by 5 % in latency.
VISITS = [
    visit(UNBATCHED, 2000, 0.80),
    visit(NOW, 5000, 2.00),
    visit(LATE, 6000, 6.00),
    visit(SMALL, 3000, 1.95),
    visit(SMALL, 3120, 2.05),
    visit(LATE, 6240, 6.30),
    visit(NOW, 5200, 2.10),
    visit(UNBATCHED, 2080, 0.84),
]


def test_the_table_is_sorted_by_throughput_and_marks_what_is_advised():
    lines = markdown(tuned(VISITS), NOW, 64).splitlines()
    assert lines[2:] == [
        "| 2 | 16 | 5 | 6,120 | 12.0 | 20.0 | 6.15 | none | **throughput** |",
        "| 2 | 16 | 1 | 5,100 | 12.0 | 20.0 | 2.05 | none | now |",
        "| 1 | 16 | 1 | 3,060 | 12.0 | 20.0 | 2.00 | none |  |",
        "| 2 | 1 | - | 2,040 | 12.0 | 20.0 | 0.82 | none | **low latency** |",
    ]
    assert {line.count("|") for line in lines} == {10}


def test_the_advice_names_both_settings_their_cost_and_what_to_write():
    said = advice(tuned(VISITS), NOW, 64)
    assert (
        "For throughput: 2 workers, batch 16, delay 5 ms. It answers 6,120 requests/s at 64 clients" in said
    )
    assert "3.00 times the low-latency setting; one client alone waits 7.50 times as long" in said
    assert "For low latency: 2 workers, batch 1. One client's p50 is 0.82 ms instead of 6.15" in said
    assert "0.33 of the throughput setting's requests" in said
    assert "0.82 ms without batching, 2.02 ms with a delay of 1 ms, 6.15 ms with a delay of 5 ms" in said
    assert "has 2 workers, batch 16, delay 1 ms now. The throughput setting would change requests/s" in said
    assert "by +20% (more than the noise of 4%) and one client's p50 by +200%" in said
    assert "one client's p50 by -60% (more than the noise of 5%)" in said
    assert "throughput, write into handler/model-config.yaml:\n\n```yaml\nminWorkers: 2\n" in said
    assert "batchSize: 16\nmaxBatchDelay: 5\n```" in said
    assert "batchSize: 1\nmaxBatchDelay: 1\n```" in said


def test_a_difference_within_the_noise_changes_nothing():
    visits = [visit(NOW, 5000, 2.0), visit(LATE, 5100, 1.9), visit(LATE, 5400, 2.1), visit(NOW, 5300, 2.2)]
    said = advice(tuned(visits), NOW, 64)
    assert "requests/s by +2% (within the noise of 6%)" in said
    assert "Leave handler/model-config.yaml as it is" in said
    assert "```" not in said


def test_of_settings_alike_in_throughput_the_quickest_for_one_client_is_advised():
    visits = [visit(NOW, 5000, 2.0), visit(LATE, 5050, 6.0), visit(LATE, 5150, 6.0), visit(NOW, 5200, 2.0)]
    chosen = choice(tuned(visits))
    assert chosen.throughput.setting == chosen.latency.setting == NOW
    said = advice(tuned(visits), NOW, 64)
    assert "2 workers, batch 16, delay 1 ms is best at both" in said
    assert "It is the throughput setting. It is the low-latency setting." in said


def test_one_round_is_said_to_know_nothing_of_noise():
    assert "nothing is known of the noise" in advice(tuned(VISITS[:3]), NOW, 64)
    assert "nothing is known of the noise" not in advice(tuned(VISITS), NOW, 64)


def test_a_setting_that_refused_requests_is_shown_and_not_advised():
    visits = [*VISITS, *[visit(Setting(4, 16, 5), 0, 0.1, {503: 7})] * 2]
    rows = tuned(visits)
    assert "| 4 | 16 | 5 | 0 | 12.0 | 20.0 | 0.10 | 503: 14 |  |" in markdown(rows, NOW, 64)
    assert "For throughput: 2 workers, batch 16, delay 5 ms" in advice(rows, NOW, 64)
    assert advice(rows[-1:], NOW, 64).startswith("No setting answered every request")


def test_without_a_measurement_of_what_is_set_nothing_is_said_of_a_change():
    said = advice(tuned(VISITS), Setting(8, 8, 8), 64)
    assert "has 8 workers, batch 8, delay 8 ms now, of which there is no sound measurement" in said
