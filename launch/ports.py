"""TCP ports of this machine: free or taken, and by whom."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress

from launch.errors import LaunchError


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether no other server listens on the port now.

    Raises:
        PermissionError: this user may not listen on the port.
        OSError: the host is not an address of this machine.
    """
    try:
        _bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise
    return True


def require_own_address(key: str, host: str) -> None:
    """Check that servers of this machine can listen at the host, a name or an address.

    Args:
        key: environment variable that sets the host.
        host: its value.

    Raises:
        LaunchError: when they cannot.
    """
    try:
        _bind(host, 0)
    except (OSError, UnicodeError) as error:
        raise LaunchError(
            f"{key} is {host!r}, expected an address of this machine",
            f"unset {key} for this machine only, or set it to 0.0.0.0 to be reached from others",
        ) from error


def own_address(key: str, host: str) -> str:
    """Return the one of the host's IPv4 addresses that is this machine's.

    All containers of a service share a name on each of their networks. Listening at that address instead of
    everywhere keeps an API off the networks that have no business with it.

    Args:
        key: environment variable that sets the host.
        host: its value, a name or an address.

    Raises:
        LaunchError: none of them is.
    """
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, 0, socket.AF_INET, socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        found = set()
    for address in sorted(map(str, found)):
        with suppress(OSError):
            _bind(address, 0)
            return address
    raise LaunchError(
        f"{key} is {host!r}, expected an IPv4 address of this machine or a name that has one",
        f"unset {key} for this machine only, or set it to 0.0.0.0 to be reached from others",
    )


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


def obstacle(key: str, purpose: str, port: int, host: str = "127.0.0.1") -> LaunchError | None:
    """Give what keeps a server from listening on the port, None when nothing does.

    Args:
        key: environment variable that sets the port.
        purpose: what the port is for.
        port: the port.
        host: the address that the server will bind, one of this machine.
    """
    try:
        if is_free(port, host):
            return None
    except PermissionError:
        return LaunchError(
            f"port {port} for {purpose} is not for this user to listen on",
            f"choose a port above 1023: {key}=<port> make run",
        )
    except OSError as error:
        return LaunchError(
            f"{purpose} cannot listen on port {port} of {host} ({error.strerror})",
            f"choose another port: {key}=<port> make run",
        )
    return LaunchError(
        f"port {port} for {purpose} is taken by {holder(port)}",
        f"stop that process, or choose another port: {key}=<port> make run",
    )


def require_free(ports: Mapping[str, tuple[str, int]], host: str = "127.0.0.1") -> None:
    """Check that every port can be bound.

    Args:
        ports: environment variable that sets the port -> (what the port is for, port).
        host: the address that the servers will bind.

    Raises:
        LaunchError: for the first that cannot; names a taken port's holder and the variable that moves it.
    """
    for key, (purpose, port) in ports.items():
        problem = obstacle(key, purpose, port, host)
        if problem is not None:
            raise problem


def _bind(host: str, port: int) -> None:
    """Bind a probe, for a moment, to every address of the host that this machine has.

    Raises:
        OSError: one of them cannot be bound, or the host is not of this machine.
        UnicodeError: the host cannot be a name at all.
    """
    absent: OSError | None = None
    bound = False
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind) as probe:
            # As servers do: connections of an ended server that still linger do not count as taken,
            # and "::" leaves IPv4 alone.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                probe.bind(address)
                bound = True
            except OSError as error:
                # "localhost" is ::1 as well, also where IPv6 is off; servers pass over that.
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                absent = error
    if absent is not None and not bound:
        raise absent
