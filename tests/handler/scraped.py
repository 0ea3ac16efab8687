"""What a server's handler tells Prometheus, for tests."""

import time
from collections import Counter

import requests
from prometheus_client.parser import text_string_to_metric_families

WAIT_S = 30.0


def page(url: str) -> str:
    """Return the page as soon as somebody serves it."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            answer = requests.get(url, timeout=WAIT_S)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, f"nobody served {url} for {WAIT_S} s"
            time.sleep(0.02)
        else:
            assert answer.status_code == 200
            return answer.text


def types(url: str) -> dict[str, str]:
    """Return every metric's type."""
    return {family.name: family.type for family in text_string_to_metric_families(page(url))}


def totals(url: str, **labels: str) -> Counter[str]:
    """Return every series' value by its name, summed over all labels but the given ones."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(page(url)):
        for sample in family.samples:
            if labels.items() <= sample.labels.items():
                found[sample.name] += sample.value  # type: ignore[assignment]
    return found
