"""A port that is taken and an address that is not this machine's are said before anything starts."""

import os
import socket

import pytest

from launch.errors import LaunchError
from launch.ports import obstacle, require_free, require_own_address
from system.ports import free_ports, is_free


def test_a_taken_port_names_its_holder_and_the_variable_that_moves_it():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LaunchError) as caught:
            require_free({"UI_PORT": ("the page", port)})
    assert f"port {port} for the page is taken by pid {os.getpid()}" in caught.value.cause
    assert "UI_PORT=" in caught.value.fix


@pytest.mark.parametrize("host", ["garbage", "256.1.1.1", "8.8.8.8", "a" * 300, "a b"])
def test_a_host_that_is_not_this_machine_is_refused_whatever_the_port(host):
    with pytest.raises(LaunchError, match=f"UI_HOST is '{host}', expected an address of this machine"):
        require_own_address("UI_HOST", host)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_host_of_this_machine_is_taken(host):
    require_own_address("UI_HOST", host)
    assert is_free(free_ports(1)[0], host)


def test_a_port_that_this_user_may_not_have_is_not_called_taken(monkeypatch):
    # Root may have every port, and tests run as root too.
    def refused(_host: str, _port: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("system.ports.try_to_bind", refused)
    problem = obstacle("UI_PORT", "the page", 80)
    assert problem is not None
    assert problem.cause == "this user may not listen on port 80 for the page"
    assert "above 1023: UI_PORT=" in problem.fix
