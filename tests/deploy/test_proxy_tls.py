"""With a certificate: HTTPS, and HTTP only for what must come without it."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.deploy.certificate import certificate
from tests.deploy.proxy import exchange, running_proxy
from tests.deploy.stand import Stand
from tests.deploy.upstream import running_upstream

pytestmark = [
    pytest.mark.integration,
    # That old versions are named is the point.
    pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def stand_with_tls(certificate: tuple[bytes, bytes]) -> Iterator[Stand]:
    """A proxy with TLS, whose page is below a path."""
    with (
        running_upstream() as torchserve,
        running_upstream() as page,
        running_proxy(torchserve.target, page.target, certificate, UI_ROOT_PATH="/sketch") as proxy,
    ):
        yield Stand(proxy, torchserve, page)


@pytest.fixture(scope="module")
def trusted(certificate: tuple[bytes, bytes], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file with which clients know the proxy."""
    path = tmp_path_factory.mktemp("trusted") / "certificate.pem"
    path.write_bytes(certificate[0])
    return str(path)


def test_https_serves_all_and_asks_browsers_to_stay(stand_with_tls: Stand, trusted: str) -> None:
    url = stand_with_tls.proxy.tls_url
    for path, expected in [("/sketch/config", "/config"), ("/health", "/healthz")]:
        answer = requests.get(url + path, verify=trusted)
        assert answer.json()["path"] == expected
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert stand_with_tls.page.asked[-2].header("X-Forwarded-Proto") == "https"
    path = requests.post(f"{url}/predict", b"x", verify=trusted).json()["path"]
    assert path.startswith("/predictions/digits?request_id=")


def test_http_leads_to_https_but_for_health_and_acme(stand_with_tls: Stand) -> None:
    proxy = stand_with_tls.proxy
    answer = requests.post(f"{proxy.url}/predict?x=1", b"x", allow_redirects=False)
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"{proxy.tls_url}/predict?x=1"
    assert "Strict-Transport-Security" not in answer.headers
    assert requests.get(f"{proxy.url}/health").json()["path"] == "/healthz"
    # No answer of an ACME client lies there now, and none is looked for elsewhere.
    missing = requests.get(f"{proxy.url}/.well-known/acme-challenge/x", allow_redirects=False)
    assert missing.status_code == 404


def test_an_acme_client_s_answer_is_given_over_http(certificate: tuple[bytes, bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix="acme-") as root:
        folder = Path(root, ".well-known", "acme-challenge")
        folder.mkdir(parents=True)
        (folder / "token").write_text("token.thumbprint")
        Path(root).chmod(0o755)
        with running_proxy("127.0.0.1:1", "127.0.0.1:1", certificate, ACME_ROOT=root) as proxy:
            answer = requests.get(f"{proxy.url}/.well-known/acme-challenge/token", allow_redirects=False)
            assert (answer.status_code, answer.text) == (200, "token.thumbprint")


def test_plain_http_on_the_https_port_is_told_so(stand_with_tls: Stand) -> None:
    port = int(stand_with_tls.proxy.tls_url.rpartition(":")[2])
    answer = exchange(("127.0.0.1", port), b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"type": "PlainHttp"' in answer


def test_http_2_is_offered_and_tls_1_1_is_not(stand_with_tls: Stand, trusted: str) -> None:
    address = "127.0.0.1", int(stand_with_tls.proxy.tls_url.rpartition(":")[2])
    modern = ssl.create_default_context(cafile=trusted)
    modern.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(address, timeout=20) as connection,
        modern.wrap_socket(connection, server_hostname="127.0.0.1") as tls,
    ):
        assert (tls.selected_alpn_protocol(), tls.version()) == ("h2", "TLSv1.3")
    old = ssl.create_default_context(cafile=trusted)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(address, timeout=20) as connection, pytest.raises(ssl.SSLError):
        old.wrap_socket(connection, server_hostname="127.0.0.1")
