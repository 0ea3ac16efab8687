"""What a batch adds to the metrics that Prometheus scrapes."""

import pytest
from prometheus_client import CollectorRegistry, Histogram

from handler.metrics import BatchedHistogram, Metrics

NAMED = {"model": "digits", "version": "1.0.0"}
SEVEN = {"label": "7", "confidence": 0.993, "set": ["7"], "is_digit": True}
DOUBTED = {"label": "4", "confidence": 0.6, "set": ["4", "9"], "is_digit": True}
SCRIBBLE = {"label": "9", "confidence": 0.2, "set": ["9", "4", "8"], "is_digit": False}
WITHOUT_GATE = {"label": "7", "confidence": 1.0, "set": ["7"]}
UNKNOWN = {"label": "7", "confidence": 1.0, "set": ["7"], "is_known": False}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("digits", "1.0.0", "0123456789")


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, {**NAMED, **labels})


def test_every_series_is_there_from_the_start(metrics: Metrics) -> None:
    assert [value(metrics, "handler_answers_total", label=label) for label in "0123456789"] == [0] * 10
    names = (
        "handler_doubted_total",
        "handler_not_a_digit_total",
        "handler_unknown_total",
        "handler_bad_images_total",
        "handler_busy_total",
    )
    assert [value(metrics, name) for name in names] == [0] * 5
    assert value(metrics, "handler_latency_seconds_bucket", le="+Inf") == 0
    assert value(metrics, "handler_workers") == 1


def test_a_batch_is_added_once(metrics: Metrics) -> None:
    predictions = [SEVEN, DOUBTED, SCRIBBLE, WITHOUT_GATE]
    metrics.observe_batch(
        0.004, 0.0007, [0.012, 0.013, 0.013, 20.0, 0.012, 0.3], predictions, bad_images=2, busy=3
    )
    assert value(metrics, "handler_batch_size_sum") == 6
    assert value(metrics, "handler_batch_size_bucket", le="4.0") == 0
    assert value(metrics, "handler_batch_size_bucket", le="8.0") == 1
    assert value(metrics, "handler_preprocess_seconds_sum") == 0.004
    assert value(metrics, "handler_network_seconds_sum") == 0.0007
    assert value(metrics, "handler_latency_seconds_bucket", le="0.015") == 4
    assert value(metrics, "handler_latency_seconds_bucket", le="5.0") == 5
    assert value(metrics, "handler_latency_seconds_count") == 6
    assert value(metrics, "handler_latency_seconds_sum") == pytest.approx(20.35)
    assert value(metrics, "handler_confidence_count") == 4
    assert value(metrics, "handler_confidence_bucket", le="0.2") == 1
    assert value(metrics, "handler_confidence_bucket", le="1.0") == 4
    assert value(metrics, "handler_set_size_sum") == 7
    assert value(metrics, "handler_answers_total", label="7") == 2
    assert value(metrics, "handler_answers_total", label="9") == 1
    assert value(metrics, "handler_doubted_total") == 2
    assert value(metrics, "handler_not_a_digit_total") == 1
    assert value(metrics, "handler_bad_images_total") == 2
    assert value(metrics, "handler_busy_total") == 3


def test_what_is_unknown_is_counted_by_itself(metrics: Metrics) -> None:
    predictions = [UNKNOWN, {**UNKNOWN, "is_known": True}, SEVEN]
    metrics.observe_batch(0.004, 0.0007, [0.012] * 3, predictions, bad_images=0, busy=0)
    assert value(metrics, "handler_unknown_total") == 1
    assert value(metrics, "handler_not_a_digit_total") == 0


def test_a_batch_of_nothing_but_bad_images_names_no_label(metrics: Metrics) -> None:
    metrics.observe_batch(0.001, 0.0, [0.002], [], bad_images=1, busy=0)
    assert value(metrics, "handler_confidence_count") == 0
    assert value(metrics, "handler_latency_seconds_count") == 1


def test_values_at_once_are_what_they_are_one_by_one() -> None:
    """It takes fields of the library's class, which another version of it may call otherwise."""
    values = [0.0, 1.0, 1.0, 1.5, 2.0, 1e9]
    pages = []
    for kind in (Histogram, BatchedHistogram):
        registry = CollectorRegistry()
        histogram = kind("name", "Words.", registry=registry, buckets=(1, 2))
        if isinstance(histogram, BatchedHistogram):
            histogram.observe_all(values)
        else:
            for one in values:
                histogram.observe(one)
        (family,) = registry.collect()
        pages.append(
            [(one.name, one.labels, one.value) for one in family.samples if one.name != "name_created"]
        )
    assert pages[0] == pages[1]
