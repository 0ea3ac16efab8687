"""What trains in Kubernetes, as kustomize builds it: it may write where it does, and finds its like."""

import re
from typing import Any

import pytest
import yaml

from system.files import PROJECT
from tests.deploy.manifests import OVERLAYS, main, of_kind, one, pods
from tests.docs.documents import read

TRAINS = [*((name, pod) for name in OVERLAYS for pod in ("retrain", "watch")), ("training", "train")]


def written(container: dict[str, Any]) -> set[str]:
    """Return the folders of a container that it may write to."""
    return {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}


def of_the_image() -> dict[str, str]:
    """Return the variables that the loop's image sets."""
    said = (PROJECT / "deploy/torchserve.Dockerfile").read_text(encoding="utf-8")
    _, _, stage = said.partition("\nFROM serves AS loop\n")
    lines = re.findall(r"^ENV (.+)$", stage.partition("\nFROM ")[0], re.MULTILINE)
    return dict(word.split("=", 1) for line in lines for word in line.split())


@pytest.mark.parametrize("name", OVERLAYS)
def test_retraining_may_write_wherever_it_may_in_compose(name: str) -> None:
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
    service = compose["services"]["loop"]
    places = {place for place in service["volumes"] if not place.endswith(":ro")}
    asked = {place.rsplit(":", 1)[1] for place in places} | {
        place.split(":")[0] for place in service["tmpfs"]
    }
    assert {"/app/runs", "/app/var", "/models", "/tmp"} <= asked
    assert asked - written(main(name, "retrain")) == set()


@pytest.mark.parametrize(("name", "pod"), TRAINS)
def test_what_trains_may_write_its_frames_machine_code_and_results(name: str, pod: str) -> None:
    container = main(name, pod)
    variables = of_the_image() | {one["name"]: one["value"] for one in container.get("env", [])}
    # training/data/sets.py keeps frames in var/frames of the project, which is /app.
    places = {"/app/var/frames", variables["VAR_DIR"], variables["NUMBA_CACHE_DIR"], "/tmp"}
    if pod != "watch":
        places.add("/app/runs")
    for place in places:
        assert any(f"{place}/".startswith(f"{folder}/") for folder in written(container)), place
    claimed = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pods(name)[pod]["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    there = {claim["metadata"]["name"] for claim in of_kind(OVERLAYS[1], "PersistentVolumeClaim")}
    assert claimed - there == set()


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_image_that_trains_knows_the_commit_that_it_was_built_from(name: str) -> None:
    assert of_the_image()["REVISION"] == "$REVISION"
    assert "REVISION" not in {one["name"] for one in main(name, "retrain")["env"]}, "it would be another's"
    built = [line for line in read("docs/kubernetes.md").splitlines() if "--target loop" in line]
    assert built
    assert all('--build-arg REVISION="$(git rev-parse HEAD)"' in line for line in built)


def test_training_is_elastic_and_its_pods_find_each_other() -> None:
    job, service = one("training", "Job", "train"), one("training", "Service", "train")
    template = job["spec"]["template"]
    command = template["spec"]["containers"][0]["command"]
    assert command[0] == "torchrun"
    assert (job["spec"]["completionMode"], job["spec"]["completions"]) == ("Indexed", 2)
    assert f"--nnodes=1:{job['spec']['parallelism']}" in command
    assert f"--rdzv-endpoint=train-0.{template['spec']['subdomain']}:29400" in command
    assert service["metadata"]["name"] == template["spec"]["subdomain"]
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    assert service["spec"]["publishNotReadyAddresses"] is True
