"""Rules of a cluster: those of compose, and what its CronJobs cannot say themselves, fired and silent."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.debian import program
from tests.deploy.manifests import FOLDER, OVERLAYS, main, of_kind, one
from tests.deploy.rules_on_disk import RULE_FILES, alerts, read_yaml

PRODUCTION = OVERLAYS[1]
SERIES = r"sketchserve_(?:backup|loop)_\w+"
OF = 'namespace="sketchserve"'


def groups() -> list[dict[str, Any]]:
    """Return the groups of rules that a cluster has in addition."""
    found: list[dict[str, Any]] = one(PRODUCTION, "PrometheusRule", "jobs")["spec"]["groups"]
    return found


def test_the_rules_are_those_of_compose() -> None:
    sys.path.insert(0, str(FOLDER))
    try:
        import rules
    finally:
        sys.path.remove(str(FOLDER))
    assert rules.MADE.read_text(encoding="utf-8") == rules.made(), "python deploy/kubernetes/rules.py"
    by_name = {m["metadata"]["name"]: m["spec"]["groups"] for m in of_kind(PRODUCTION, "PrometheusRule")}
    assert by_name.keys() == {path.stem for path in RULE_FILES} | {"jobs"}
    for path in RULE_FILES:
        assert by_name[path.stem] == read_yaml(path)["groups"]


def test_every_alert_on_backups_and_the_loop_has_its_series_or_is_written_anew() -> None:
    rules = [rule for group in groups() for rule in group["rules"]]
    made = {rule["record"] for rule in rules if "record" in rule}
    anew = {rule["alert"] for rule in rules if "alert" in rule}
    asking = [alert for alert in alerts() if re.search(SERIES, alert.expr)]
    assert {"LoopFailing", "LoopStale", "BackupFailing"} <= {alert.name for alert in asking}
    for alert in asking:
        assert alert.name in anew or set(re.findall(SERIES, alert.expr)) <= made, alert.name


@pytest.mark.parametrize(
    ("pod", "module", "kind", "period_s"),
    [
        ("backup", "db.backup", "backup", 24 * 3600),
        ("retrain", "loop", "loop", 7 * 24 * 3600),
        ("watch", "loop.watch", "loop", 3600),
    ],
)
def test_the_period_that_the_rules_say_is_that_of_the_schedule(
    pod: str, module: str, kind: str, period_s: int
) -> None:
    minute, hour, *days = one(PRODUCTION, "CronJob", pod)["spec"]["schedule"].split()
    said = {
        ("*", "*", "*", "*"): 3600,
        ("2", "*", "*", "*"): 24 * 3600,
        ("3", "*", "*", "0"): 7 * 24 * 3600,
    }
    assert minute.isdigit()
    assert said[(hour, *days)] == period_s
    (rule,) = [
        rule
        for group in groups()
        for rule in group["rules"]
        if rule.get("record") == f"sketchserve_{kind}_period_seconds"
        and rule.get("labels", {}).get("command", pod) == pod
    ]
    assert rule["expr"] == f"vector({period_s})"
    assert f"python -m {module}" in " ".join(main(PRODUCTION, pod)["command"])


def series(name: str, labels: str, values: str) -> dict[str, str]:
    return {"series": f"{name}{{{OF}, {labels}}}", "values": values}


def fires(name: str, at: str, command: str | None, *given: dict[str, str]) -> dict[str, Any]:
    """Return a case of promtool: whether an alert fires at a time, given series at every ten minutes."""
    labels = {"severity": "warning", **({"command": command} if command else {})}
    asked = f"count by (alertname, command, severity) (ALERTS{{alertname='{name}', alertstate='firing'}})"
    there = ", ".join(f'{key}="{value}"' for key, value in {"alertname": name, **labels}.items())
    return {
        "interval": "10m",
        "input_series": list(given),
        "promql_expr_test": [
            {
                "expr": asked,
                "eval_time": at,
                "exp_samples": [{"labels": f"{{{there}}}", "value": 1}] if command is not None else [],
            }
        ],
    }


def cases() -> list[dict[str, Any]]:
    last, born = "kube_cronjob_status_last_successful_time", "kube_cronjob_created"
    hourly = series(last, 'cronjob="watch"', "0+600x4000")
    weekly = series(last, 'cronjob="retrain"', "0x1008 604800x1008 1209600x1984")
    never = series(born, 'cronjob="retrain"', "0x4000")
    ended = series(last, 'cronjob="watch"', "0+600x60 36000x4000")

    def job(name: str, began_s: int, *, given_up: bool) -> list[dict[str, str]]:
        """Return what kube-state-metrics says of a Job: how many pods failed, until it is given up."""
        label, absent = f'job_name="{name}"', f"_x{began_s // 600}"
        reason = "BackoffLimitExceeded" if given_up else ""
        said = [
            series("kube_job_status_start_time", label, f"{absent} {began_s}x300"),
            series("kube_job_status_failed", f'{label}, reason="{reason}"', f"{absent} 1x300"),
        ]
        if given_up:
            said.append(series("kube_job_failed", f'{label}, condition="true"', f"{absent} 1x300"))
            said.append(series("kube_job_failed", f'{label}, condition="false"', f"{absent} 0x300"))
        return said

    looks = [one for hour in range(1, 4) for one in job(f"watch-{hour}", hour * 3600, given_up=True)]
    return [
        fires("LoopStale", "500h", None, hourly, weekly),
        fires("LoopStale", "15d", "retrain", hourly, never),
        fires("LoopStale", "16h", "watch", ended, weekly),
        fires("LoopFailing", "2h", None, *job("watch-1", 3600, given_up=True)),
        fires("LoopFailing", "4h", "watch", *looks),
        fires("LoopFailing", "12h", None, *looks),
        fires("LoopFailing", "4h", "retrain", *job("retrain-1", 3600, given_up=True)),
        fires("LoopFailing", "4h", None, *job("retrain-1", 3600, given_up=False)),
        fires("LoopFailing", "4h", None, *job("backup-1", 3600, given_up=True)),
        fires("BackupFailing", "4h", None, *looks),
        fires("BackupFailing", "4h", "backup", *job("backup-1", 3600, given_up=True)),
    ]


@pytest.mark.processes
def test_what_the_cluster_says_of_its_jobs_fires_the_alerts_of_the_loop(tmp_path: Path) -> None:
    (tmp_path / "jobs.yml").write_text(yaml.safe_dump({"groups": groups()}))
    rules = ["jobs.yml", str(next(path for path in RULE_FILES if path.stem == "loop"))]
    said = {"rule_files": rules, "evaluation_interval": "10m", "tests": cases()}
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(said))
    command = [program("promtool", "prometheus"), "test", "rules", str(tmp_path / "cases.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
