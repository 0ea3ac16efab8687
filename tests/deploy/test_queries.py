"""Every query of dashboards, rules and their document, asked of a Prometheus that scraped the platform."""

import math
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.deploy import dashboards_on_disk, rules_on_disk, traffic
from tests.deploy.debian import program
from tests.deploy.selectors import metric, selectors
from tests.deploy.watched import Watched, watched_platform

# It is started once, within the time of the first test.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

TRAFFIC_S = 180
# A busy machine answers a scrape too late, and the series is away for a second.
PATIENCE_S = 30
# What the traffic is bound to set off: a request of four fails.
FIRING = {"ErrorBudgetBurnsFast", "ErrorBudgetBurnsSlowly"}
# Prometheus's own, where an alert fires.
OWN = {"ALERTS"}
PANELS = {
    f"{path.stem}: {panel}": expr
    for path in dashboards_on_disk.DASHBOARD_FILES
    for panel, expr in dashboards_on_disk.queries(path).items()
}
RULES = {
    f"{rule.get('alert') or rule['record']} {number}": rule
    for number, rule in enumerate(rules_on_disk.rules())
}
# The first column of the document's table.
DESCRIBED = re.findall(r"^\| `(\w+)` \|", rules_on_disk.RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def watched(model_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A platform that had visitors until every part was scraped several times and alerts fired."""
    with watched_platform(model_store, tmp_path_factory.mktemp("watched")) as platform:
        traffic.load_idle_model(platform.torchserve)
        deadline = time.monotonic() + TRAFFIC_S
        while not has_seen_enough(platform):
            assert time.monotonic() < deadline, platform.query("ALERTS or up")
            make_traffic(platform)
        yield platform


def make_traffic(platform: Watched) -> None:
    assert traffic.ask_torchserve(platform.torchserve) == [200, 200, 400, 503]
    traffic.visit_page(platform.page_url)
    time.sleep(0.5)


def has_seen_enough(platform: Watched) -> bool:
    scraped = platform.query("min(sum_over_time(up[1m])) >= 5")
    computed = platform.query("sketchserve:not_a_digit_share_of_model:7d")
    return bool(scraped and computed and firing(platform) >= FIRING)


def firing(platform: Watched) -> set[str]:
    return {one["metric"]["alertname"] for one in platform.query('ALERTS{alertstate="firing"}')}


def answers(platform: Watched, expr: str) -> bool:
    """Return whether the expression gives at least one number, now or after some more traffic."""
    deadline = time.monotonic() + PATIENCE_S
    while not any(not math.isnan(float(one["value"][1])) for one in platform.query(expr)):
        if time.monotonic() > deadline:
            return False
        make_traffic(platform)
    return True


@pytest.mark.parametrize("panel", PANELS)
def test_no_panel_is_empty(watched: Watched, panel: str) -> None:
    expr = dashboards_on_disk.without_variables(PANELS[panel])
    assert answers(watched, expr)
    assert [one for one in selectors(expr) if not answers(watched, one)] == []


@pytest.mark.parametrize("expr", dashboards_on_disk.documented_queries())
def test_a_query_of_the_document_has_an_answer(watched: Watched, expr: str) -> None:
    assert answers(watched, expr)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_computed_from_series_that_exist(watched: Watched, name: str) -> None:
    rule = RULES[name]
    watched.query(rule["expr"])
    assert [one for one in selectors(rule["expr"]) if not answers(watched, one)] == []
    if "record" in rule:
        labels = ",".join(f'{key}="{value}"' for key, value in rule.get("labels", {}).items())
        assert answers(watched, f"{rule['record']}{{{labels}}}")


def test_no_rule_fails_and_what_fires_is_what_was_done_to_it(watched: Watched) -> None:
    assert watched.query("sum(prometheus_rule_evaluation_failures_total) > 0") == []
    assert firing(watched) == FIRING


def test_every_metric_that_is_used_is_described_and_every_one_described_exists(watched: Watched) -> None:
    exprs = [*PANELS.values(), *(rule["expr"] for rule in RULES.values())]
    asked = {metric(one) for expr in exprs for one in selectors(dashboards_on_disk.without_variables(expr))}
    used = {name for name in asked - OWN if ":" not in name}
    assert sorted(used - set(DESCRIBED)) == []
    assert [name for name in DESCRIBED if not answers(watched, f'{{__name__=~"{name}(_bucket)?"}}')] == []


@pytest.mark.parametrize("job", ["handler", "page", "backup", "loop"])
def test_metrics_of_our_own_are_named_and_typed_as_prometheus_asks(watched: Watched, job: str) -> None:
    answer = requests.get(f"{watched.prometheus_url}/api/v1/targets", timeout=60)
    targets = answer.json()["data"]["activeTargets"]
    (url,) = [target["scrapeUrl"] for target in targets if target["labels"]["job"] == job]
    done = subprocess.run(
        [program("promtool", "prometheus"), "check", "metrics"],
        input=requests.get(url, timeout=60).text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
