"""TCP ports of this machine: free or taken, and by whom."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from launch.errors import LaunchError


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether a server could listen on the port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an ended server that still linger do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Give that many different free ports of the loopback interface."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def holder(port: int) -> str:
    """Name the process that listens on the port, such as "pid 4711 (java)"; "another process" if hidden."""
    try:
        import psutil  # not there before `make setup`, when the doctor already asks
    except ImportError:
        return "another process"
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.pid
            if listens and getattr(connection.laddr, "port", None) == port:
                return f"pid {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass
    return "another process"


def require_free(ports: Mapping[str, tuple[str, int]], host: str = "127.0.0.1") -> None:
    """Check that every port can be bound.

    Args:
        ports: environment variable that sets the port -> (what the port is for, port).
        host: the address that the servers will bind.

    Raises:
        LaunchError: for the first taken port; names its holder and the variable that moves it.
    """
    for key, (purpose, port) in ports.items():
        if not is_free(port, host):
            raise LaunchError(
                f"port {port} for {purpose} is taken by {holder(port)}",
                f"stop that process, or choose another port: {key}=<port> make run",
            )
