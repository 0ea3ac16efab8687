"""Pictures from the web: no address and no answer makes the page ask what is not on the public internet."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import anyio
import pytest

from system.fetching.addresses import is_public
from system.fetching.fetcher import Fetcher, Picture
from system.fetching.formats import FetchError
from system.ports import free_ports
from tests.deploy.certificate import certificate  # noqa: F401 - a fixture
from tests.system.web import PNG, fetch, sends, serving


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What each name is looked up as, one answer after the other; the last one stays."""
    known: dict[str, list[list[str]]] = {}
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
        host = host.decode() if isinstance(host, bytes) else host
        if host not in known:
            return look_up(host, port, *args, **options)
        answers = known[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "localhost",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ),
        *("[::ffff:7f00:1]", "①②⑦.0.0.1", "127。0。0。1", "LOCALHOST", "0"),
    ],
)
def test_no_spelling_of_this_machine_is_asked(host: str) -> None:
    with serving(sends(PNG)) as (port, asked):
        with pytest.raises(FetchError):
            fetch(f"http://{host}:{port}/a.png", port, is_allowed=is_public)
        assert asked == []


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    names: dict[str, list[list[str]]],
) -> None:
    names["mixed.example"] = [["8.8.8.8", "127.0.0.1"]]
    with serving(sends(PNG)) as (port, asked):
        with pytest.raises(FetchError, match=r"mixed\.example is not on the public internet"):
            fetch(f"http://mixed.example:{port}/", port, is_allowed=is_public)
        assert asked == []


def test_the_connection_goes_to_the_address_that_was_checked(names: dict[str, list[list[str]]]) -> None:
    """A name that is another one when it is looked up a second time is not looked up a second time."""
    names["rebinds.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    checked = []
    with serving(sends(PNG)) as (port, asked):
        found = fetch(
            f"http://rebinds.example:{port}/a.png", port, is_allowed=lambda ip: not checked.append(ip)
        )
    assert (found, checked) == (Picture(PNG, "image/png"), ["127.0.0.1"])
    assert asked == [f"rebinds.example:{port}/a.png"]


def test_where_an_answer_leads_is_checked_again(names: dict[str, list[list[str]]]) -> None:
    names["public.example"] = [["127.0.0.1"]]
    with serving(sends(PNG)) as (inner, asked):
        for leads in (
            f"http://127.0.0.2:{inner}/",
            f"//127.0.0.2:{inner}/x",
            "http://[::1]/",
            "file:///etc/passwd",
        ):
            with serving(sends(b"", 302, Location=leads)) as (outer, _), pytest.raises(FetchError):
                fetch(
                    f"http://public.example:{outer}/", outer, inner, is_allowed=lambda ip: ip == "127.0.0.1"
                )
        assert asked == []


def test_what_leads_to_no_address_at_all_is_refused() -> None:
    with serving(sends(b"", 302, Location="//[x")) as (port, _), pytest.raises(FetchError, match="to none"):
        fetch(f"http://127.0.0.1:{port}/", port)


def test_redirects_are_followed_with_relative_ones_and_not_for_ever() -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/end":
            sends(PNG)(request)
        elif request.path == "/for-ever":
            sends(b"", 301, Location="for-ever")(request)
        else:
            sends(b"", 307, Location="/end")(request)

    with serving(answer) as (port, _):
        assert fetch(f"http://127.0.0.1:{port}/start", port).content == PNG
        with pytest.raises(FetchError, match="on and on"):
            fetch(f"http://127.0.0.1:{port}/for-ever", port)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("ftp://example.com/a.png", "begins with http:// or https://"),
        ("file:///etc/passwd", "begins with http:// or https://"),
        ("data:image/png;base64,AAAA", "begins with http:// or https://"),
        ("example.com/a.png", "begins with http:// or https://"),
        ("http://", "begins with http:// or https://"),
        ("", "begins with http:// or https://"),
        ("http://[::1", "no address"),
        ("http://i\N{HEAVY BLACK HEART}.ws/x.png", "no address"),
        ("http://example.com/\ud800", "no address"),
        ("http://example.com:x/", "no address"),
        ("http://example.com:65536/", "Port 65536 is not asked"),
        ("http://example.com:-1/", "Port -1 is not asked"),
        ("http://me:secret@example.com/a.png", "a name or a password"),
        ("http://example.com:8080/a.png", "Port 8080 is not asked: only 80 and 443"),
        ("http://example.com:22/", "Port 22 is not asked"),
        ("http://example.com/" + "a" * 2_048, "longer than 2,048"),
    ],
)
def test_what_is_no_address_of_the_web_is_refused_with_the_reason(address: str, why: str) -> None:
    with pytest.raises(FetchError, match=why):
        anyio.run(Fetcher().fetch, address)


