import os
import socket

import pytest

from system import ports
from system.ports import foreign_host, free_ports, is_free, is_loopback, try_to_bind

# deploy/nginx/start.sh decides the same.
LOOPBACK_HOSTS = [
    *("127.0.0.1", "127.8.9.1", "::1", "[::1]", "0:0:0:0:0:0:0:1", "localhost", "LocalHost"),
    *("::ffff:127.0.0.1", "::FFFF:7f00:1", "::1%lo"),
]
OTHER_HOSTS = [
    *("", "0.0.0.0", "::", "[::]", "10.0.0.1", "::127.0.0.1", "::ffff:1.2.3.4", "::7f00:1", "1::1", "::11"),
    *("localhost.evil.example", "127.example.org"),
]


def test_a_port_is_free_again_when_its_server_is_gone():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_free_ports_are_different():
    assert len(set(free_ports(20))) == 20


def test_workers_of_one_run_of_the_tests_have_free_ports_of_their_own():
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    assert count == ports.STEP
    assert len({port % count for port in free_ports(20)}) == 1


@pytest.mark.parametrize("host", ["256.1.1.1", "8.8.8.8", "a b"])
def test_a_host_that_is_not_this_machine_cannot_be_bound(host):
    with pytest.raises(OSError, match=r"."):
        try_to_bind(host, 0)


@pytest.mark.parametrize(
    ("header", "foreign"),
    [
        ("127.0.0.1", None),
        ("10.1.2.3:8080", None),
        ("[::1]:7860", None),
        ("Localhost:7860", None),
        ("Evil.example:7860", "evil.example"),
        ("127.0.0.1.evil.example", "127.0.0.1.evil.example"),
        ("2130706433", "2130706433"),
        ("", ""),
    ],
)
def test_a_host_header_is_foreign_unless_it_is_an_address_or_an_own_name(header, foreign):
    assert foreign_host(header, {"localhost"}) == foreign


@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_a_host_of_this_machine_alone_is_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_any_other_host_is_not(host):
    assert not is_loopback(host)
