"""Drift is reported where drawings differ from training by more than chance and by much, and only there."""

from collections import Counter

import cv2
import numpy as np
import pytest

from db.drifts import Figure
from loop.drift import ALPHA, DECILES, LOW, RARE, corrected, of_numbers, of_values, stability
from training.data.features import features

MUCH = 0.1  # from here on the page says that something has changed
LOOKS = 200
LABELS = dict.fromkeys("0123456789", 0.1)


def drawn_digits(count: int, seed: int, width_px: float = 2.5, aspect: float = 0.7) -> np.ndarray:
    """Return frames of strokes like those of digits, pen and proportions of each around these."""
    random = np.random.default_rng(seed)
    frames = np.zeros((count, 28, 28), np.uint8)
    for frame in frames:
        wide = np.clip(aspect * random.lognormal(0, 0.3), 0.15, 1) * 20
        height = 20.0
        turn = np.linspace(0, random.uniform(4, 6.2), 24) + random.uniform(0, 6.2)
        points = np.stack([14 + wide / 2 * np.cos(turn), 14 + height / 2 * np.sin(turn)], axis=1)
        large = np.zeros((112, 112), np.uint8)
        pen = max(1, round(4 * width_px * random.lognormal(0, 0.2)))
        cv2.polylines(large, [np.int32(points * 4)], False, 255, pen, cv2.LINE_AA)
        frame[:] = cv2.resize(large, (28, 28), interpolation=cv2.INTER_AREA)
    return frames


def confidences(count: int, random: np.random.Generator, worse: float = 1.0) -> np.ndarray:
    """Return how sure answers are: nearly all of them very sure; doubt is so many times as large."""
    return np.clip(1 - worse * 10 ** random.normal(-3.5, 1.2, count), 0.3, 1)


@pytest.fixture(scope="module")
def pool() -> dict[str, np.ndarray]:
    """Figures of 20,000 frames, among which each look finds its own."""
    return features(drawn_digits(20_000, seed=0))


