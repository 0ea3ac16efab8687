"""Probabilities in words."""

import pytest

from ui.percent import percent


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.0, "0.0 %"),
        (0.0004, "0.0 %"),
        (0.5, "50.0 %"),
        (0.988, "98.8 %"),
        (0.999, "99.9 %"),
        (0.99901, "> 99.9 %"),
        (0.9999999, "> 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_only_what_is_certain_is_called_100_percent(probability: float, words: str) -> None:
    assert percent(probability) == words
