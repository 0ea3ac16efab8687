"""What keeps a server from listening at a host and a port, with the variable that moves it elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress

from launch.errors import LaunchError
from system.ports import LOOPBACK, holder, is_free, try_to_bind


def require_own_address(key: str, host: str) -> None:
    """Check that servers of this machine can listen at the host, a name or an address.

    Args:
        key: environment variable that sets the host.
        host: its value.

    Raises:
        LaunchError: when they cannot.
    """
    try:
        try_to_bind(host, 0)
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
            try_to_bind(address, 0)
            return address
    raise LaunchError(
        f"{key} is {host!r}, expected an IPv4 address of this machine or a name that has one",
        f"unset {key} for this machine only, or set it to 0.0.0.0 to be reached from others",
    )


def obstacle(key: str, purpose: str, port: int, host: str = LOOPBACK) -> LaunchError | None:
    """Return what keeps a server from listening on the port, None when nothing does.

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
            f"this user may not listen on port {port} for {purpose}",
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


def require_free(ports: Mapping[str, tuple[str, int]], host: str = LOOPBACK) -> None:
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
