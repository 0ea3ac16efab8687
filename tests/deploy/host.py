"""A host of its own for tests of deployment: an sshd, a folder, and this machine's Docker engine."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from system.files import PROJECT
from system.ports import free_ports, is_free

COMPOSE_PROJECT = "sketchserve-test"
STANDINS = "tests/deploy/standins/compose.yml"
# Where no index of CPU builds is reached, pip may know of one on this machine.
STANDIN_TORCH = ("torch==2.13.0", "torchvision==0.28.0")
DEPLOY_S = 900
SSHD = "/usr/sbin/sshd"


@dataclass(frozen=True)
class Host:
    """Where the platform is deployed.

    Attributes:
        folder: What deploy.sh calls FOLDER.
        ssh: How deploy.sh reaches the host.
        address: The proxy's, on plain HTTP.
    """

    folder: Path
    ssh: str
    address: str

    @property
    def app(self) -> Path:
        """The folder of the release that runs."""
        return self.folder / "app"

    def deploy(self, checkout: Path) -> subprocess.CompletedProcess[str]:
        """Deploy what is committed in a checkout; return how that ended."""
        return subprocess.run(
            [str(checkout / "deploy" / "deploy.sh"), "root@127.0.0.1", str(self.folder)],
            env={**os.environ, "SSH": self.ssh},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEPLOY_S,
            check=False,
        )

    def compose(self, *arguments: str, check: bool = True, timeout_s: float = 300) -> str:
        """Return what `docker compose` prints, on the host."""
        done = subprocess.run(
            ["docker", "compose", "--ansi", "never", *arguments],
            cwd=self.app,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert not check or done.returncode == 0, f"compose {arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's running containers."""
        return self.compose("ps", "--quiet", service).split()

    def inside(self, service: str, *command: str) -> str:
        """Return what a command prints in the service's first container."""
        return self.compose("exec", "-T", service, *command)

    def wait_until_whole(self, timeout_s: float = 240) -> None:
        """Return once every container that is to run is healthy, or has no health check."""
        deadline = time.monotonic() + timeout_s
        while faults := self._faults():
            assert time.monotonic() < deadline, faults
            time.sleep(0.5)

    def _faults(self) -> list[str]:
        lines = self.compose("ps", "--all", "--format", "json").splitlines()
        return [
            f"{one['Name']}: {one['Status']}"
            for one in map(json.loads, lines)
            if not (one["State"] == "running" and one["Health"] in ("", "healthy"))
            and not (one["State"] == "exited" and one["ExitCode"] == 0)
        ]


def why_not() -> str:
    """Return why nothing can be deployed on this machine, "" where it can."""
    if os.geteuid() != 0:
        return "only root may use this machine as a host to deploy to"
    if not Path(SSHD).exists():
        return "no sshd: apt-get install openssh-server"
    for program, package in (("rsync", "rsync"), ("ip", "iproute2")):
        if shutil.which(program) is None:
            return f"no {program}: apt-get install {package}"
    try:
        for command in (["docker", "info"], ["docker", "compose", "version"]):
            subprocess.run(command, capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return "no Docker engine with compose 2 runs on this machine"
    return ""


def are_standins_needed() -> bool:
    """Return whether public images cannot be had, so that Debian's stand in for them."""
    return bool(_output("docker", "image", "ls", "--quiet", "docker-here/base"))


@contextmanager
def prepared(folder: Path) -> Iterator[Host]:
    """Yield a host with nothing deployed; take everything away at the end."""
    http, https, grafana, sshd_port = free_ports(4)
    host = Host(folder / "host", _ssh_command(folder, sshd_port), f"http://127.0.0.1:{http}")
    host.app.mkdir(parents=True)
    settings = {
        "COMPOSE_PROJECT_NAME": COMPOSE_PROJECT,
        "HTTP_PORT": http,
        "HTTPS_PORT": https,
        "GRAFANA_PORT": grafana,
        # The tests' visitors all have one address.
        "PREDICT_RATE": 100_000,
    }
    if are_standins_needed():
        settings["COMPOSE_FILE"] = f"docker-compose.yml:{STANDINS}"
        wheels = host.app / "deploy" / "wheels"
        wheels.mkdir(parents=True)
        pip = [str(PROJECT / ".venv" / "bin" / "python"), "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--dest", str(wheels), *STANDIN_TORCH], check=True, timeout=600)
    (host.app / ".env").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    # What a run that was killed left behind.
    subprocess.run(["docker", "compose", "-p", COMPOSE_PROJECT, "down", "--volumes"], check=True, timeout=300)
    with _sshd(folder, sshd_port):
        try:
            yield host
        finally:
            host.compose("down", "--volumes", "--timeout", "5", check=False)


@contextmanager
def _sshd(folder: Path, port: int) -> Iterator[None]:
    """Run an sshd of our own, which lets in one key that was made for it."""
    Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "authorized_keys").write_text((folder / "client.pub").read_text())
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host_key",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": "none",
        "PasswordAuthentication": "no",
        "StrictModes": "no",  # the folder of a test is in a folder that all may write
        "UsePAM": "no",
    }
    (folder / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        deadline = time.monotonic() + 30
        while is_free(port):
            assert process.poll() is None, (folder / "sshd.log").read_text()
            assert time.monotonic() < deadline, "sshd does not listen"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _ssh_command(folder: Path, port: int) -> str:
    for name in ("host_key", "client"):
        key = str(folder / name)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    known = folder / "known_hosts"
    return (
        f"ssh -p {port} -i {folder / 'client'} -o BatchMode=yes -o StrictHostKeyChecking=accept-new "
        f"-o UserKnownHostsFile={known} -o LogLevel=ERROR"
    )


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip()
