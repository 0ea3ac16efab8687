"""The manifests of deploy/kubernetes as kustomize builds them, and what they say of pods."""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from system.files import PROJECT

FOLDER = PROJECT / "deploy" / "kubernetes"
OVERLAYS = ("overlays/laptop", "overlays/production")
AUTOSCALED = "overlays/autoscaled"
ALL = (*OVERLAYS, AUTOSCALED, "training", "kserve")
Manifest = dict[str, Any]


@cache
def built(name: str) -> list[Manifest]:
    """Return all resources of a kustomization, with an archive's hash as somebody would have made it."""
    command = builder()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(PROJECT / "deploy", Path(folder, "deploy"), symlinks=True))
        (copy / "kubernetes" / "archives" / "archives.sha256").write_text(f"{'0' * 64}  digits.mar\n")
        done = subprocess.run(
            [*command, str(copy / "kubernetes" / name)], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return list(yaml.safe_load_all(done.stdout))


def builder() -> list[str]:
    """Return kustomize's command; without one the test is skipped, or fails where it is due."""
    for command in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(command[0]):
            return command
    reason = "neither kustomize nor kubectl is on this machine: apt-get install kustomize (Debian 13)"
    if os.environ.get("NEEDS_KUSTOMIZE"):
        pytest.fail(reason)
    pytest.skip(reason)


def of_kind(name: str, *kinds: str) -> list[Manifest]:
    """Return a kustomization's resources of these kinds."""
    return [found for found in built(name) if found["kind"] in kinds]


def one(name: str, kind: str, called: str) -> Manifest:
    """Return one resource; a ConfigMap's name has a hash behind it."""
    (found,) = [m for m in of_kind(name, kind) if m["metadata"]["name"].startswith(called)]
    return found


def pods(name: str) -> dict[str, Manifest]:
    """Return the template of each pod, by the name of who makes it."""
    found = {}
    for manifest in of_kind(name, "Deployment", "StatefulSet", "Job", "CronJob"):
        spec = manifest["spec"]
        if manifest["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        found[manifest["metadata"]["name"]] = spec["template"]
    for manifest in of_kind(name, "InferenceService"):
        found[manifest["metadata"]["name"]] = {"spec": manifest["spec"]["predictor"]}
    return found


def containers(template: Manifest) -> list[Manifest]:
    """Return a pod's containers, those that run first as well."""
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def servers(name: str) -> dict[str, Manifest]:
    """Return the templates of pods that are to go on for ever."""
    kinds = ("Deployment", "StatefulSet", "InferenceService")
    asked = {m["metadata"]["name"] for m in of_kind(name, *kinds)}
    return {key: template for key, template in pods(name).items() if key in asked}


def main(name: str, pod: str) -> Manifest:
    """Return a pod's first container."""
    found: Manifest = pods(name)[pod]["spec"]["containers"][0]
    return found
