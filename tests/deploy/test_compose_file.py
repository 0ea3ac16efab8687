"""What docker-compose.yml promises, read from the file itself: no engine is needed."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from system.files import PROJECT

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = sorted((PROJECT / "deploy").glob("*.Dockerfile"))
# Who may read a password is who mounts its volume.
READERS = {
    "secrets-postgres": {"secrets", "postgres"},
    "secrets-app": {"secrets", "ui", "migrate", "backup", "loop"},
    "secrets-monitor": {"secrets", "postgres-exporter"},
    "secrets-grafana": {"secrets", "grafana"},
    "secrets-management": {"secrets", "torchserve", "ui"},
    "secrets-keys": {"secrets", "torchserve", "migrate"},
}


def volumes(service: str) -> set[str]:
    return {volume.split(":")[0] for volume in SERVICES[service].get("volumes", [])}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened_and_limited(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["restart"] == ("no" if name in ("migrate", "models", "secrets") else "unless-stopped")
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    limits = service["deploy"]["resources"]["limits"]
    assert limits["memory"]
    assert limits["cpus"]
    assert not service.get("user", "10001").startswith(("0", "root"))


def megabytes(size):
    # ${NAME:-2560m}
    number, unit = re.fullmatch(r"(?:\$\{\w+:-)?(\d+)([mg])\}?", size).groups()
    return int(number) * {"m": 1, "g": 1024}[unit]


@pytest.mark.parametrize("name", SERVICES)
def test_full_temporary_folders_leave_a_program_half_of_its_memory(name):
    service = SERVICES[name]
    held = [re.search(r"size=(\w+)", mount).group(1) for mount in service.get("tmpfs", [])]
    limit = megabytes(service["deploy"]["resources"]["limits"]["memory"])
    assert sum(map(megabytes, held)) <= limit / 2


def test_only_the_proxy_publishes_ports_and_only_to_this_machine_unless_told():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    for port in SERVICES["proxy"]["ports"]:
        assert port.startswith(("127.0.0.1:", "${PUBLISH:-127.0.0.1}:")), port


def test_where_the_proxy_publishes_decides_whether_people_sign_in_and_programs_need_keys():
    page, torchserve, proxy = (SERVICES[name]["environment"] for name in ("ui", "torchserve", "proxy"))
    # Where another proxy stands before this one, its name is said once, for people and for programs.
    assert page["PUBLISHED_AT"] == torchserve["PUBLISHED_AT"] == "${PUBLISHED_AT:-${PUBLISH:-127.0.0.1}}"
    assert proxy["PUBLISHED_AT"] == page["PUBLISHED_AT"]
    assert proxy["PUBLISH"] == "${PUBLISH:-127.0.0.1}"
    assert page["SIGN_IN"] == "${SIGN_IN:-}"


def test_only_the_proxy_has_a_way_out_of_the_machine():
    internal = {name for name, network in COMPOSE["networks"].items() if (network or {}).get("internal")}
    assert set(COMPOSE["networks"]) - internal == {"edge"}
    for name, service in SERVICES.items():
        if service.get("network_mode") != "none":
            assert name == "proxy" or set(service["networks"]) <= internal, name


def test_management_and_the_database_are_on_networks_of_those_who_need_them():
    on: dict[str, set[str]] = {}
    for name, service in SERVICES.items():
        for network in service.get("networks", []):
            on.setdefault(network, set()).add(name)
    assert on["manage"] == {"ui", "torchserve"}
    assert on["back"] == {"postgres", "ui", "migrate", "backup", "loop", "postgres-exporter"}
    assert on["front"] == {"proxy", "ui", "torchserve", "blackbox"}


def test_what_waits_for_the_database_outlives_the_pages_container():
    dockerfile = (PROJECT / "deploy" / "page.Dockerfile").read_text(encoding="utf-8")
    (folder,) = re.findall(r"^ENV .*\bVAR_DIR=(\S+)", dockerfile, re.MULTILINE)
    assert f"page:{folder}" in SERVICES["ui"]["volumes"]
    assert "page" in COMPOSE["volumes"]
    # The volume is its user's, as the folder is.
    assert re.search(rf"for folder in [^;]*{folder} [^;]*; do", dockerfile)


def test_archives_are_written_by_the_release_and_the_loop_and_only_read_by_those_who_serve():
    mounts = {
        name: [one for one in service.get("volumes", []) if one.startswith("models:")]
        for name, service in SERVICES.items()
    }
    assert {name: how for name, how in mounts.items() if how} == {
        "ui": ["models:/models:ro"],
        "torchserve": ["models:/models:ro"],
        "models": ["models:/models"],
        "loop": ["models:/models"],
    }
    # Whose image is the first to use a volume decides whose it is.
    for dockerfile in DOCKERFILES:
        assert re.search(
            r"install -d [^&]*-o 10001 -g 10001 /models|for folder in [^;]*/models ", dockerfile.read_text()
        )


def test_the_loop_runs_where_it_is_asked_for_and_leaves_processors_to_those_who_serve():
    loop = SERVICES["loop"]
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["loop"]
    assert loop["profiles"] == ["loop"]
    assert loop["deploy"]["resources"]["limits"]["cpus"] == "${LOOP_CPUS:-1}"
    assert loop["cpu_shares"] < 1024
    # What it makes outlives its container.
    assert {"runs:/app/runs", "models:/models"} <= set(loop["volumes"])


@pytest.mark.parametrize(("volume", "readers"), READERS.items())
def test_a_password_is_mounted_where_it_is_needed_and_nowhere_else(volume, readers):
    assert {name for name in SERVICES if volume in volumes(name)} == readers


def test_no_password_stands_in_the_file():
    for name, service in SERVICES.items():
        for key, value in (service.get("environment") or {}).items():
            if re.search("PASS|SECRET|TOKEN", key):
                assert re.match(r"(\$\$__file\{)?/secrets/", str(value)), f"{name}: {key}"
        assert not re.search(r"://[^/@\s]*:[^/@\s]*@", str(service)), name


def test_public_images_are_pinned_by_version():
    for name, service in SERVICES.items():
        image = service["image"]
        if not image.startswith("sketchserve/"):
            assert re.search(r":v?\d+\.\d+", image), f"{name}: {image}"
    for dockerfile in DOCKERFILES:
        assert re.search(r"^ARG PYTHON=3\.11\.\d+-slim", dockerfile.read_text(), re.MULTILINE), dockerfile


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_an_image_is_built_in_stages_and_runs_one_process_that_is_not_root(dockerfile: Path):
    last = dockerfile.read_text().rpartition("\nFROM ")[2]
    assert dockerfile.read_text().count("\nFROM ") > 1
    assert "\nUSER 10001:10001\n" in last
    # The form without a shell.
    assert re.search(r'^CMD \["python", "-m", ', last, re.MULTILINE)
    assert "HEALTHCHECK" in last


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_what_an_image_copies_is_let_into_the_build(dockerfile: Path):
    let_in = [line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line[:1] == "!"]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile.read_text(), re.MULTILINE)
    sources = [source.rstrip("/") for line in copied for source in line.split()]
    assert len(sources) > 5
    assert {source for source in sources if not source.startswith(tuple(let_in))} <= {"model_store"}


def test_every_variable_of_the_file_is_in_the_documents_and_the_other_way_round():
    text = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
    table = (PROJECT / "docs" / "containers.md").read_text(encoding="utf-8").split("## Settings")[1]
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", table.split("\n## ")[0]))
    compose_s_own = {"COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"}
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) | compose_s_own == documented


@pytest.mark.parametrize(
    "more", [[], ["-f", "tests/deploy/standins/compose.yml"]], ids=["alone", "stand-ins"]
)
def test_compose_reads_the_file(more):
    command = ["docker", "compose", "-f", "docker-compose.yml", *more, "config", "--quiet"]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("docker is not on this machine")
    if "not a docker command" in done.stderr or "unknown" in done.stderr:
        pytest.skip("compose 2 is not on this machine")
    assert (done.returncode, done.stderr) == (0, "")
