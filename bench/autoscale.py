"""Shows what an autoscaler would do: `python -m bench.autoscale`.

A real Prometheus evaluates the committed rule while wrk loads one, two and three TorchServes behind the
committed proxy. Each client always has one request on its way, so that as many are in flight as there are
clients, whatever the number of instances and however busy the machine: that is what the rule has to say.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from bench.autoscaler import deployed, wanted
from bench.load import load
from bench.pictures import pictures
from bench.results import measuring, say, write
from bench.serving import wait_for_answer
from client.session import local_session
from launch.errors import LaunchError
from launch.temporary import TorchServe, running
from system import processes
from system.files import PROJECT
from system.ports import free_ports
from training.options import parser_of, positive

RULE, RULES = "sketchserve:in_flight:rate1m", PROJECT / "deploy" / "prometheus" / "rules" / "serving.yml"
WINDOW_S, LOOKS = 60, 12  # the rule's window, and how often it is scraped within
READY_S = 60
PORTS = ("HTTP_PORT", "HTTPS_PORT", "INTERNAL_PORT", "STATUS_PORT", "GRAFANA_PORT")


@dataclass(frozen=True)
class Seen:
    """What was seen at the end of a load.

    Attributes:
        instances: TorchServes behind the proxy.
        clients: how many asked at once: so many requests were in flight.
        in_flight: what the rule said.
        requests_per_s: answers with 2xx.
        mean_ms: in_flight by requests_per_s, which is the mean latency by Little's law.
        p50_ms: what wrk measured.
    """

    instances: int
    clients: int
    in_flight: float
    requests_per_s: float
    mean_ms: float
    p50_ms: float


@contextmanager
def prometheus(folder: Path, window_s: int) -> Iterator[str]:
    """Yield the address of a Prometheus with the committed rules, which scrapes what `targets.json` lists.

    Args:
        folder: a folder for its files and series.
        window_s: how far back the rule looks; committed is WINDOW_S.

    Raises:
        LaunchError: it does not become ready.
    """
    (port,) = free_ports(1)
    rules = RULES.read_text(encoding="utf-8").replace("[1m]", f"[{window_s}s]")
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    (folder / "targets.json").write_text("[]")
    every = f"{max(1, window_s // LOOKS)}s"
    config = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": "handler",
                "file_sd_configs": [{"files": ["targets.json"], "refresh_interval": "1s"}],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", "--log.level=warn"]
    command += [f"--storage.tsdb.path={folder / 'series'}", f"--web.listen-address=127.0.0.1:{port}"]
    with _up("prometheus", command, f"http://127.0.0.1:{port}/-/ready", folder, {}):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def proxy(folder: Path, first: TorchServe) -> Iterator[dict[str, str]]:
    """Yield the environment of the committed proxy, which runs in front of the first TorchServe."""
    folder.chmod(0o755)  # nginx's workers are nobody's where root starts it
    environ = {
        **dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True)),
        "NGINX_RUN": str(folder / "nginx"),
        "LISTEN_ADDRESS": "127.0.0.1",
        "TORCHSERVE": _address(first),
        "PAGE": _address(first),
        # wrk is one address.
        "PREDICT_RATE": "100000",
        "PREDICT_CONNECTIONS": "60000",
        "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin",
    }
    status = f"http://127.0.0.1:{environ['STATUS_PORT']}/stub_status"
    with _up("nginx", ["sh", "deploy/nginx/start.sh"], status, folder, environ):
        yield environ


@contextmanager
def _up(
    name: str, command: list[str], url: str, folder: Path, environ: dict[str, str]
) -> Iterator[processes.Running]:
    with processes.running(command, {**os.environ, **environ}, folder / f"{name}.log") as started:
        with local_session() as session:

            def is_up() -> bool:
                if end := started.how_it_ended():
                    raise LaunchError(f"{name} {end}", (folder / f"{name}.log").read_text(errors="replace"))
                try:
                    return session.get(url, timeout=5).ok
                except requests.RequestException:
                    return False

            if not processes.until(is_up, READY_S):
                raise LaunchError(f"{name} was not ready within {READY_S} s", f"is {command[0]} installed?")
        yield started


def _address(server: TorchServe) -> str:
    return urlsplit(server.inference_url).netloc


def said(prometheus_url: str, query: str = RULE) -> float:
    """Return the value of a query that has one; NaN where there is none."""
    with local_session() as session:
        answer = session.get(f"{prometheus_url}/api/v1/query", params={"query": query}, timeout=READY_S)
    answer.raise_for_status()
    found = answer.json()["data"]["result"]
    return float(found[0]["value"][1]) if found else float("nan")


def watch(instances: Sequence[int], clients: Sequence[int], window_s: int = WINDOW_S) -> list[Seen]:
    """Return what the rule said at the end of each load, instances by instances.

    Args:
        instances: numbers of TorchServes, growing.
        clients: how many ask at once, one number after the other.
        window_s: how far back the rule looks, and a sixth more is how long each load lasts.

    Raises:
        LaunchError: something did not come up.
        LoadError: wrk is missing or failed.
    """
    files, found = pictures(), []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="autoscale-")))
        servers = [stack.enter_context(running(PROJECT / "model_store"))]
        environ = stack.enter_context(proxy(folder, servers[0]))
        asked = stack.enter_context(prometheus(folder, window_s))
        url = f"http://127.0.0.1:{environ['HTTP_PORT']}/predict"
        for count in instances:
            while len(servers) < count:
                servers.append(stack.enter_context(running(PROJECT / "model_store")))
            _move(environ, servers, folder)
            wait_for_answer(url, files[0])
            for crowd in clients:
                measured = load(url, files, crowd, window_s * 7 / 6)
                in_flight = said(asked)
                rate = measured.requests_per_s
                found.append(Seen(count, crowd, in_flight, rate, 1000 * in_flight / rate, measured.p50_ms))
                say(f"{found[-1]}")
    return found


def _move(environ: dict[str, str], servers: Sequence[TorchServe], folder: Path) -> None:
    """Put these behind the proxy, as a deployment does, and before Prometheus.

    Raises:
        LaunchError: nginx refused.
    """
    addresses = [_address(server) for server in servers]
    command = ["sh", "deploy/nginx/start.sh", "move", environ["PAGE"], *addresses]
    done = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LaunchError(
            f"the proxy did not move ({done.stderr.strip()[-300:]})", "see deploy/nginx/start.sh"
        )
    metrics = [urlsplit(server.handler_metrics_url).netloc for server in servers]
    draft = folder / "targets.draft"
    draft.write_text(json.dumps([{"targets": metrics}]))
    draft.rename(folder / "targets.json")
    time.sleep(2)  # Prometheus looks at the file every second


def markdown(found: Sequence[Seen]) -> str:
    """Return the table, with what the deployed autoscaler would decide."""
    target = deployed().target
    lines = [
        f"| instances | clients | the rule says | of the clients | answers/s | mean by Little, p50 by wrk "
        f"| replicas wanted, {target:g} each |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in found:
        lines.append(
            f"| {one.instances} | {one.clients} | {one.in_flight:.1f} | {one.in_flight / one.clients:.0%} | "
            f"{one.requests_per_s:,.0f} | {one.mean_ms:.1f}, {one.p50_ms:.1f} ms | "
            f"{wanted(one.in_flight, one.instances, target)} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Load, look, and print the table."""
    parser = parser_of("bench.autoscale", __doc__)
    parser.add_argument("--instances", type=positive, nargs="+", default=[1, 2, 3], help="(%(default)s)")
    parser.add_argument("--clients", type=positive, nargs="+", default=[4, 32], help="at once (%(default)s)")
    given = parser.parse_args()
    with measuring("autoscale"):
        found = watch(sorted(given.instances), given.clients)
    write("autoscale.md", markdown(found))


if __name__ == "__main__":
    main()
