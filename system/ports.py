"""TCP ports of this machine, free or taken, and by whom; and what hosts are called."""

from __future__ import annotations

import errno
import ipaddress
import random
import re
import socket
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below these are the services that machines have.
FIRST = 10_240
# Of processes that take ports at the same time, each may have its own: every so many from FIRST.
STEP = 1
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_PORT = re.compile(r":[0-9]{1,5}$")


def free_ports(count: int) -> list[int]:
    """Return that many different free ports of the loopback interface."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            _bind_free(probe)
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _bind_free(probe: socket.socket) -> None:
    """Bind a probe to a free port that no client is given meanwhile: those are the ephemeral ones."""
    try:
        first_ephemeral = int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first_ephemeral = 0
    below = range(FIRST, first_ephemeral, STEP)
    for port in random.sample(below, min(len(below), 100)):
        with suppress(OSError):
            probe.bind((LOOPBACK, port))
            return
    probe.bind((LOOPBACK, 0))


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether no other server listens on the port now.

    Raises:
        PermissionError: This user may not listen on the port.
        OSError: The host is not an address of this machine.
    """
    try:
        try_to_bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise
    return True


def holder(port: int) -> str:
    """Return the process that listens on the port, such as "pid 4711 (java)"; "another process" if hidden."""
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


def is_loopback(host: str) -> bool:
    """Return whether a host, a name or an address with or without brackets, leads to this machine alone."""
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        return host.lower() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:127.0.0.1
    return (mapped or address).is_loopback


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, also as addresses have it, with brackets, and not a name."""
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def foreign_host(header: str, names: Collection[str]) -> str | None:
    """Return whom a Host header asks for, without the port; None where that is an address or one of `names`.

    Anybody can have a name of their own lead here (DNS rebinding), but no address.

    Args:
        header: the header's value; "" for none, which is foreign too.
        names: by which a server is asked, in lower case.
    """
    host = _PORT.sub("", header).lower()
    return None if host in names or is_address(host) else host


def try_to_bind(host: str, port: int) -> None:
    """Bind a probe, for a moment, to every address of the host that this machine has.

    Raises:
        OSError: One of them cannot be bound, or the host is not of this machine.
        UnicodeError: The host cannot be a name at all.
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
