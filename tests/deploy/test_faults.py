"""Load through the proxy while each part is killed, restarted, updated: who got an answer, and what was kept.

    .venv/bin/python -m pytest tests/deploy/test_faults.py -s

prints the table of docs/deploying.md.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest
import requests

from system.files import PROJECT
from tests.deploy.host import Host
from tests.deploy.images import images, tags_of_images
from tests.deploy.visitors import Tally, Visitor, keep_asking, predict

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

Fault = Callable[[Host], None]
BEFORE_S, AFTER_S = 2.0, 2.0
# What the page has answered and not yet handed to PostgreSQL is lost with it: at most one of each visitor.
DRAWING_VISITORS = 2


def init_of(host: Host, service: str) -> psutil.Process:
    """The first process of a service's container, as this machine sees it."""
    shown = subprocess.run(
        ["docker", "inspect", "--format", "{{.State.Pid}}", host.containers(service)[0]],
        capture_output=True,
        text=True,
        check=True,
    )
    return psutil.Process(int(shown.stdout))


def kill(service: str) -> Fault:
    """Not `docker kill`, after which Docker would not start it again."""

    def fault(host: Host) -> None:
        init = init_of(host, service)
        init.kill()
        psutil.wait_procs([init], 30)  # Docker hears of it only then

    return fault


def java_of(host: Host) -> psutil.Process:
    """TorchServe itself, below the guard, which the container's init runs."""
    (guard,) = init_of(host, "torchserve").children()
    (java,) = guard.children()
    return java


def kill_a_worker(host: Host) -> None:
    java_of(host).children()[0].kill()


def kill_java(host: Host) -> None:
    java_of(host).kill()


def restart(service: str) -> Fault:
    def fault(host: Host) -> None:
        host.compose("restart", service)

    return fault


def freeze_the_database(host: Host) -> None:
    members = [init_of(host, "postgres"), *init_of(host, "postgres").children(recursive=True)]
    for member in members:
        os.kill(member.pid, signal.SIGSTOP)
    time.sleep(8)
    for member in members:
        os.kill(member.pid, signal.SIGCONT)


FAULTS: dict[str, Fault] = {
    "a worker killed": kill_a_worker,
    "Java killed": kill_java,
    "TorchServe's container killed": kill("torchserve"),
    "TorchServe restarted": restart("torchserve"),
    "the page killed": kill("ui"),
    "the page restarted": restart("ui"),
    "PostgreSQL killed": kill("postgres"),
    "PostgreSQL restarted": restart("postgres"),
    "PostgreSQL frozen for 8 s": freeze_the_database,
    "the proxy killed": kill("proxy"),
    "the proxy restarted": restart("proxy"),
    "Prometheus killed": kill("prometheus"),
}


def kept_rows(host: Host, visitors: list[Visitor]) -> int:
    """How many of the drawings that the page called kept are in the database, after a while at most."""
    sessions = ",".join(f"'{visitor.session_id}'" for visitor in visitors)
    sql = f"SELECT id FROM predictions WHERE session_id IN ({sessions})"
    psql = ["psql", "--host=/var/run/postgresql", "--username=sketchserve", "-Atc", sql]
    kept = {drawing for visitor in visitors for drawing in visitor.kept}
    found: set[str] = set()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not kept <= found:
        found = kept & set(host.compose("exec", "-T", "postgres", *psql, check=False).split())
        time.sleep(0.5)
    return len(found)


def asking(host: Host) -> tuple[list[Visitor], list[Callable[[], str]]]:
    """Two visitors who draw on the page, and two clients of the API.

    None keeps a connection: nginx before 1.27.4 may close one, at a reload, on which a request is on its way.
    """
    session = requests.Session()
    session.headers["Connection"] = "close"
    visitors = [Visitor(host.address, session) for _ in range(DRAWING_VISITORS)]
    client = partial(predict, session, host.address)
    return visitors, [*(visitor.draw for visitor in visitors), client, client]


def line(what: str, tally: Tally, fault_s: float, rows: int, kept: int) -> str:
    return (
        f"| {what} | {tally.answered} of {tally.asked} | {tally.asked_again} | "
        f"{tally.whole_after_s(fault_s):.1f} s | {rows} of {kept} |"
    )


