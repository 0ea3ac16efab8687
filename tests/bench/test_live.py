"""What is said of visitors who draw, and of what others waited for meanwhile."""

from bench import live
from bench.load import Measured


def measured(rate: float) -> Measured:
    return Measured(rate, 20.0, 40.0, 100, {}, 0.1, 10.0)


def test_rounds_are_compared_each_with_its_own() -> None:
    drawn = [measured(rate) for rate in (100.0, 1000.0, 500.0)]
    beside = [measured(rate) for rate in (90.0, 1000.0, 400.0)]
    words = live._beside(beside, drawn)
    assert words == "; 0.90 of what it is beside drawing (rounds: 0.80 to 1.00)"
    assert live._beside(drawn, drawn) == ""
    assert live._of_load(drawn) == "500 requests/s, p50 20 ms, p99 40 ms"


def test_what_visitors_saw_is_added_up() -> None:
    one = {"live": 5, "dropped": 1, "strokes": 3, "failures": 0, "waits_ms": [10.0, 20.0]}
    words = live._of_visits([one, {**one, "waits_ms": [30.0]}])
    assert words.startswith(
        "6 strokes, 10 questions under the pen, 2 put off, 0 failures; 3 strokes of others"
    )
    assert words.endswith("p50 20 ms, p99 30 ms")
