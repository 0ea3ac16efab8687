"""The deployed platform, published: TLS, sign-in and keys in real containers, asked from another host.

It is published for this file, and stays so: other tests of the host come before these.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from system.files import PROJECT
from tests.deploy.certificate import self_signed
from tests.deploy.host import Host
from tests.deploy.networks import (
    ANOTHER_HOST,
    AnotherHost,
    address,
    another_host,
    does_engine_keep_others_out,
)
from tests.e2e.conftest import chromium
from tests.e2e.page import SEVEN, draw

# Not marked `browser`: it runs where the platform is deployed, and not once more beside the other browsers.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1500)]
__all__ = ["chromium"]

PASSWORD = "correct horse battery"
CHANGED = ("proxy", "ui", "torchserve")


@dataclass(frozen=True)
class Published:
    """What is published, and how it came to be.

    Attributes:
        url: Its address by HTTPS, which is this machine's on the network with the other host.
        plain_url: By HTTP.
        certificate: The file by which clients know it.
        other: The host that asks.
        refused: What the deployment said while nobody could sign in.
        before, then: The containers before that deployment, and after it.
    """

    url: str
    plain_url: str
    certificate: Path
    other: AnotherHost
    refused: subprocess.CompletedProcess[str]
    before: dict[str, list[str]]
    then: dict[str, list[str]]

    def ask(self, path: str, *options: str) -> tuple[int, Message, str]:
        """Return the status, headers and text of what the other host's curl gets."""
        curl = ["curl", "--silent", "--show-error", "--max-time", "30", "--include", "--header", "Expect:"]
        said = self.other.run(*curl, "--cacert", str(self.certificate), *options, f"{self.url}{path}")
        head, _, text = said.replace("\r\n", "\n").partition("\n\n")
        status, _, headers = head.partition("\n")
        return int(status.split()[1]), Parser().parsestr(headers), text


