"""The dashboards as files: what Grafana needs of them, and what an operator does."""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy import dashboards_on_disk as on_disk
from tests.deploy.rules_on_disk import PROMETHEUS, RUNBOOKS, read_yaml

each_dashboard = pytest.mark.parametrize("path", on_disk.DASHBOARD_FILES, ids=lambda path: path.stem)
COLUMNS = 24


def panels(path: Path) -> list[dict[str, Any]]:
    found = on_disk.read_dashboard(path)["panels"]
    assert isinstance(found, list)
    return found


def test_grafana_is_told_where_prometheus_is_and_how_often_it_asks() -> None:
    (source,) = on_disk.datasources().values()
    assert source["url"] == "http://prometheus:9090"
    scraped = read_yaml(PROMETHEUS / "prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scraped


def test_dashboards_have_names_of_their_own() -> None:
    named = [on_disk.read_dashboard(path) for path in on_disk.DASHBOARD_FILES]
    assert len({dashboard["uid"] for dashboard in named}) == len(named) == 3


@each_dashboard
def test_every_panel_asks_a_provisioned_source(path: Path) -> None:
    for panel in panels(path):
        source = on_disk.datasources()[panel["datasource"]["uid"]]
        assert panel["datasource"]["type"] == source["type"]
    for variable in on_disk.read_dashboard(path)["templating"]["list"]:
        assert variable["datasource"]["uid"] in on_disk.datasources()


@each_dashboard
def test_panels_have_numbers_and_titles_of_their_own(path: Path) -> None:
    for key in ("id", "title"):
        values = [panel[key] for panel in panels(path)]
        assert len(set(values)) == len(values)


@each_dashboard
def test_no_panel_covers_another(path: Path) -> None:
    places = [panel["gridPos"] for panel in panels(path)]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in itertools.combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_below, (one, other)


@each_dashboard
def test_every_panel_says_which_question_it_answers_and_in_which_unit(path: Path) -> None:
    for panel in panels(path):
        assert "?" in panel["description"], panel["title"]
        unit = panel["fieldConfig"]["defaults"].get("unit") or panel["options"]["yAxis"]["unit"]
        assert unit
        if panel["type"] == "timeseries":
            assert all(target["legendFormat"] for target in panel["targets"])
        if panel["type"] == "stat":
            assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"]


@each_dashboard
def test_every_variable_is_used_and_none_is_unknown(path: Path) -> None:
    known = {variable["name"] for variable in on_disk.read_dashboard(path)["templating"]["list"]}
    used = set(re.findall(r"\$(\w+)", " ".join(on_disk.queries(path).values())))
    assert used - {"__rate_interval", "__range"} == known


def test_panels_that_the_runbooks_name_exist() -> None:
    text = " ".join(RUNBOOKS.read_text(encoding="utf-8").split())
    titles = {
        dashboard["title"]: {panel["title"] for panel in dashboard["panels"]}
        for dashboard in map(on_disk.read_dashboard, on_disk.DASHBOARD_FILES)
    }
    named = re.findall(r"\*([^*]+)\* on \*([^*]+)\*", text)
    assert named
    assert [(panel, board) for panel, board in named if panel not in titles[board]] == []
