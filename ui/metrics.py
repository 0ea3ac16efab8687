"""What Prometheus reads from the page: predictions, their latency, corrections, and the database writer."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from client.answers import Answer
from db.writer import Writer

# One answer takes 1 ms at rest and some 10 ms under load; a person gives up after seconds.
LATENCY_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The page's counters in a registry of their own.

    Attributes:
        registry: What `/metrics` prints.
        predictions: Predictions by outcome (answered, refused, busy, unreachable) and, if answered, label.
        latency_s: From the request to TorchServe until its answer, answered predictions only.
        corrections: Judged predictions, by whether the model was right, wrong, or left the right label open,
            and by model and version.
        not_a_digit: Answers that what was drawn looks like no digit, by model and version.
    """

    def __init__(self, writer: Writer) -> None:
        self.registry = CollectorRegistry()
        self.predictions = Counter(
            "sketchserve_predictions",
            "Predictions that the page asked for.",
            ["outcome", "label"],
            registry=self.registry,
        )
        # What first appears with a 1 has never grown, for Prometheus: a rate() would miss it.
        for outcome in ("refused", "busy", "unreachable"):
            self.predictions.labels(outcome, "")
        self.latency_s = Histogram(
            "sketchserve_prediction_latency_seconds",
            "Time from the page's request to the model's answer.",
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.corrections = Counter(
            "sketchserve_feedback",
            "Times that a person said what a drawing really was.",
            ["model_was", "model", "version"],
            registry=self.registry,
        )
        self.not_a_digit = Counter(
            "sketchserve_not_a_digit",
            "Answers that a drawing looks like no digit.",
            ["model", "version"],
            registry=self.registry,
        )
        self.registry.register(_WriterCollector(writer))

    def answered(self, answer: Answer) -> None:
        """Count an answer; whatever else may be counted of its model is there from now on."""
        self.predictions.labels("answered", answer.label).inc()
        self.latency_s.observe(answer.latency_ms / 1000)
        version = (answer.model, answer.version)
        self.not_a_digit.labels(*version).inc(answer.is_digit is False)
        for model_was in ("right", "left-open", "wrong"):
            self.corrections.labels(model_was, *version)


class _WriterCollector(Collector):
    """Reads the writer's figures at the moment of the scrape."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def collect(self) -> Iterator[Metric]:
        """Yield one family per figure."""
        writer = self._writer
        yield CounterMetricFamily("sketchserve_records_written", "Records in PostgreSQL.", writer.written)
        yield CounterMetricFamily("sketchserve_records_dropped", "Records not kept: no room.", writer.dropped)
        yield CounterMetricFamily("sketchserve_records_rejected", "Records refused by SQL.", writer.rejected)
        yield GaugeMetricFamily("sketchserve_records_pending", "Records that wait.", writer.pending)
        oldest = "Age of the oldest record that waits."
        yield GaugeMetricFamily("sketchserve_records_oldest_seconds", oldest, writer.oldest_s)
        aside = "Records refused by SQL that the spool keeps."
        yield GaugeMetricFamily("sketchserve_records_set_aside", aside, writer.spool.aside)
        yield GaugeMetricFamily("sketchserve_history_paused", "1 while the database is away.", writer.paused)
