"""The real nginx for tests: deploy/nginx/start.sh on free ports, as nobody where the tests run as root."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from system.files import PROJECT
from system.ports import free_ports

TEMPLATES = PROJECT / "deploy" / "nginx"
START_S = 30
STOP_S = 30
# Where Debian has it, which is not on everybody's PATH.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
NOBODY = 65534
Certificate = tuple[bytes, bytes]


@dataclass(frozen=True)
class Proxy:
    """A running proxy: where it listens, what it was started from, and its process."""

    url: str
    tls_url: str
    internal_url: str
    status_url: str
    place: "Prepared"
    process: subprocess.Popen[bytes]

    @property
    def folder(self) -> Path:
        """Where its templates, its run-time files and its output are."""
        return self.place.folder

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the published listener, for sockets."""
        return "127.0.0.1", int(self.url.rpartition(":")[2])

    def workers(self) -> set[psutil.Process]:
        """The processes that serve now."""
        return set(psutil.Process(self.process.pid).children())

    def wait_for_the_end_of(self, workers: set[psutil.Process]) -> None:
        """Wait until these serve no more: after a reload they take requests for a moment."""
        assert not psutil.wait_procs(workers, STOP_S)[1], self.output()

    def output(self) -> str:
        """Everything that it wrote to stdout and stderr."""
        return (self.folder / "output").read_text(errors="replace")

    def log(self, request_id: str) -> dict[str, Any]:
        """Return the access log's line about a request, as soon as it is there."""
        end = time.monotonic() + START_S
        while True:
            for line in self.output().splitlines():
                if line.startswith("{") and f'"request_id":"{request_id}"' in line:
                    found: dict[str, Any] = json.loads(line)
                    return found
            assert time.monotonic() < end, f"no line about {request_id}: {self.output()}"
            time.sleep(0.05)

    def move(self, torchserve: str, page: str) -> None:
        """Name other targets and let nginx reload, as a deployment does."""
        assert self.place.start("move", page, torchserve).wait(START_S) == 0, self.output()


@dataclass(frozen=True)
class Prepared:
    """A copy of deploy/nginx beside a folder to render into, and the environment for its start.sh."""

    folder: Path
    environment: Mapping[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start start.sh, not as root; what it says goes to the folder's file `output`."""
        user = NOBODY if os.geteuid() == 0 else None
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                ["sh", str(self.folder / "nginx" / "start.sh"), *arguments],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )


def require_nginx() -> None:
    """Skip the test where there is no nginx, or fail it where CI is true."""
    if shutil.which("nginx", path=PATH) is None:
        reason = "nginx is not on this machine: apt-get install nginx-light"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def prepared(environment: Mapping[str, str], certificate: Certificate | None = None) -> Iterator[Prepared]:
    """Return a folder with the templates, which nobody can read too, and the environment for its start.sh."""
    require_nginx()
    with tempfile.TemporaryDirectory(prefix="proxy-") as name:
        folder = Path(name)
        shutil.copytree(TEMPLATES, folder / "nginx")
        (folder / "run").mkdir()
        (folder / "output").touch()
        folder.chmod(0o755)
        full = {"PATH": PATH, "NGINX_RUN": str(folder / "run"), "LISTEN_ADDRESS": "127.0.0.1", **environment}
        for key, pem in zip(("TLS_CERTIFICATE", "TLS_KEY"), certificate or (), strict=False):
            (folder / key).write_bytes(pem)
            full[key] = str(folder / key)
        if os.geteuid() == 0:
            for owned in ("run", "output"):
                os.chown(folder / owned, NOBODY, NOBODY)
        yield Prepared(folder, full)


@contextmanager
def rendered(certificate: Certificate | None = None, **environment: str) -> Iterator[tuple[Path, int, str]]:
    """Return the folder that `start.sh check` rendered, its exit status and its words."""
    with prepared(environment, certificate) as place:
        status = place.start("check").wait(START_S)
        yield place.folder / "run", status, (place.folder / "output").read_text(errors="replace")


@contextmanager
def running_proxy(
    torchserve: str, page: str, certificate: Certificate | None = None, **more: str
) -> Iterator[Proxy]:
    """Run the proxy until the end of the block.

    Args:
        torchserve: host:port of TorchServe.
        page: host:port of the page.
        certificate: PEM of certificate and key, for TLS.
        more: more environment variables.
    """
    http, https, internal, status, grafana = free_ports(5)
    told = {
        "HTTP_PORT": str(http),
        "HTTPS_PORT": str(https),
        "INTERNAL_PORT": str(internal),
        "STATUS_PORT": str(status),
        "GRAFANA_PORT": str(grafana),
        "PUBLISHED_HTTPS_PORT": str(https),
        "TORCHSERVE": torchserve,
        "PAGE": page,
        # Tests are one address; what limits it is a test of its own.
        "PREDICT_RATE": "100000",
        "PREDICT_CONNECTIONS": "1000",
        **more,
    }
    with prepared(told, certificate) as place:
        process = place.start()
        proxy = Proxy(
            f"http://127.0.0.1:{http}",
            f"https://127.0.0.1:{https}",
            f"http://127.0.0.1:{internal}",
            f"http://127.0.0.1:{status}",
            place,
            process,
        )
        try:
            _wait(proxy)
            yield proxy
        finally:
            process.terminate()
            process.wait(STOP_S)


def _wait(proxy: Proxy) -> None:
    end = time.monotonic() + START_S
    while True:
        assert proxy.process.poll() is None, proxy.output()
        try:
            if requests.get(f"{proxy.status_url}/stub_status", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < end, f"not there after {START_S} s: {proxy.output()}"
        time.sleep(0.05)


def exchange(address: tuple[str, int], sent: bytes, limit_s: float = 20, silence_s: float = 1) -> bytes:
    """Return all that comes back for these bytes until the server closes, or is silent for so long."""
    with socket.create_connection(address, timeout=limit_s) as connection:
        connection.sendall(sent)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
                connection.settimeout(silence_s)
        except TimeoutError:
            pass
    return answer
