"""What start.sh makes of its environment: nginx and gixy accept every variant, errors name the key."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

import json
import os
import re
import shutil
import socket
import subprocess
import sysconfig
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import psutil
import pytest

from system.ports import is_address, is_loopback
from tests.deploy.certificate import certificate
from tests.deploy.proxy import rendered
from tests.system.test_ports import LOOPBACK_HOSTS, OTHER_HOSTS

pytestmark = pytest.mark.processes

VARIANTS = [
    {},
    {"UI_ROOT_PATH": "/sketch", "PUBLISHED_AT": "127.0.0.1"},
    {"UI_ROOT_PATH": "/a/b", "MODEL": "fashion/1.2.0", "TORCHSERVE": "10.0.0.1:8080"},
]
# What gixy says and we judged. Gradio makes the page's addresses of Host, port included, which $host lacks;
# nothing is cached, so that what a client says of itself reaches nobody else. What the proxy says by itself
# (404, 405, a redirect) may be had by anybody.
ACCEPTED = {"host_spoofing", "return_bypasses_allow_deny"}


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_nginx_accepts_every_variant_without_a_warning(
    variant: dict[str, str],
    tls: bool,
    certificate: tuple[bytes, bytes],
) -> None:
    with rendered(certificate if tls else None, **variant) as (folder, status, words):
        assert status == 0, words
        assert "[warn]" not in words
        for file in folder.glob("*.conf"):
            assert re.findall(r"@[A-Z_0-9]{2,}@", file.read_text()) == [], (
                f"a placeholder is left in {file.name}"
            )


@pytest.mark.parametrize("host", [*LOOPBACK_HOSTS, *OTHER_HOSTS])
@pytest.mark.parametrize("key", ["PUBLISH", "PUBLISHED_AT"])
def test_what_is_bound_or_published_on_loopback_is_for_this_machine_alone(key: str, host: str) -> None:
    with rendered(None, **{key: host}) as (folder, status, words):
        if status == 2:  # only an address can be bound
            assert (key, is_address(host) and "%" not in host) == ("PUBLISH", False), words
            return
        assert status == 0, words
        assert ("include near.conf;" in (folder / "nginx.conf").read_text()) is is_loopback(host)


def routes() -> str:
    return Path("/proc/net/route").read_text(encoding="ascii")


def without_gateway(table: str) -> set[IPv4Network]:
    """Return the networks that are reached without a gateway."""
    rows = [line.split() for line in table.splitlines()[1:]]
    numbers = [[bytes.fromhex(row[column])[::-1] for column in (1, 2, 7)] for row in rows]
    return {
        IPv4Network((network, str(IPv4Address(mask))))
        for network, gateway, mask in numbers
        if any(network) and not any(gateway)
    }


def of_addresses(table: str) -> set[IPv4Network]:
    """Return the networks of this machine's addresses, as far as there are routes to them."""
    own = {
        IPv4Network((address.address, address.netmask), strict=False)
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and address.netmask
    }
    return {one for one in own if f"\t{one.network_address.packed[::-1].hex().upper()}\t00000000\t" in table}


def test_those_here_are_this_machine_and_the_networks_that_it_is_on() -> None:
    # Other tests' networks come and go meanwhile.
    before = routes()
    with rendered(None) as (folder, status, words):
        assert status == 0, words
        lines = (folder / "near.conf").read_text().splitlines()
    after = routes()
    assert lines[-1] == "deny all;"
    allowed = {IPv4Network(line.removeprefix("allow ").rstrip(";")) for line in lines[:-1]}
    always = {IPv4Network("127.0.0.0/8"), IPv4Network("192.168.65.0/24")}
    # Not each is an interface's own: a gateway's, for one, that DHCP gives with an address of 32 bits.
    known = [without_gateway(table) for table in (before, after)]
    assert always | (known[0] & known[1]) <= allowed <= always | known[0] | known[1]
    for own in of_addresses(before) & of_addresses(after):
        assert any(own.subnet_of(network) for network in allowed), own


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_gixy_finds_nothing_that_is_not_judged(
    variant: dict[str, str],
    tls: bool,
    certificate: tuple[bytes, bytes],
) -> None:
    gixy = shutil.which("gixy", path=f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}")
    if gixy is None:
        if os.environ.get("CI") == "true":
            pytest.fail("gixy is not installed: pip install gixy-ng")
        pytest.skip("gixy is not installed: pip install gixy-ng")
    with rendered(certificate if tls else None, **variant) as (folder, status, words):
        assert status == 0, words
        found = subprocess.run(
            [gixy, "--format", "json", str(folder / "nginx.conf")], capture_output=True, text=True
        )
        assert {issue["plugin"] for issue in json.loads(found.stdout)} <= ACCEPTED, found.stdout


@pytest.mark.parametrize(
    ("key", "value", "expectation"),
    [
        ("MODEL", "../models", "the name of a served model"),
        ("MODEL", "digits;", "the name of a served model"),
        ("MODEL", "digits\nserver", "the name of a served model"),
        ("TORCHSERVE", "torchserve", "with a port"),
        ("PAGE", "http://ui:7860", "with ports"),
        ("PAGE", "127.0.0.2:7860,", "with ports"),
        ("UI_ROOT_PATH", "/sketch/", "without a slash at its end"),
        ("UI_ROOT_PATH", "/predict", "does not belong to the API"),
        ("PUBLISH", "localhost", "nothing, or an address"),
        ("PUBLISHED_AT", "https://sketch.example", "nothing, or a name or address"),
        ("RESOLVER", "dns", "the IPv4 address of a DNS server"),
        ("HTTP_PORT", "80", "a port, 1024 to 65535"),
        ("HTTPS_PORT", "8080", "a port that no other"),
        ("STATUS_PORT", "٨٠٩١", "a port, 1024 to 65535"),
        ("PREDICT_RATE", "0", "requests a second, 1 to 100000"),
        ("PREDICT_CONNECTIONS", "many", "requests at once, 1 to 60000"),
        ("NGINX_RUN", "/proc/nginx", "a folder that can be written"),
        ("TLS_KEY", "/etc/hostname", "TLS_CERTIFICATE='/run/secrets/tls_certificate'"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(key: str, value: str, expectation: str) -> None:
    with rendered(None, **{key: value}) as (_, status, words):
        assert status == 2, words
    assert len(words.strip().splitlines()) == 1
    assert words.startswith("start.sh: ")
    assert expectation in words
    assert key in words


def test_empty_files_are_no_certificate() -> None:
    with rendered((b"", b"")) as (folder, status, words):
        assert status == 0, words
        assert "include plain.conf;" in (folder / "nginx.conf").read_text()
