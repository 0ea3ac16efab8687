"""The operators' own kinds fit the schemas that are published, and the autoscaler finds what it scales."""

import copy
import gzip
import json
from functools import cache
from typing import Any

import jsonschema
import pytest

from system.files import PROJECT
from tests.deploy.manifests import AUTOSCALED, FOLDER, OVERLAYS, Manifest, built, of_kind, one
from tests.deploy.rules_on_disk import recorded
from tests.docs.documents import read

PRODUCTION = OVERLAYS[1]
EVERY = {
    *("Cluster", "InferenceService", "PodMonitor", "Probe"),
    *("PrometheusRule", "ScaledObject", "ServiceMonitor"),
}


@cache
def operators() -> dict[str, Any]:
    """Return what tests/deploy/schemas/renew.py has written."""
    path = PROJECT / "tests/deploy/schemas/operators.json.gz"
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def resources() -> dict[str, Manifest]:
    """Return each resource of an operator's kind, by kind and name."""
    known = operators()["schemas"]
    return {
        f"{manifest['kind']} {manifest['metadata']['name']}": manifest
        for name in (AUTOSCALED, "kserve")
        for manifest in built(name)
        if f"{manifest['apiVersion']} {manifest['kind']}" in known
    }


def validate(manifest: Manifest) -> None:
    schema = operators()["schemas"][f"{manifest['apiVersion']} {manifest['kind']}"]
    jsonschema.Draft202012Validator(schema).validate(manifest)


def test_every_resource_of_an_operator_fits_its_published_schema_without_an_unknown_field() -> None:
    assert {manifest["kind"] for manifest in resources().values()} == EVERY
    for manifest in resources().values():
        validate(manifest)


@pytest.mark.parametrize("kind", sorted(EVERY))
def test_a_field_that_an_operator_does_not_know_is_found(kind: str) -> None:
    manifest = copy.deepcopy(next(one for one in resources().values() if one["kind"] == kind))
    manifest["spec"]["replicaz"] = 1
    with pytest.raises(jsonschema.ValidationError, match="replicaz"):
        validate(manifest)


def test_the_document_names_the_versions_whose_schemas_were_asked() -> None:
    words = read("docs/kubernetes.md")
    for source in operators()["sources"]:
        assert source["version"].removeprefix("v") in words, source


def test_the_autoscaler_finds_its_deployment_which_has_no_count_of_its_own() -> None:
    (scaled,) = of_kind(AUTOSCALED, "ScaledObject")
    deployment = one(AUTOSCALED, "Deployment", scaled["spec"]["scaleTargetRef"]["name"])
    assert scaled["spec"]["scaleTargetRef"].get("kind", "Deployment") == "Deployment"
    assert "replicas" not in deployment["spec"], "each apply would set it"
    assert one(PRODUCTION, "Deployment", "torchserve")["spec"]["replicas"] == 3
    rest = [manifest for manifest in built(AUTOSCALED) if manifest not in (scaled, deployment)]
    assert all(manifest in built(PRODUCTION) for manifest in rest), "nothing else differs"


def test_the_autoscaler_asks_for_a_series_that_the_rules_make() -> None:
    (scaled,) = of_kind(AUTOSCALED, "ScaledObject")
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["query"] in recorded()
    assert trigger["metadata"]["query"] in (FOLDER / "monitoring/rules.yaml").read_text(encoding="utf-8")
