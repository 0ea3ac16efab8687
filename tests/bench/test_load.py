import pytest

from bench.load import NO_ANSWER, LoadError, load, require_loopback
from system.ports import free_ports
from tests.bench.tiny_server import REFUSED, needs_wrk, tiny_server

pytestmark = [pytest.mark.processes, pytest.mark.alone]

PICTURES = [b"one", b"two" * 1000, bytes(range(256))]
# Connections that are asked a last time while the clock runs out.
CLIENTS = 4


@needs_wrk
def test_every_picture_is_posted_whole_and_in_turn():
    with tiny_server() as server:
        measured = load(server.url, PICTURES, CLIENTS, 1)
    assert set(server.bodies) == set(PICTURES)
    counts = [server.bodies.count(picture) for picture in PICTURES]
    assert max(counts) - min(counts) <= CLIENTS
    assert measured.failures == {}
    assert len(server.bodies) - CLIENTS <= measured.requests <= len(server.bodies)
    assert measured.requests_per_s == pytest.approx(measured.requests / measured.seconds)
    assert server.connections <= CLIENTS + 1, "connections are kept"


@needs_wrk
def test_failures_are_counted_by_status_and_are_not_throughput():
    with tiny_server() as server:
        measured = load(server.url, [REFUSED, b"good", REFUSED], CLIENTS, 1)
    assert set(measured.failures) == {503}
    assert measured.failures[503] == pytest.approx(measured.requests * 2 / 3, abs=CLIENTS)
    assert measured.requests_per_s == pytest.approx(measured.requests / 3 / measured.seconds, rel=0.3)


@needs_wrk
def test_latency_is_that_of_the_server():
    with tiny_server(delay_s=0.05) as server:
        measured = load(server.url, PICTURES, CLIENTS, 1)
    assert 50 <= measured.p50_ms <= measured.p99_ms
    assert measured.p50_ms < 150
    assert measured.requests_per_s < CLIENTS / 0.05
    assert 0 < measured.generator_cpu_share < 1


@needs_wrk
def test_a_server_that_closes_after_each_answer_is_asked_over_new_connections():
    with tiny_server(keeps=False) as server:
        measured = load(server.url, PICTURES, CLIENTS, 1)
    assert measured.requests > 2 * CLIENTS
    assert server.connections >= measured.requests
    assert measured.failures == {}


@needs_wrk
def test_chunked_answers_are_read():
    with tiny_server(chunked=True) as server:
        measured = load(server.url, PICTURES, CLIENTS, 1)
    assert measured.requests > 2 * CLIENTS
    assert measured.failures == {}


@needs_wrk
def test_a_port_where_nobody_listens_is_said():
    with pytest.raises(LoadError, match=r"127\.0\.0\.1"):
        load(f"http://127.0.0.1:{free_ports(1)[0]}/predictions/digits", PICTURES, CLIENTS, 1)


@needs_wrk
def test_a_server_that_breaks_connections_is_a_failure_without_status():
    with tiny_server(breaks=True) as server:
        measured = load(server.url, [b"good", REFUSED], 1, 1)
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
    with pytest.raises(ValueError, match="is not a server on this machine"):
        load(url, PICTURES, 1, 1)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.8.9.10"])
def test_every_address_of_this_machine_is_accepted(host):
    require_loopback(f"http://{host}/predictions/digits")


@pytest.mark.parametrize(("pictures", "clients", "seconds"), [([], 1, 1), ([b"x"], 0, 1), ([b"x"], 1, 0)])
def test_load_of_nothing_is_refused(pictures, clients, seconds):
    with pytest.raises(ValueError, match="expected at least one of each"):
        load("http://127.0.0.1:1/", pictures, clients, seconds)


def test_without_wrk_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LoadError, match="`apt-get install wrk` or `brew install wrk`"):
        load("http://127.0.0.1:1/", PICTURES, 1, 1)
