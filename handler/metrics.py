"""What a worker tells Prometheus of its batches and answers; `exporter.py` serves it."""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 64)
SECONDS = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
)  # fmt: skip
# Nearly all answers are above 0.9: a model that begins to doubt shows there first.
CONFIDENCES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1)
SET_SIZES = (1, 2, 3, 4, 5, 7, 10, 20)

Counted = TypeVar("Counted", bound=Hashable)


class BatchedHistogram(Histogram):
    """A histogram that takes a batch's values at once, and writes each bucket once for all that fell into it.

    A write to the memory that workers share takes some 0.7 µs, and `observe` writes twice for each value.
    """

    def observe_all(self, values: Sequence[float]) -> None:
        """Add values, in the unit that the name ends with."""
        if not values:
            return
        bounds = self._upper_bounds
        for index, count in _tally([bisect_left(bounds, value) for value in values]).items():
            self._buckets[index].inc(count)
        self._sum.inc(sum(values))


class Metrics:
    """A worker's metrics, every series of them there from the start, at zero.

    Args:
        model: the name under which it is served.
        version: the archive's.
        label_names: every label that the model can answer.
    """

    def __init__(self, model: str, version: str, label_names: Iterable[str]) -> None:
        # One of its own, so that a process may have several handlers.
        registry = self.registry = CollectorRegistry()
        labels = ("model", "version")

        def histogram(name: str, words: str, bounds: Sequence[float]) -> BatchedHistogram:
            parent = BatchedHistogram(name, words, labels, registry=registry, buckets=bounds)
            return parent.labels(model, version)

        def counter(name: str, words: str) -> Counter:
            return Counter(name, words, labels, registry=registry).labels(model, version)

        self._batch_size = histogram("handler_batch_size", "Requests in a batch.", SIZES)
        self._preprocess_s = histogram(
            "handler_preprocess_seconds", "A batch's way from image files to frames.", SECONDS
        )
        self._network_s = histogram("handler_network_seconds", "A batch's way through the networks.", SECONDS)
        self._latency_s = histogram(
            "handler_latency_seconds",
            "From a request's X-Request-Start, or else its arrival in the worker, to its answer.",
            SECONDS,
        )
        self._confidence = histogram(
            "handler_confidence", "Probability of the label that a prediction names.", CONFIDENCES
        )
        self._set_size = histogram("handler_set_size", "Labels in a prediction's set.", SET_SIZES)
        answers = Counter("handler_answers_total", "Predictions that name the label.", (*labels, "label"),
                          registry=registry)  # fmt: skip
        self._answers = {label: answers.labels(model, version, label) for label in label_names}
        self._doubted = counter("handler_doubted_total", "Predictions whose set has more than one label.")
        self._not_a_digit = counter("handler_not_a_digit_total", "Predictions with is_digit false.")
        self._unknown = counter("handler_unknown_total", "Predictions with is_known false.")
        self._bad_images = counter("handler_bad_images_total", "Requests that were refused for their image.")
        self._busy = counter(
            "handler_busy_total", "Requests for which those of their batch left no time: answered 503."
        )
        # livesum: of a worker that is dead the counters stay, but it is none that lives.
        workers = Gauge("handler_workers", "Worker processes that live.", labels, registry=registry,
                        multiprocess_mode="livesum")  # fmt: skip
        workers.labels(model, version).set(1)

    def observe_batch(
        self,
        preprocess_s: float,
        network_s: float,
        latencies_s: Sequence[float],
        predictions: Sequence[Mapping[str, Any]],
        bad_images: int,
        busy: int,
    ) -> None:
        """Add a batch.

        Args:
            preprocess_s: what it took from image files to frames, seconds.
            network_s: what the networks took, seconds.
            latencies_s: each request's, seconds.
            predictions: the answers that name a label, without explanations.
            bad_images: how many requests were refused for their image.
            busy: how many were put off.
        """
        self._batch_size.observe(len(latencies_s))
        self._preprocess_s.observe(preprocess_s)
        self._network_s.observe(network_s)
        self._latency_s.observe_all(latencies_s)
        self._confidence.observe_all([answer["confidence"] for answer in predictions])
        set_sizes = [len(answer["set"]) for answer in predictions]
        self._set_size.observe_all(set_sizes)
        for label, count in _tally([answer["label"] for answer in predictions]).items():
            self._answers[label].inc(count)
        _add(self._doubted, sum(size > 1 for size in set_sizes))
        _add(self._not_a_digit, sum(answer.get("is_digit") is False for answer in predictions))
        _add(self._unknown, sum(answer.get("is_known") is False for answer in predictions))
        _add(self._bad_images, bad_images)
        _add(self._busy, busy)


def _tally(things: Iterable[Counted]) -> dict[Counted, int]:
    """Return how often each is there; for a handful in half the time of collections.Counter."""
    counts: dict[Counted, int] = {}
    for thing in things:
        counts[thing] = counts.get(thing, 0) + 1
    return counts


def _add(counter: Counter, count: int) -> None:
    if count:
        counter.inc(count)
