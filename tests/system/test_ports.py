import socket

import pytest

from system.ports import free_ports, is_free, try_to_bind


def test_a_port_is_free_again_when_its_server_is_gone():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_free_ports_are_different():
    assert len(set(free_ports(20))) == 20


@pytest.mark.parametrize("host", ["256.1.1.1", "8.8.8.8", "a b"])
def test_a_host_that_is_not_this_machine_cannot_be_bound(host):
    with pytest.raises(OSError, match=r"."):
        try_to_bind(host, 0)