@pytest.fixture(scope="module")
def published(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """The platform, published on this machine's address on the network with another host."""
    tls = tmp_path_factory.mktemp("tls")
    tls.chmod(0o755)
    for name, pem in zip(("certificate.pem", "key.pem"), self_signed(ANOTHER_HOST.way_here), strict=True):
        (tls / name).write_bytes(pem)
        os.chown(tls / name, 10001, 10001)
    settings = host.app / ".env"
    told = dict(line.split("=", 1) for line in settings.read_text().splitlines())
    with another_host() as other:
        settings.write_text(f"{settings.read_text()}PUBLISH={other.way_here}\nTLS_DIR={tls}\n")
        before = {service: host.containers(service) for service in CHANGED}
        refused = host.deploy(PROJECT)
        then = {service: host.containers(service) for service in CHANGED}
        command = re.search(r"^ +(cd .* NAME .*)$", refused.stdout, re.MULTILINE)
        assert command, refused.stdout[-4000:]
        subprocess.run(
            ["sh", "-c", f"{command[1].replace('NAME', 'ada')} --password-file /dev/stdin"],
            env={key: value for key, value in os.environ.items() if not key.startswith("COMPOSE")},
            input=f"{PASSWORD}\n",
            text=True,
            check=True,
            timeout=120,
        )
        # As an operator may; another deployment would take a minute more.
        host.compose("up", "--detach", "--wait", "--no-build")
        yield Published(
            f"https://{other.way_here}:{told['HTTPS_PORT']}",
            f"http://{other.way_here}:{told['HTTP_PORT']}",
            tls / "certificate.pem",
            other,
            refused,
            before,
            then,
        )


def issue_key(host: Host, *more: str) -> str:
    return host.compose("run", "--rm", "--no-TTY", "migrate", "python", "-m", "db.keys", "phone", *more)


def test_where_nobody_could_sign_in_a_deployment_changes_nothing_and_says_what_to_do(published: Published):
    assert published.refused.returncode == 3
    assert "there is no user yet" in published.refused.stdout
    assert "bringing passwords and schema up to date" not in published.refused.stdout
    assert published.then == published.before


def test_a_stranger_is_asked_to_sign_in_whatever_it_says_of_itself(host: Host, published: Published):
    for name, value in (
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
        ("X-Forwarded-Host", "localhost"),
        ("Host", "localhost"),
    ):
        for path, expected in (("/", 303), ("/history", 401), ("/models", 401), ("/metrics", 404)):
            status, headers, _ = published.ask(path, "--header", f"{name}: {value}")
            assert (status, headers["Strict-Transport-Security"]) == (expected, "max-age=31536000"), path
    told = "name=ada&password=wrong"
    for index in range(11):
        spoofed = f"X-Forwarded-For: 203.0.113.{index}"
        status, headers, text = published.ask("/sign-in", "--header", spoofed, "--data", told)
        assert status == (401 if index < 10 else 429), text
    assert int(headers["Retry-After"]) > 10, "the page's word, and not the proxy's"
    said = f"sign-in from {published.other.address}: too many attempts"
    assert said in host.compose("logs", "ui")


def test_programs_on_other_hosts_need_a_key_that_counts_at_once_and_until_it_is_revoked(
    host: Host, published: Published
):
    def predict(*options: str) -> tuple[int, Message, str]:
        return published.ask("/predict", "--upload-file", str(PROJECT / "docs" / "seven.png"), *options)

    def wait_for(expected: int) -> None:
        deadline = time.monotonic() + 20
        while predict(*bearer)[0] != expected:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    status, headers, text = predict("--header", "X-Forwarded-For: 127.0.0.1")
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "need a key" in text
    bearer = ("--header", f"Authorization: Bearer {issue_key(host, '--rate', '0.05').splitlines()[0]}")
    wait_for(200)
    status, headers, text = predict(*bearer)
    assert status == 429, text
    assert 10 < int(headers["Retry-After"]) <= 20, "the next is due 20 s after the first"
    issue_key(host, "--revoke")
    wait_for(401)


def test_grafana_and_the_ports_for_those_inside_stay_for_this_machine(host: Host, published: Published):
    proxy = f"http://{address(host.containers('proxy')[0], 'edge')}"
    asks = [f"{proxy}:{ask}" for ask in ("8092/", "8091/stub_status", "8090/predictions/digits --data x")]
    statuses = published.other.statuses(*asks)
    assert set(statuses.values()) <= {"403", "404", "000"}, statuses
    assert does_engine_keep_others_out() or statuses[asks[0]] == "403"


def test_a_visitor_signs_in_draws_and_signs_out(published: Published, chromium: Browser):
    with chromium.new_context(ignore_https_errors=True) as visitor:
        page = visitor.new_page()
        page.goto(f"{published.plain_url}/")
        assert page.url == f"{published.url}/sign-in"
        expect(page.get_by_text("not encrypted")).to_be_hidden()
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.locator("html[data-paper]").wait_for()
        page.locator(".history").wait_for()
        cookies = [cookie for cookie in visitor.cookies() if cookie["name"] != "sketchserve-visitor"]
        names = {
            "__Host-sketchserve",
            "__Host-sketchserve-known",
            "__Host-sketchserve-user",
            "sketchserve-page",
        }
        assert {cookie["name"] for cookie in cookies} == names
        for cookie in cookies:
            is_for_scripts = cookie["name"].endswith("-user")
            assert cookie["httpOnly"] != is_for_scripts, cookie["name"]
            assert (cookie["secure"], cookie["sameSite"]) == (True, "Lax")
        draw(page, SEVEN)
        expect(page.get_by_test_id("label")).to_have_text("7")
        assert visitor.request.get(f"{published.url}/history").status == 200
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("alert")).to_have_text("You are signed out.")
        assert visitor.request.get(f"{published.url}/history").status == 401
