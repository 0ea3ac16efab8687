"""What deploy/kubernetes promises, computed from what kustomize builds: no cluster is needed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from system.files import PROJECT
from tests.deploy import manifests
from tests.deploy.manifests import ALL, FOLDER, OVERLAYS, containers, main, of_kind, one, pods, servers
from tests.deploy.test_kubernetes_operators import operators
from tests.docs import surface

# The oldest and the newest version whose schema is asked.
VERSIONS = ("1.32", "1.36")
PRODUCTION = "overlays/production"
# Read by programs that are not ours, and by the manifest itself.
FOREIGN = {
    *("PGPASSFILE", "FORWARDED_ALLOW_IPS", "POSTGRES_PASSWORD_FILE", "NAMESPACE"),
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ALL)
def test_every_resource_fits_the_published_schema_without_an_unknown_field(name: str, version: str) -> None:
    for manifest in manifests.built(name):
        if manifest["kind"] not in {key.split()[1] for key in operators()["schemas"]}:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_nothing_is_built_before_somebody_has_said_which_archives_may_run(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "deploy", tmp_path / "deploy")
    (tmp_path / "deploy/kubernetes/archives/archives.sha256").unlink(missing_ok=True)
    command = [*manifests.builder(), str(tmp_path / "deploy/kubernetes/overlays/laptop")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "archives.sha256" in done.stderr


@pytest.mark.parametrize("name", ALL)
def test_every_pod_keeps_to_the_restricted_standard_and_writes_only_to_volumes(name: str) -> None:
    assert pods(name)
    for called, template in pods(name).items():
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, called
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for container in containers(template):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, container["name"]
        held = {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"}
        assert held <= {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_namespace_refuses_what_is_not_restricted(name: str) -> None:
    labels = one(name, "Namespace", "sketchserve")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", ALL)
def test_every_container_says_what_it_needs_and_every_volume_is_there(name: str) -> None:
    for called, template in pods(name).items():
        volumes = {volume["name"] for volume in template["spec"].get("volumes", [])}
        for manifest in of_kind(name, "StatefulSet"):
            if manifest["metadata"]["name"] == called:
                volumes |= {claim["metadata"]["name"] for claim in manifest["spec"]["volumeClaimTemplates"]}
        for container in containers(template):
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), container["name"]
            assert "memory" in resources["limits"]
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounted <= volumes, container["name"]


def test_whatever_a_container_needs_stands_beside_the_reason() -> None:
    found = 0
    for path in sorted(FOLDER.rglob("*.yaml")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
            if not re.match(r"\s+resources:( &\w+)?( {requests:.*)?$", line):
                continue
            found += 1
            reasons = (before.strip().startswith("#"), "} #" in line, after.strip().startswith("#"))
            assert any(reasons), f"{path.name}: {line.strip()}"
    assert found >= 14


@pytest.mark.parametrize("name", [*OVERLAYS, "kserve"])
def test_every_server_has_all_three_probes_at_ports_that_it_has(name: str) -> None:
    for called, template in servers(name).items():
        for container in template["spec"]["containers"]:
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert container[kind].keys() & {"exec", "httpGet"}, (called, kind)
                asked = container[kind].get("httpGet", {}).get("port")
                assert asked is None or asked in {*ports, *ports.values()}
                assert asked not in ("management", 8081)


@pytest.mark.parametrize(("name", "pod"), [(OVERLAYS[0], "torchserve"), ("kserve", "digits")])
def test_torchserve_is_ready_when_its_own_check_says_so(name: str, pod: str) -> None:
    ready = {"command": ["python", "-m", "launch.readiness"]}
    container = main(name, pod)
    assert container["startupProbe"]["exec"] == container["readinessProbe"]["exec"] == ready
    assert "launch.readiness" in surface.commands()


@pytest.mark.parametrize("pod", ["torchserve", "page", "proxy"])
def test_who_answers_goes_on_until_others_know_and_has_time_to_end(pod: str) -> None:
    template = pods(PRODUCTION)[pod]
    before_s = sum(
        int(word)
        for word in re.findall(
            r"\d+(?=$|;)", ";".join(main(PRODUCTION, pod)["lifecycle"]["preStop"]["exec"]["command"])
        )
    )
    assert before_s >= 5
    # The guard gives what is under way 7 s, TorchServe ends in some 3 s; nginx's 10 s are in its preStop.
    assert template["spec"]["terminationGracePeriodSeconds"] >= before_s + 10


@pytest.mark.parametrize("pod", ["torchserve", "page", "proxy"])
def test_what_serves_has_a_disruption_budget_that_lets_a_machine_be_drained(pod: str) -> None:
    budget = one(PRODUCTION, "PodDisruptionBudget", pod)["spec"]
    labels = pods(PRODUCTION)[pod]["metadata"]["labels"]
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    assert budget["maxUnavailable"] == 1


def test_the_proxy_knows_each_page_by_its_name() -> None:
    pages = one(PRODUCTION, "StatefulSet", "page")["spec"]
    assert pages["replicas"] > 1
    known = {variable["name"]: variable.get("value") for variable in main(PRODUCTION, "proxy")["env"]}
    service = f"{pages['serviceName']}.$(NAMESPACE).svc.cluster.local:7860"
    assert known["PAGE"] == ",".join(f"page-{number}.{service}" for number in range(pages["replicas"]))


@pytest.mark.parametrize("pod", ["torchserve", "page", "proxy"])
def test_several_of_a_kind_are_spread_over_machines_and_zones(pod: str) -> None:
    template = pods(PRODUCTION)[pod]
    spread = template["spec"]["topologySpreadConstraints"]
    assert [rule["topologyKey"] for rule in spread] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert all(
        rule["labelSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        for rule in spread
    )
    assert one(PRODUCTION, "StatefulSet" if pod == "page" else "Deployment", pod)["spec"]["replicas"] > 1


@pytest.mark.parametrize("name", ALL)
def test_images_are_ours_or_pinned_as_in_compose(name: str) -> None:
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    public = {service["image"] for service in compose.values()}
    for template in pods(name).values():
        for container in containers(template):
            image = container["image"]
            ours = re.fullmatch(r"(registry\.example/)?sketchserve/(torchserve|page|loop):(local|1)", image)
            assert ours or image in public, image


@pytest.mark.parametrize("name", ALL)
def test_every_variable_of_a_manifest_is_one_that_programs_read(name: str) -> None:
    proxy = set(re.findall(r"\$\{([A-Z_]+):=", (PROJECT / "deploy/nginx/start.sh").read_text()))
    exporter = {"DATA_SOURCE_URI", "DATA_SOURCE_USER", "DATA_SOURCE_PASS_FILE"}
    for template in pods(name).values():
        for container in containers(template):
            named = {variable["name"] for variable in container.get("env", [])}
            assert named - surface.variables() - proxy - exporter - FOREIGN == set(), container["name"]


@pytest.mark.parametrize("name", ALL)
def test_every_program_of_a_manifest_can_be_run(name: str) -> None:
    said = " ".join(str(container) for template in pods(name).values() for container in containers(template))
    modules = set(re.findall(r"(?:python -m |'-m', ')([a-z][\w.]+)", said))
    assert modules
    assert modules - surface.commands() == set()


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_password_stands_in_a_manifest_and_every_secret_is_made(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER / "new_secrets.py")], capture_output=True, text=True, check=True
    )
    made = {secret["metadata"]["name"]: secret for secret in yaml.safe_load(done.stdout)["items"]}
    for secret in made.values():
        kubernetes_validate.validate(secret, VERSIONS[0], strict=True)
    assert not of_kind(name, "Secret")
    volumes = [
        volume["secret"]
        for template in pods(name).values()
        for volume in template["spec"].get("volumes", [])
        if "secret" in volume
    ]
    assert {volume["secretName"] for volume in volumes} - made.keys() == {"tls", "keys"}
    assert made["app"]["stringData"]["password"] in made["app"]["stringData"]["pgpass"]
    again = subprocess.run(
        [sys.executable, str(FOLDER / "new_secrets.py")], capture_output=True, text=True, check=True
    )
    assert made["app"]["stringData"]["password"] not in again.stdout


def test_in_production_the_proxy_alone_is_published_with_tls_and_sees_each_visitors_address() -> None:
    published = [
        s for s in of_kind(PRODUCTION, "Service") if s["spec"].get("type", "ClusterIP") != "ClusterIP"
    ]
    assert [service["metadata"]["name"] for service in published] == ["proxy"]
    assert published[0]["spec"]["externalTrafficPolicy"] == "Local"
    assert [port["targetPort"] for port in published[0]["spec"]["ports"]] == ["http", "https"]
    (tls,) = [v for v in pods(PRODUCTION)["proxy"]["spec"]["volumes"] if v["name"] == "tls"]
    assert tls["secret"]["optional"] is False
    laptop = of_kind(OVERLAYS[0], "Service")
    assert all(service["spec"].get("type", "ClusterIP") == "ClusterIP" for service in laptop)


def test_the_proxy_gets_every_file_of_its_folder() -> None:
    names = {path.name for path in (PROJECT / "deploy/nginx").iterdir()} - {"kustomization.yaml"}
    assert one(OVERLAYS[0], "ConfigMap", "nginx")["data"].keys() == names


def test_everything_that_compose_scrapes_is_scraped_under_its_name() -> None:
    said = (PROJECT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
    jobs = set(re.findall(r"job_name: (\w+)", said)) - {"prometheus"}
    found = {
        rule["replacement"]
        for monitor in of_kind(PRODUCTION, "ServiceMonitor", "PodMonitor")
        for endpoint in monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
        for rule in endpoint["relabelings"]
        if rule["targetLabel"] == "job"
    } | {probe["spec"]["jobName"] for probe in of_kind(PRODUCTION, "Probe")}
    # CronJobs, whose series are made by rules (test_kubernetes_rules.py).
    assert jobs - {"backup", "loop"} == found
