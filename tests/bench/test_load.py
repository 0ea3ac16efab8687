import shutil

import pytest

from bench import generator, load, wrk
from bench.http_client import Connection, answer_length
from bench.measured import NO_ANSWER, LoadError
from launch.ports import free_ports
from tests.bench.tiny_server import REFUSED, tiny_server

PICTURES = [b"one", b"two" * 1000, bytes(range(256))]
# Connections that are asked a last time while the clock runs out.
CLIENTS = 4


@pytest.fixture(params=["wrk", "asyncio"])
def by(request):
    if request.param == "wrk" and not shutil.which("wrk"):
        pytest.skip("needs wrk: apt-get install wrk")
    return wrk.load if request.param == "wrk" else generator.load


def test_every_picture_is_posted_whole_and_in_turn(by):
    with tiny_server() as server:
        measured = by(server.url, PICTURES, CLIENTS, 1)
    assert set(server.bodies) == set(PICTURES)
    counts = [server.bodies.count(picture) for picture in PICTURES]
    assert max(counts) - min(counts) <= CLIENTS
    assert measured.failures == {}
    assert len(server.bodies) - CLIENTS <= measured.requests <= len(server.bodies)
    assert measured.requests_per_s == pytest.approx(measured.requests, rel=0.3), "it ran for a second"
    assert server.connections <= CLIENTS + 1, "connections are kept"


def test_failures_are_counted_by_status_and_are_not_throughput(by):
    with tiny_server() as server:
        measured = by(server.url, [REFUSED, b"good", REFUSED], CLIENTS, 1)
    assert set(measured.failures) == {503}
    assert measured.failures[503] == pytest.approx(measured.requests * 2 / 3, abs=CLIENTS)
    assert measured.requests_per_s == pytest.approx(measured.requests / 3, rel=0.3)


def test_latency_is_that_of_the_server(by):
    with tiny_server(delay_s=0.05) as server:
        measured = by(server.url, PICTURES, CLIENTS, 1)
    assert 50 <= measured.p50_ms <= measured.p99_ms
    assert measured.p50_ms < 150
    assert measured.requests_per_s < CLIENTS / 0.05
    assert 0 < measured.generator_cpu_share < 1


def test_a_server_that_closes_after_each_answer_is_asked_over_new_connections(by):
    with tiny_server(keeps=False) as server:
        measured = by(server.url, PICTURES, CLIENTS, 1)
    assert measured.requests > 2 * CLIENTS
    assert server.connections >= measured.requests
    assert measured.failures == {}


def test_chunked_answers_are_read(by):
    with tiny_server(chunked=True) as server:
        measured = by(server.url, PICTURES, CLIENTS, 1)
    assert measured.requests > 2 * CLIENTS
    assert measured.failures == {}


def test_a_port_where_nobody_listens_is_said(by):
    with pytest.raises(LoadError, match=r"127\.0\.0\.1"):
        by(f"http://127.0.0.1:{free_ports(1)[0]}/predictions/digits", PICTURES, CLIENTS, 1)


def test_a_server_that_breaks_connections_is_a_failure_without_status():
    with tiny_server(breaks=True) as server:
        measured = generator.load(server.url, [b"good", REFUSED], 1, 1)
    assert measured.failures[NO_ANSWER] >= 1
    # The end of the second may cut the last one off.
    assert server.bodies.count(b"good") - measured.requests in (0, 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1:8080/predictions/digits",
        "http://example.org/",
        "http://127.0.0.1.example.org/",
        "https://127.0.0.1/",
        "http://0.0.0.0:8080/",
        "127.0.0.1:8080",
    ],
)
def test_load_is_put_on_this_machine_only(url):
    with pytest.raises(ValueError, match="is not a server of this machine"):
        load.load(url, PICTURES, 1, 1)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.8.9.10"])
def test_every_address_of_this_machine_is_accepted(host):
    load.require_loopback(f"http://{host}/predictions/digits")


@pytest.mark.parametrize(("pictures", "clients", "seconds"), [([], 1, 1), ([b"x"], 0, 1), ([b"x"], 1, 0)])
def test_load_of_nothing_is_refused(pictures, clients, seconds):
    with pytest.raises(ValueError, match="at least one of each is needed"):
        load.load("http://127.0.0.1:1/", pictures, clients, seconds)


def test_wrk_makes_the_load_where_it_is_installed_and_asyncio_elsewhere(monkeypatch):
    with tiny_server() as server:
        if shutil.which("wrk"):
            assert load.load(server.url, PICTURES, 1, 1).generator == "wrk"
        monkeypatch.setenv("PATH", "/nowhere")
        assert load.load(server.url, PICTURES, 1, 0.3).generator == "asyncio"


ANSWERS = [
    (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, True),
    (b"HTTP/1.1 400 Bad Request\r\nX: y\r\nContent-Length:0\r\n\r\n", 400, True),
    (b"HTTP/1.1 503 Busy\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nno", 503, False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, True),
]


@pytest.mark.parametrize(("answer", "status", "stays"), ANSWERS)
def test_an_answer_that_comes_in_pieces_is_one_answer(answer, status, stays):
    seen = []
    connection = Connection(lambda *found: seen.append(found), lambda: None)
    for index in range(len(answer)):
        assert seen == []
        connection.data_received(answer[index : index + 1])
    assert seen == [(status, stays)]
    assert answer_length(answer + b"HTTP/1.1 200") == len(answer)
