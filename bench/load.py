"""Puts load on a server of this machine and says how it answered: `load(url, pictures, clients, seconds)`."""

import ipaddress
import shutil
from urllib.parse import urlsplit

from bench import generator, wrk
from bench.measured import LoadError, Measured

__all__ = ["LoadError", "Measured", "load"]


def load(url: str, pictures: list[bytes], clients: int, seconds: float) -> Measured:
    """Give what so many clients measured that posted the pictures in turn, each waiting for its answer.

    `wrk` makes the load where it is installed, since it takes the least of the CPU that the server needs too;
    otherwise a generator of this project does.

    Args:
        url: where to post to, "http://" and an address of this machine.
        pictures: image files, posted one after the other, again and again.
        clients: how many connections ask at the same time.
        seconds: for how long.

    Raises:
        ValueError: the URL is not of this machine, or a number is not above 0.
        LoadError: nothing answered, or the generator failed.
    """
    require_loopback(url)
    if not pictures or clients < 1 or seconds <= 0:
        raise ValueError(
            f"load got {len(pictures)} pictures, {clients} clients and {seconds:g} seconds: at least one of "
            "each is needed"
        )
    if shutil.which("wrk"):
        return wrk.load(url, pictures, clients, seconds)
    return generator.load(url, pictures, clients, seconds)


def require_loopback(url: str) -> None:
    """Check that a URL is plain HTTP to this machine: load on anybody else's is an attack.

    Raises:
        ValueError: it is not.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        raise ValueError(
            f"{url!r} is not a server of this machine: load is put on http://127.0.0.1:<port>/... only"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
