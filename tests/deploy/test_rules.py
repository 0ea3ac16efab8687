"""The rules of Prometheus: valid, each seen to fire and to stay silent, each with words on what to do."""

import subprocess
from pathlib import Path

import pytest

from tests.deploy import rules_on_disk as on_disk
from tests.deploy.debian import program

pytestmark = pytest.mark.processes


def promtool(*arguments: str | Path) -> None:
    command = [program("promtool", "prometheus"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_its_configuration_and_rules() -> None:
    promtool("check", "config", on_disk.PROMETHEUS / "prometheus.yml")
    promtool("check", "rules", *on_disk.RULE_FILES)


def test_the_blackbox_exporter_accepts_its_configuration() -> None:
    blackbox = program("prometheus-blackbox-exporter", "prometheus-blackbox-exporter")
    command = [blackbox, "--config.check", f"--config.file={on_disk.PROMETHEUS / 'blackbox.yml'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", on_disk.CASE_FILES, ids=lambda path: path.stem)
def test_the_rules_do_what_their_cases_say(path: Path) -> None:
    promtool("test", "rules", path)


def test_every_file_of_rules_has_its_cases() -> None:
    assert [path.name for path in on_disk.CASE_FILES] == [path.name for path in on_disk.RULE_FILES]


@pytest.mark.parametrize("alert", on_disk.alerts(), ids=lambda alert: alert.name)
def test_an_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent(alert: on_disk.Alert) -> None:
    seen = [
        bool(expected.get("exp_alerts"))
        for case in on_disk.cases()
        for expected in case.get("alert_rule_test", [])
        if expected["alertname"] == alert.name
    ]
    assert set(seen) == {True, False}


def test_every_recorded_series_has_a_case() -> None:
    asked = " ".join(
        expected["expr"] for case in on_disk.cases() for expected in case.get("promql_expr_test", [])
    )
    assert [name for name in on_disk.recorded() if name not in asked] == []


@pytest.mark.parametrize("alert", on_disk.alerts(), ids=lambda alert: alert.name)
def test_an_alert_says_how_bad_it_is_and_what_to_read(alert: on_disk.Alert) -> None:
    assert alert.severity in ("critical", "warning")
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    document = on_disk.RUNBOOKS.relative_to(on_disk.PROJECT)
    links = {f"{document}#{on_disk.anchor(title)}" for title in on_disk.runbook_titles()}
    assert alert.annotations["runbook_url"] in links


def test_every_runbook_belongs_to_one_alert_of_its_name() -> None:
    names = {alert.name.lower() for alert in on_disk.alerts()}
    titles = on_disk.runbook_titles()
    assert len(titles) == len(names)
    assert {title.replace(" ", "").replace("-", "").lower() for title in titles} == names
