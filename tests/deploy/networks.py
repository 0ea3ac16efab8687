"""Who reaches whom: from a container, and from a host of its own beside this machine."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.deploy.host import Host

REACHES = """
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
try:
    socket.create_connection((host, port), timeout=1.5).close()
    print("yes")
except OSError:
    print("no")
"""


@dataclass(frozen=True)
class AnotherHost:
    """A host of its own, a network namespace behind this machine, with a web server.

    Attributes:
        address: Its address.
        port: Of its web server.
        way_here: This machine's address on the network of the two.
    """

    address: str
    port: int
    way_here: str

    def run(self, *command: str) -> str:
        """Return what a command prints there."""
        there = ["ip", "netns", "exec", NAME, *command]
        return subprocess.run(there, capture_output=True, text=True, check=True, timeout=60).stdout

    def statuses(self, *asks: str) -> dict[str, str]:
        """Return the status that curl gets for each address, with its options; 000 where none comes."""
        curl = "curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}'"
        return {ask: self.run("sh", "-c", f"{curl} {ask} || true") for ask in asks}


NAME = "sketchserve-test"
ANOTHER_HOST = AnotherHost("198.51.100.2", 8000, "198.51.100.1")


def reaches(host: Host, service: str, target: str, port: int) -> bool:
    """Return whether a service's container can connect there."""
    said = host.inside(service, "python", "-c", REACHES, target, str(port)).strip()
    assert said in ("yes", "no"), said
    return said == "yes"


def address(container: str, network: str) -> str:
    """Return a container's address on a network."""
    found = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, check=True)
    networks = json.loads(found.stdout)[0]["NetworkSettings"]["Networks"]
    return str(next(about["IPAddress"] for name, about in networks.items() if name.endswith(f"_{network}")))


def does_engine_keep_others_out() -> bool:
    """Return whether the engine itself lets no other host through to a container, as Docker's since 28."""
    version = ["docker", "version", "--format", "{{.Server.Version}}"]
    found = subprocess.run(version, capture_output=True, text=True, check=True)
    return int(found.stdout.partition(".")[0]) >= 28


@contextmanager
def another_host() -> Iterator[AnotherHost]:
    """Run another host until the end of the block."""
    commands = f"""
        ip netns add {NAME}
        ip link add {NAME[:11]}-a type veth peer name {NAME[:11]}-b netns {NAME}
        ip address add {ANOTHER_HOST.way_here}/30 dev {NAME[:11]}-a
        ip link set {NAME[:11]}-a up
        ip -n {NAME} address add {ANOTHER_HOST.address}/30 dev {NAME[:11]}-b
        ip -n {NAME} link set {NAME[:11]}-b up
        ip -n {NAME} route add default via {ANOTHER_HOST.way_here}
    """
    _remove()
    try:
        for command in filter(None, map(str.strip, commands.splitlines())):
            subprocess.run(command.split(), check=True)
        server = subprocess.Popen(
            [
                *("ip", "netns", "exec", NAME),
                *(sys.executable, "-m", "http.server", str(ANOTHER_HOST.port)),
            ],
            cwd="/proc/tty",  # nothing to give away
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 30
            while not _answers(ANOTHER_HOST.address, ANOTHER_HOST.port):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield ANOTHER_HOST
        finally:
            server.kill()
            server.wait()
    finally:
        _remove()


def _remove() -> None:
    # The pair by itself, which otherwise goes some time after its namespace.
    for thing in (["link", "delete", f"{NAME[:11]}-a"], ["netns", "delete", NAME]):
        subprocess.run(["ip", *thing], stderr=subprocess.DEVNULL, check=False)


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True
