"""Who reaches whom in the deployed platform: its containers each other, and other hosts them."""

import json

import pytest
import requests

from tests.deploy.host import Host
from tests.deploy.networks import address, another_host, does_engine_keep_others_out, reaches

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1500)]


def test_only_the_proxy_has_a_published_port(host: Host):
    lines = host.compose("ps", "--format", "json").splitlines()
    published = {
        one["Service"]: {port["PublishedPort"] for port in one["Publishers"] or [] if port["PublishedPort"]}
        for one in map(json.loads, lines)
    }
    assert {service for service, ports in published.items() if ports} == {"proxy"}


def test_management_metrics_and_database_are_reached_by_those_who_need_them_alone(host: Host):
    assert reaches(host, "ui", "torchserve-management", 8081)
    assert reaches(host, "ui", "postgres", 5432)
    assert reaches(host, "backup", "postgres", 5432)
    assert not reaches(host, "torchserve", "postgres", 5432)
    torchserve, postgres = host.containers("torchserve")[0], host.containers("postgres")[0]
    # By address too: a name is no lock.
    for network, port in (("front", 8081), ("front", 8082), ("watch", 8081), ("manage", 8080)):
        assert not reaches(host, "ui", address(torchserve, network), port), (network, port)
    assert not reaches(host, "torchserve", address(postgres, "back"), 5432)
    assert not reaches(host, "ui", "torchserve-inference", 7070)


def test_nothing_but_the_proxy_reaches_other_hosts(host: Host):
    with another_host() as other:
        # Reached at all, or nothing would be shown.
        url = f"http://{other.address}:{other.port}/"
        host.inside("proxy", "curl", "--silent", "--output", "/dev/null", "--max-time", "10", url)
        for service in ("ui", "torchserve", "backup"):
            assert not reaches(host, service, other.address, other.port), service


def test_what_is_published_for_this_machine_is_for_no_other_host_that_knows_the_way_to_the_container(
    host: Host,
):
    proxy = f"http://{address(host.containers('proxy')[0], 'edge')}"
    assert requests.get(f"{host.address}/", timeout=20).status_code == 200
    published = [f"{proxy}:{ask}" for ask in ("8080/", "8080/predict --data x", "8080/health", "8092/")]
    with another_host() as other:
        # 000: the engine lets nobody through.
        expected = {"403", "000"} if does_engine_keep_others_out() else {"403"}
        for ask, status in other.statuses(*published).items():
            assert status in expected, ask