@pytest.fixture(scope="module")
def quantiles(pool: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """The reference, as training keeps it."""
    values = {**pool, "confidence": confidences(5000, np.random.default_rng(1))}
    return {name: np.quantile(one, np.linspace(0, 1, 101)).round(5).tolist() for name, one in values.items()}


def a_look(
    quantiles: dict[str, list[float]], numbers: dict[str, np.ndarray], labels: np.ndarray, look: int = 1
) -> dict[str, Figure]:
    counts = {"confidence": 5000}
    figures = [
        of_numbers(
            name, quantiles[name], counts.get(name, 20_000), values, LOW if name == "confidence" else DECILES
        )
        for name, values in numbers.items()
    ]
    figures.append(of_values("labels", LABELS, 20_000, Counter(map(str, labels.tolist()))))
    return {one.name: one for one in corrected(figures, look)}


def reported(figures: dict[str, Figure]) -> set[str]:
    return {one.name for one in figures.values() if one.is_beyond_chance and one.stability >= MUCH}


@pytest.mark.parametrize("count", [200, 2000])
def test_of_drawings_like_those_of_validation_hardly_any_look_is_a_false_alarm(
    pool: dict[str, np.ndarray], quantiles: dict[str, list[float]], count: int
) -> None:
    random = np.random.default_rng(2)
    alarms = beyond_chance = 0
    for _ in range(LOOKS):
        chosen = random.integers(0, 20_000, count)
        numbers = {name: values[chosen] for name, values in pool.items()}
        # Each as if it were the first look, which has the largest part of what may be wrong.
        found = a_look(
            quantiles,
            {**numbers, "confidence": confidences(count, random).round(6)},
            random.integers(0, 10, count),
        )
        alarms += bool(reported(found))
        beyond_chance += any(one.is_beyond_chance for one in found.values())
    assert alarms <= ALPHA * LOOKS
    assert beyond_chance <= ALPHA * LOOKS, "chance alone passes the tests too often"


@pytest.mark.parametrize(
    ("change", "figures"),
    [
        ({"width_px": 1.5}, {"ink_share", "stroke_width_px"}),
        ({"aspect": 0.4}, {"aspect"}),
        ({}, set()),
    ],
)
def test_other_pens_and_proportions_are_reported(
    quantiles: dict[str, list[float]], change: dict[str, float], figures: set[str]
) -> None:
    random = np.random.default_rng(3)
    numbers = features(drawn_digits(400, seed=4, **change))
    found = a_look(
        quantiles, {**numbers, "confidence": confidences(400, random)}, random.integers(0, 10, 400), look=20
    )
    assert figures <= reported(found)
    if not figures:
        assert reported(found) == set()
    assert "labels" not in reported(found)


def test_other_labels_and_less_confidence_are_reported(
    pool: dict[str, np.ndarray], quantiles: dict[str, list[float]]
) -> None:
    random = np.random.default_rng(5)
    numbers = {name: values[random.integers(0, 20_000, 2000)] for name, values in pool.items()}
    more_ones = random.choice(10, 2000, p=[0.05, 0.55, *[0.05] * 8])
    found = a_look(
        quantiles, {**numbers, "confidence": confidences(2000, random, worse=20)}, more_ones, look=20
    )
    assert reported(found) == {"confidence", "labels"}
    assert found["labels"].values == list("0123456789")


def test_more_doubtful_answers_among_many_sure_ones_are_seen(quantiles: dict[str, list[float]]) -> None:
    random = np.random.default_rng(7)
    sure = confidences(2000, random)
    sure[:200] = random.uniform(0.3, 0.6, 200)
    (found,) = corrected([of_numbers("confidence", quantiles["confidence"], 5000, sure, LOW)], 20)
    assert found.is_beyond_chance
    assert found.stability >= MUCH


def test_a_difference_that_is_certain_but_small_is_not_reported(quantiles: dict[str, list[float]]) -> None:
    random = np.random.default_rng(6)
    labels = random.choice(10, 20_000, p=[0.08, 0.12, *[0.1] * 8])
    (found,) = corrected([of_values("labels", LABELS, 60_000, Counter(map(str, labels.tolist())))], 1)
    assert found.is_beyond_chance
    assert found.stability < MUCH


def test_the_corrections_are_holms_and_a_part_of_alpha_for_each_look() -> None:
    def figure(name: str, p: float) -> Figure:
        return Figure(name, p, False, 0.0, [], None, [1.0], [1.0])

    figures = [figure("a", 0.01), figure("b", 0.001), figure("c", 0.5)]
    first = corrected(figures, 1)
    assert [one.name for one in first] == ["a", "b", "c"]
    assert [one.p for one in first] == pytest.approx([2 * 0.01 * 2, 3 * 0.001 * 2, 1.0])
    assert [one.is_beyond_chance for one in first] == [True, True, False]
    assert [one.is_beyond_chance for one in corrected(figures, 4)] == [False, False, False]
    # Holm: none is called less probable by chance than one before it.
    close = corrected([figure("a", 0.010), figure("b", 0.011)], 1)
    assert close[1].p == close[0].p == pytest.approx(0.04)
    assert sum(ALPHA / (look * (look + 1)) for look in range(1, 10_000)) < ALPHA


def test_values_that_are_too_rare_to_test_are_put_together() -> None:
    sizes = {"1": 0.9695, "2": 0.03, "3": 0.0003, "4": 0.0002}
    found = of_values("set_sizes", sizes, 5000, {"1": 960, "2": 31, "3": 5, "7": 4})
    assert found.values == ["1", "2", RARE] or found.values == ["1", RARE]
    assert sum(found.training) == pytest.approx(1, abs=1e-4)
    assert sum(found.drawn) == pytest.approx(1, abs=1e-4)


def test_where_all_are_the_same_there_is_nothing_to_tell() -> None:
    assert of_values("set_sizes", {"1": 1.0}, 5000, {"1": 400}).p == 1
    ones = of_numbers("confidence", [1.0] * 101, 5000, np.ones(400))
    assert (ones.p, ones.stability) == (1, 0)


def test_the_stability_index_is_that_of_the_textbook() -> None:
    shares, counts = np.array([0.5, 0.5]), np.array([75, 25])
    assert stability(shares, counts) == pytest.approx(
        0.25 * np.log(0.75 / 0.5) - 0.25 * np.log(0.25 / 0.5), abs=1e-4
    )
    assert np.isfinite(stability(np.array([1.0, 0.0]), np.array([0, 100])))
