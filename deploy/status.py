"""`make status`: show what runs where, since when, which version, and what is wrong, on one screen.

Needs Python 3.9 and nothing else. Says it of the compose project, or else of a `make run` on this machine.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

ANSWER_S = 5
COMMAND_S = 30
ONCE = ("migrate", "models", "secrets")  # these end when they are done
BACKUP_AGE = """
import time, urllib.request
said = urllib.request.urlopen("http://backup-metrics:9188/metrics", timeout=4).read().decode().splitlines()
values = dict(line.rsplit(" ", 1) for line in said if not line.startswith("#"))
names = ("last_success_timestamp_seconds", "last_size_bytes")
print(*(values["sketchserve_backup_" + name] for name in names))
"""
# Where people have to sign in, the page tells strangers how it is, and only those inside what is wrong.
HEALTH = """
import urllib.error, urllib.request
try:
    print(urllib.request.urlopen("http://127.0.0.1:7860/healthz", timeout=9).read().decode())
except urllib.error.HTTPError as degraded:
    print(degraded.read().decode())
"""


@dataclass(frozen=True)
class Container:
    """One container of the project, as `docker compose ps` tells of it."""

    project: str
    name: str
    service: str
    image: str
    state: str
    health: str
    status: str
    exit_code: int

    def fault(self) -> str:
        """Return what is wrong with it, "" where nothing is."""
        if self.service in ONCE and self.state == "exited":
            return "" if self.exit_code == 0 else f"ended with {self.exit_code}"
        if self.state != "running":
            return f"is {self.state}"
        return "" if self.health in ("", "healthy") else f"is {self.health}"


def main() -> None:
    """Print the screen; exit with 1 where something is wrong, or nothing runs."""
    found = containers()
    faults = of_containers(found) if found else of_local_run()
    print()
    for fault in faults:
        print(f"  WRONG  {fault}")
    print("" if faults else "  nothing is wrong")
    sys.exit(1 if faults else 0)


def of_containers(found: list[Container]) -> list[str]:
    """Print a line for each container and what the page and the backups say; return what is wrong."""
    print(f"compose project {found[0].project}\n")
    for one in sorted(found, key=lambda one: (one.service in ONCE, one.name)):
        print(f"  {one.service:<18} {one.status:<34} {one.image:<44} {one.name}")
    print()
    faults = [f"{one.name} {one.fault()}{_last_words(one)}" for one in found if one.fault()]
    page = published()
    faults += of_page(f"http://{page}/health") if page else ["the proxy publishes no port"]
    age = _output("docker", "compose", "exec", "-T", "backup", "python", "-c", BACKUP_AGE)
    if not age:
        return [*faults, "cannot tell how old the newest backup is"]
    made, size = map(float, age.split())
    if not made:
        return [*faults, "there is no backup yet"]
    print(f"  newest backup      {_ago(made)} ago, {size / 1e6:.1f} MB, restored into a scratch database")
    return faults


def published() -> str:
    """Return the page's host and port as an address has them, "" where none is published."""
    # compose writes ::1:7860
    return re.sub(r"^([^[]*:[^[]*):", r"[\1]:", _output("docker", "compose", "port", "proxy", "8080"))


def of_local_run() -> list[str]:
    """Print what a `make run` on this machine says of itself; return what is wrong."""
    host = os.environ.get("UI_HOST") or "127.0.0.1"
    port = os.environ.get("UI_PORT", "")
    port = port if port.isdigit() else "7860"  # tcp://... is Kubernetes' word of a service called `ui`
    print(f"no containers; looking for a `make run` at http://{host}:{port}\n")
    return of_page(f"http://{host}:{port}/healthz")


def of_page(url: str) -> list[str]:
    """Print what the page says of itself and of what is behind it; return what is wrong."""
    told = health(url)
    if told is None:
        return [f"{url} does not answer: `make up` or `make run` starts it"]
    if "torchserve" not in told:
        inside = _output("docker", "compose", "exec", "-T", "ui", "python", "-c", HEALTH)
        told = json.loads(inside) if inside else told
    torchserve, database = told.get("torchserve", {}), told.get("database", {})
    version = f"{torchserve.get('model', '?')} {torchserve.get('version', '?')}"
    print(f"  page               {told.get('status')} at {url}")
    print(f"  model              {version}, {torchserve.get('ready_workers', 0)} ready workers")
    waiting, dropped = database.get("pending", "?"), database.get("dropped", "?")
    print(f"  database           {waiting} records waiting, {dropped} dropped")
    return [str(reason) for reason in told.get("reasons", [])]


def health(url: str) -> dict[str, Any] | None:
    """Return the page's words about itself, None where it gives none."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310 - an address of this machine
            body = answer.read()
    except urllib.error.HTTPError as error:  # degraded
        body = error.read()
    except OSError:
        return None
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told if isinstance(told, dict) and "status" in told else None


def containers() -> list[Container]:
    """Return the project's containers, none where there is no engine or nothing was started."""
    lines = _output("docker", "compose", "ps", "--all", "--format", "json").splitlines()
    return [
        Container(
            one["Project"],
            one["Name"],
            one["Service"],
            one["Image"],
            one["State"],
            one["Health"],
            one["Status"],
            one["ExitCode"],
        )
        for one in map(json.loads, lines)
    ]


def _last_words(container: Container) -> str:
    lines = _output("docker", "logs", "--tail", "1", container.name, error_too=True).splitlines()
    return f': "{lines[-1][:120]}"' if lines else ""


def _output(*command: str, error_too: bool = False) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if error_too else subprocess.DEVNULL,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _ago(made: float) -> str:
    minutes = max(0, round((time.time() - made) / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


if __name__ == "__main__":
    main()
