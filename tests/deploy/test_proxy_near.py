"""What the proxy tells another host that reaches it past what is published; here this machine plays it."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.deploy.certificate import certificate
from tests.deploy.proxy import Certificate, Proxy, running_proxy
from tests.deploy.upstream import running_upstream

pytestmark = pytest.mark.integration

OWN_MACHINE = "answers only requests from its own machine"


@contextmanager
def asked_from_elsewhere(certificate: Certificate | None = None, **environment: str) -> Iterator[Proxy]:
    """Run a proxy that counts nobody as here."""
    with (
        running_upstream() as upstream,
        running_proxy(
            upstream.target, upstream.target, certificate, GRAFANA=upstream.target, **environment
        ) as proxy,
    ):
        (proxy.folder / "run" / "near.conf").write_text("deny all;\n")
        before = proxy.workers()
        proxy.process.send_signal(signal.SIGHUP)
        proxy.wait_for_the_end_of(before)
        yield proxy


def grafana(proxy: Proxy) -> requests.Response:
    port = proxy.place.environment["GRAFANA_PORT"]
    return requests.get(f"http://127.0.0.1:{port}/", timeout=20)


@pytest.mark.parametrize(
    "told",
    [
        {"PUBLISH": "127.0.0.1"},
        {"PUBLISH": "127.0.0.1", "PUBLISHED_AT": "sketch.example"},
        {"PUBLISH": "0.0.0.0", "PUBLISHED_AT": "Localhost"},
    ],
)
def test_what_is_published_on_loopback_is_refused_with_what_to_do(told: dict[str, str]) -> None:
    with asked_from_elsewhere(**told) as proxy:
        for method, path in (("POST", "/predict"), ("GET", "/health"), ("POST", "/read")):
            refused = requests.request(method, f"{proxy.url}{path}", timeout=20)
            assert (refused.status_code, refused.json()["type"]) == (403, "NotFromHere"), path
            assert OWN_MACHINE in refused.json()["message"]
        page = requests.get(f"{proxy.url}/", timeout=20)
        assert (page.status_code, page.headers["Content-Type"]) == (403, "text/html")
        assert OWN_MACHINE in page.text


def test_what_is_published_for_all_is_answered_and_the_ports_for_those_inside_are_not() -> None:
    with asked_from_elsewhere(PUBLISH="0.0.0.0") as proxy:
        assert requests.get(f"{proxy.url}/", timeout=20).status_code == 200
        assert requests.post(f"{proxy.url}/predict", b"x", timeout=20).status_code == 200
        assert grafana(proxy).status_code == 403
        refused = requests.post(f"{proxy.internal_url}/predictions/digits", b"x", timeout=20)
        assert refused.status_code == 404


def test_an_acme_answer_that_may_not_be_read_is_told_as_that(certificate: Certificate) -> None:
    with tempfile.TemporaryDirectory(prefix="acme-") as root:
        folder = Path(root, ".well-known", "acme-challenge")
        folder.mkdir(parents=True)
        Path(root).chmod(0o755)
        (folder / "token").touch(mode=0)
        with running_proxy("127.0.0.1:1", "127.0.0.1:1", certificate, ACME_ROOT=root) as proxy:
            for name in ("token", "missing", ""):
                refused = requests.get(f"{proxy.url}/.well-known/acme-challenge/{name}", timeout=20)
                assert refused.status_code == 404, name
                assert "may not read it" in refused.json()["message"]
