"""Histograms as Prometheus wants them, out of what a worker observed."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl

from handler.histograms import BOUNDS, Histograms

METRICS = Path("handler/metrics.yaml")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> tuple[Histograms, Counter[str]]:
    """Histograms on TorchServe's own metrics, and what was said so far: lines' names with their bound."""
    cache = MetricsCacheYamlImpl(config_file_path=str(METRICS))
    cache.initialize_cache()
    lines: Counter[str] = Counter()

    def hear(line: str) -> None:
        name, _, rest = line.removeprefix("[METRICS]").partition(".")
        bound = rest.partition("le:")[2].partition("|")[0]
        lines[f"{name} {bound}".strip()] += float(rest.partition(":")[2].partition("|")[0])  # type: ignore[assignment]

    monkeypatch.setattr("ts.metrics.caching_metric.logger.info", hear)
    return Histograms(SimpleNamespace(metrics=cache, model_name="digits")), lines


def test_buckets_are_cumulative_and_end_with_all(said: tuple[Histograms, Counter[str]]) -> None:
    histograms, lines = said
    for size in (1, 2, 16, 16, 100):
        histograms.observe("handler_batch_size", size)
    histograms.report()
    found = {
        bound: lines[f"handler_batch_size_bucket {bound}"] for bound in ("1", "2", "12", "16", "64", "+Inf")
    }
    assert found == {"1": 1, "2": 2, "12": 2, "16": 4, "64": 4, "+Inf": 5}
    assert lines["handler_batch_size_count"] == 5
    assert lines["handler_batch_size_sum"] == 135


def test_only_what_grew_is_said_and_only_once(said: tuple[Histograms, Counter[str]]) -> None:
    histograms, lines = said
    histograms.observe("handler_latency_seconds", 1.5, times=3)
    histograms.count_bad_images(2)
    histograms.report()
    histograms.report()
    assert lines["handler_latency_seconds_bucket 2.5"] == 3
    assert lines["handler_latency_seconds_sum"] == 4.5
    assert lines["handler_bad_images"] == 2
    assert "handler_latency_seconds_bucket 1" not in lines
    assert not any(name.startswith("handler_network") for name in lines)


def test_every_histogram_is_in_the_metrics_file() -> None:
    listed = {row["name"] for row in yaml.safe_load(METRICS.read_text())["model_metrics"]["counter"]}
    assert listed == {f"{name}_{part}" for name in BOUNDS for part in ("bucket", "sum", "count")} | {
        "handler_bad_images"
    }
