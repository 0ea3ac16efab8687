"""Who reaches whom in Kubernetes, computed from the policies: what docs/kubernetes.md says, and no more."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.deploy.manifests import of_kind, pods
from tests.docs.documents import read

LAPTOP, PRODUCTION = "overlays/laptop", "overlays/production"
# What is not of this project: the namespaces of Prometheus, of the operator, and of anybody else.
OTHERS = {
    "prometheus": ("monitoring", {}),
    "operator": ("cnpg-system", {}),
    "somebody": ("elsewhere", {}),
}
Arrow = tuple[str, str, int]


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether a label selector takes these labels (only what the manifests use of it)."""
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    wanted = [
        {"key": key, "operator": "In", "values": [value]}
        for key, value in selector.get("matchLabels", {}).items()
    ]
    for rule in wanted + selector.get("matchExpressions", []):
        assert rule["operator"] == "In"
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return True


def places(name: str) -> dict[str, tuple[str, dict[str, str], dict[str, int]]]:
    """Return namespace, labels and ports of everybody, by name."""
    found = {}
    for called, template in pods(name).items():
        ports = {
            p["name"]: p["containerPort"] for c in template["spec"]["containers"] for p in c.get("ports", [])
        }
        found[called] = ("sketchserve", template["metadata"]["labels"], ports)
    if of_kind(name, "Cluster"):
        found["postgres"] = (
            "sketchserve",
            {"cnpg.io/cluster": "postgres"},
            {"postgres": 5432, "status": 8000},
        )
    return found | {called: (*place, {}) for called, place in OTHERS.items()}


def lets(rule: Mapping[str, Any], key: str, namespace: str, labels: Mapping[str, str]) -> bool:
    """Return whether a rule of a policy of our namespace is about a pod there."""
    if key not in rule:
        return True
    for peer in rule[key]:
        assert peer.keys() <= {"podSelector", "namespaceSelector"}
        there = namespace == "sketchserve"
        if "namespaceSelector" in peer:
            there = matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace})
        if there and matches(peer.get("podSelector", {}), labels):
            return True
    return False


def reachable(name: str) -> set[Arrow]:
    """Return who reaches whom at which of its ports."""
    policies = [policy["spec"] for policy in of_kind(name, "NetworkPolicy")]
    everybody = places(name)
    found = set()
    for source, (from_namespace, from_labels, _) in everybody.items():
        for target, (to_namespace, to_labels, ports) in everybody.items():
            if to_namespace != "sketchserve":
                continue
            incoming = [
                rule
                for p in policies
                if matches(p["podSelector"], to_labels)
                for rule in p.get("ingress", [])
            ]
            outgoing = [
                rule
                for p in policies
                if matches(p["podSelector"], from_labels)
                for rule in p.get("egress", [])
            ]
            for called, port in ports.items():
                comes = any(
                    lets(rule, "from", from_namespace, from_labels)
                    and ("ports" not in rule or {port, called} & {p["port"] for p in rule["ports"]})
                    for rule in incoming
                )
                goes = from_namespace != "sketchserve" or any(
                    lets(rule, "to", to_namespace, to_labels)
                    and ("ports" not in rule or port in {p["port"] for p in rule["ports"]})
                    for rule in outgoing
                )
                if comes and goes:
                    found.add((source, target, port))
    return found


def documented() -> dict[str, set[Arrow]]:
    """Return the arrows of the table in docs/kubernetes.md, by overlay."""
    found: dict[str, set[Arrow]] = {LAPTOP: set(), PRODUCTION: set()}
    _, _, section = read("docs/kubernetes.md").partition("## Who talks to whom")
    rows = re.findall(
        r"^\| ([\w`, -]+) \| `([\w-]+)` \| ([\d, ]+) \| (both|production)", section, re.MULTILINE
    )
    for sources, target, ports, where in rows:
        arrows = {
            (source, target, int(port))
            for source in re.findall(r"[\w-]+", sources)
            for port in ports.split(", ")
        }
        found[PRODUCTION] |= arrows
        found[LAPTOP] |= arrows if where == "both" else set()
    return found


@pytest.mark.parametrize("name", [LAPTOP, PRODUCTION])
def test_the_policies_let_through_the_arrows_of_the_document_and_nothing_else(name: str) -> None:
    arrows = documented()[name]
    assert len(arrows) >= 8
    published = (
        {(source, "proxy", port) for source in places(name) for port in (8080, 8443)}
        if name == PRODUCTION
        else set()
    )
    assert reachable(name) - published == arrows - published


@pytest.mark.parametrize("name", [LAPTOP, PRODUCTION])
def test_whoever_is_named_in_a_variable_may_be_reached(name: str) -> None:
    arrows, asked = reachable(name), set()
    for source, template in pods(name).items():
        said = str([c.get("env", []) for c in template["spec"]["containers"]])
        for target, port in re.findall(
            r"[/@',](?:page-\d\.)?(torchserve|page|postgres)(?:-rw)?(?:\.[\w.$()]+)?:(\d+)", said
        ):
            asked.add((source, target, int(port)))
    assert {("proxy", "torchserve", 8080), ("proxy", "page", 7860), ("page", "torchserve", 8081)} <= asked
    assert asked - arrows == set()


def test_nothing_leaves_the_namespace_but_questions_for_names_and_postgresqls_for_the_cluster() -> None:
    for name in (LAPTOP, PRODUCTION):
        for policy in of_kind(name, "NetworkPolicy"):
            for rule in policy["spec"].get("egress", []):
                inside = rule.get("to") == [{"podSelector": {}}]
                names = {port["port"] for port in rule.get("ports", [])} == {53}
                assert inside or names or policy["metadata"]["name"] == "postgres-operator"


def test_every_monitor_asks_at_a_port_that_prometheus_reaches() -> None:
    arrows = {(target, port) for source, target, port in reachable(PRODUCTION) if source == "prometheus"}
    arrows -= {("proxy", 8080), ("proxy", 8443)}  # everybody's
    everybody = places(PRODUCTION)
    asked = set()
    for monitor in of_kind(PRODUCTION, "ServiceMonitor", "PodMonitor"):
        spec = monitor["spec"]
        for called, (_, labels, ports) in everybody.items():
            if labels and matches(spec["selector"], labels):
                for endpoint in spec.get("endpoints") or spec["podMetricsEndpoints"]:
                    asked.add((called, ports[endpoint["port"]]))
    assert asked | {("blackbox", 9115)} == arrows
