"""The committed dashboards, and what Grafana is told of them."""

import json
import re
from pathlib import Path
from typing import Any

from system.files import PROJECT
from tests.deploy.rules_on_disk import RUNBOOKS, read_yaml

GRAFANA = PROJECT / "deploy" / "grafana"
DASHBOARD_FILES = sorted((GRAFANA / "dashboards").glob("*.json"))


def read_dashboard(path: Path) -> dict[str, Any]:
    """Return a dashboard."""
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(dashboard, dict)
    return dashboard


def datasources() -> dict[str, dict[str, Any]]:
    """Return the provisioned sources of data by the name that dashboards call them."""
    provisioned = read_yaml(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")
    return {source["uid"]: source for source in provisioned["datasources"]}


def queries(path: Path) -> dict[str, str]:
    """Return every query of a dashboard by its panel's title and its letter."""
    return {
        f"{panel['title']} ({target['refId']})": target["expr"]
        for panel in read_dashboard(path)["panels"]
        for target in panel["targets"]
    }


def without_variables(expr: str) -> str:
    """Return a query as Grafana sends it: an hour is shown, of all models."""
    shown = {"$__rate_interval": "1m", "$__range": "1h", "$model": ".*"}
    for name, value in shown.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return expr


def documented_queries() -> list[str]:
    """Return the queries that the document on monitoring recommends, one a line."""
    blocks = re.findall(
        r"^```promql\n(.*?)^```", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [line for block in blocks for line in block.splitlines()]