@pytest.mark.parametrize("host", ["xn--i-7iq.ws", "xn--a.example"])
def test_names_that_idna_2008_does_not_know_are_asked_and_named_as_they_are(
    names: dict[str, list[list[str]]], host: str
) -> None:
    names[host] = [["127.0.0.1"]]
    with serving(sends(PNG)) as (port, asked):
        assert fetch(f"http://{host}:{port}/x.png", port).content == PNG
    assert asked == [f"{host}:{port}/x.png"]
    with serving(sends(b"", 404)) as (port, _), pytest.raises(FetchError, match=f"^{host} answers 404"):
        fetch(f"http://{host}:{port}/x.png", port)


def test_an_ipv6_address_is_checked_and_connected_to_without_its_brackets() -> None:
    checked = []
    port = free_ports(1)[0]
    with pytest.raises(FetchError, match=r"^::1 cannot be reached"):
        fetch(f"http://[::1]:{port}/", port, is_allowed=lambda ip: not checked.append(ip))
    assert checked == ["::1"]


def test_a_line_break_in_an_address_adds_no_header() -> None:
    with serving(sends(PNG)) as (port, asked):
        with pytest.raises(FetchError):
            fetch(f"http://127.0.0.1:{port}/a\r\nX-Injected: yes", port)
        assert asked == []


def test_variables_for_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(sends(PNG)) as (port, _):
        assert fetch(f"http://127.0.0.1:{port}/", port).content == PNG


def test_servers_have_to_prove_who_they_are(
    certificate: tuple[bytes, bytes],  # noqa: F811
    tmp_path: Any,
    names: dict[str, list[list[str]]],
) -> None:
    names["other.example"] = [["127.0.0.1"]]
    file = tmp_path / "both.pem"
    file.write_bytes(b"".join(certificate))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(file)
    trusting = ssl.create_default_context(cadata=certificate[0].decode())
    with serving(sends(PNG), server_side) as (port, _):
        assert fetch(f"https://127.0.0.1:{port}/", port, tls=trusting).content == PNG
        with pytest.raises(FetchError, match="cannot be reached"):
            fetch(f"https://other.example:{port}/", port, tls=trusting)
        with pytest.raises(FetchError, match="cannot be reached"):
            fetch(f"https://127.0.0.1:{port}/", port)


def test_a_server_that_asks_who_comes_is_not_reached(
    certificate: tuple[bytes, bytes],  # noqa: F811
    tmp_path: Any,
) -> None:
    """Under TLS 1.3 the client has ended its handshake when it reads that it is refused."""
    file = tmp_path / "both.pem"
    file.write_bytes(b"".join(certificate))
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asking.load_cert_chain(file)
    asking.verify_mode = ssl.CERT_REQUIRED

    def refuse(server: socket.socket) -> None:
        connection, _ = server.accept()
        # Open until the client has gone: a reset could come before the refusal is read.
        with connection.dup() as held:
            with suppress(ssl.SSLError):
                asking.wrap_socket(connection, server_side=True)
            while held.recv(4096):
                pass

    trusting = ssl.create_default_context(cadata=certificate[0].decode())
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as threads:
        port = server.getsockname()[1]
        refused = threads.submit(refuse, server)
        with pytest.raises(FetchError, match=r"^127\.0\.0\.1 cannot be reached"):
            fetch(f"https://127.0.0.1:{port}/", port, tls=trusting)
        refused.result(30)
