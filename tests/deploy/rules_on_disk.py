"""The committed rules of Prometheus and the cases that test them, as the files say."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from system.files import PROJECT

PROMETHEUS = PROJECT / "deploy" / "prometheus"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
CASE_FILES = sorted((PROJECT / "tests" / "deploy" / "rules").glob("*.yml"))
RUNBOOKS = PROJECT / "docs" / "monitoring.md"


@dataclass(frozen=True)
class Alert:
    """An alert as its rule says it."""

    name: str
    expr: str
    severity: str
    annotations: dict[str, str]


def read_yaml(path: Path) -> Any:
    """Return what the file holds."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    """Return every rule of every file, as it stands there."""
    return [rule for path in RULE_FILES for group in read_yaml(path)["groups"] for rule in group["rules"]]


def alerts() -> list[Alert]:
    """Return every alert."""
    return [
        Alert(
            rule["alert"],
            rule["expr"],
            rule.get("labels", {}).get("severity", ""),
            rule.get("annotations", {}),
        )
        for rule in rules()
        if "alert" in rule
    ]


def recorded() -> list[str]:
    """Return the names of all series that rules make."""
    return sorted({rule["record"] for rule in rules() if "record" in rule})


def cases() -> list[dict[str, Any]]:
    """Return every case of every file of cases."""
    return [case for path in CASE_FILES for case in read_yaml(path)["tests"]]


def runbook_titles() -> list[str]:
    """Return the headings of the runbooks in the document on monitoring."""
    _, _, runbooks = RUNBOOKS.read_text(encoding="utf-8").partition("\n## Runbooks\n")
    runbooks, _, _ = runbooks.partition("\n## ")
    return re.findall(r"^### (.+)$", runbooks, re.MULTILINE)


def anchor(title: str) -> str:
    """Return the link to a heading as code hosts make it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