@pytest.mark.parametrize("what", FAULTS)
def test_every_request_is_answered_and_every_drawing_kept(host: Host, what: str, capsys):
    host.wait_until_whole()
    visitors, asks = asking(host)
    with keep_asking(asks) as tally:
        time.sleep(BEFORE_S)
        fault_s = time.monotonic() - tally.began
        FAULTS[what](host)
        host.wait_until_whole()
        time.sleep(AFTER_S)
    kept = sum(len(visitor.kept) for visitor in visitors)
    rows = kept_rows(host, visitors)
    with capsys.disabled():
        print("\n" + line(what, tally, fault_s, rows, kept))
    assert tally.answered == tally.asked, tally.troubles
    assert rows >= kept - (DRAWING_VISITORS if what == "the page killed" else 0)
    if what == "Prometheus killed":
        assert tally.asked_again == 0


def changed(folder: Path, change: Callable[[Path], None]) -> Path:
    """A checkout with one commit on top of what is deployed."""
    subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(folder)], check=True)
    change(folder)
    commit = [
        "git",
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@example.com",
        "commit",
        "--quiet",
        "-am",
        "x",
    ]
    subprocess.run(commit, cwd=folder, check=True)
    return folder


def newer(folder: Path) -> None:
    path = folder / "ui" / "head.html"
    path.write_text(path.read_text() + "<!-- newer -->\n")
    path = folder / "launch" / "readiness.py"
    path.write_text(path.read_text() + "# newer\n")


def broken(folder: Path) -> None:
    """A page that listens, but reads no drawing and says so."""
    path = folder / "ui" / "health.py"
    start = '    """Return whether the page can read a drawing'
    broken = path.read_text().replace(
        start, '    return {"is_ready": False, "reason": "broken"}\n' + start, 1
    )
    path.write_text(broken)
    path = folder / "ui" / "draw" / "outcome.py"
    line = "        drawing = read_drawing"
    path.write_text(path.read_text().replace(line, f"        raise OSError('broken')\n{line}", 1))


def test_an_update_loses_no_request_and_no_drawing(host: Host, tmp_path, capsys):
    host.wait_until_whole()
    checkout = changed(tmp_path / "newer", newer)
    before = {service: host.containers(service) for service in ("torchserve", "ui", "proxy", "postgres")}
    visitors, asks = asking(host)
    (host.folder / "built").write_text("earlier\n")
    with images(host, "earlier", "of-another-installation"):
        with keep_asking(asks) as tally:
            time.sleep(BEFORE_S)
            fault_s = time.monotonic() - tally.began
            done = host.deploy(checkout)
            time.sleep(AFTER_S)
        assert {"earlier", "of-another-installation"} & tags_of_images() == {"of-another-installation"}
    assert done.returncode == 0, done.stdout[-4000:]
    kept = sum(len(visitor.kept) for visitor in visitors)
    rows = kept_rows(host, visitors)
    with capsys.disabled():
        print("\n" + line("an update of TorchServe and the page", tally, fault_s, rows, kept))
    assert (tally.answered, tally.asked_again) == (tally.asked, 0), tally.troubles
    assert rows == kept
    after = {service: host.containers(service) for service in before}
    assert {service for service in before if before[service] != after[service]} == {"torchserve", "ui"}
    assert "newer" in requests.get(f"{host.address}/config", timeout=20).text
    host.wait_until_whole()


def test_a_version_that_does_not_become_ready_goes_back_and_nobody_notices(host: Host, tmp_path):
    host.wait_until_whole()
    checkout = changed(tmp_path / "broken", broken)
    before = {service: host.containers(service) for service in ("torchserve", "ui", "proxy", "postgres")}
    settings = (host.app / ".env").read_text()
    _, asks = asking(host)
    with keep_asking(asks) as tally:
        time.sleep(BEFORE_S)
        done = host.deploy(checkout)
    assert done.returncode != 0
    assert re.search(r"ui-\d+ is running unhealthy", done.stdout), done.stdout[-4000:]
    assert "going back" in done.stdout
    assert (tally.answered, tally.asked_again) == (tally.asked, 0), tally.troubles
    assert before == {service: host.containers(service) for service in before}
    assert (host.app / ".env").read_text() == settings
    assert "broken" not in (host.app / "ui" / "draw" / "outcome.py").read_text()
