"""What is said of the waits, and when they are too long."""

import pytest

from bench.pen_to_label import judged


def test_the_figures_are_those_of_the_waits() -> None:
    words, is_met = judged([10.0] * 50 + [20.0] * 40 + [90.0] * 10)
    assert words.startswith("pen up to label, 100 strokes: p50 15 ms, p95 90 ms, p99 90 ms, slowest 90 ms;")
    assert words.endswith("p50 of the first third 10 ms, of the last 20 ms")
    assert not is_met


@pytest.mark.parametrize(
    ("waits_ms", "is_met"),
    [
        ([40.0] * 30, True),
        ([61.0] * 30, False),  # half of them are late
        ([40.0] * 27 + [101.0] * 3, False),  # some are far too late
        ([40.0] * 20 + [51.0] * 10, False),  # they become more
        ([50.0] * 20 + [40.0] * 10, True),
        ([40.0], True),
    ],
)
def test_all_goals_have_to_be_met(waits_ms: list[float], is_met: bool) -> None:
    assert judged(waits_ms)[1] is is_met
