"""The platform with everything that is scraped of it, and a Prometheus that scrapes it every second."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import yaml
from sqlalchemy import make_url

from db import drifts, embedded, engine, migrate
from launch import temporary
from system.ports import free_ports
from tests.deploy.debian import program
from tests.deploy.proxy import Certificate, running_proxy
from tests.deploy.rules_on_disk import PROMETHEUS, RULE_FILES
from tests.deploy.servers import answers, running
from tests.e2e.page import running_page


@dataclass(frozen=True)
class Watched:
    """Where the parts answer that tests ask."""

    torchserve: temporary.TorchServe
    page_url: str
    prometheus_url: str

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return the series that Prometheus answers; fail where it cannot."""
        answer = requests.get(f"{self.prometheus_url}/api/v1/query", params={"query": expr}, timeout=60)
        assert answer.status_code == 200, f"{expr}: {answer.text}"
        result = answer.json()["data"]["result"]
        assert isinstance(result, list)
        return result


@contextmanager
def watched_platform(model_store: Path, folder: Path) -> Iterator[Watched]:
    """Start PostgreSQL, TorchServe, the page, a proxy, backups, the loop, the exporters and Prometheus."""
    names = ("nginx", "postgres", "blackbox", "backup", "loop", "prometheus")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with ExitStack() as stack:

        def start(name: str, command: list[str], ready_url: str, **environ: str) -> None:
            log = folder / f"{name}.log"
            stack.enter_context(running(command, lambda: answers(ready_url), log, {**os.environ, **environ}))

        database = stack.enter_context(embedded.start(folder / "database"))
        migrate.upgrade(database.url)
        _look_once(database.url)
        torchserve = stack.enter_context(temporary.running(model_store))
        page = stack.enter_context(running_page(database.url, torchserve))
        hosts = [url.split("/")[2] for url in (torchserve.inference_url, page.url)]
        proxy = stack.enter_context(running_proxy(*hosts, certificate=_certificate(folder)))
        start(
            "nginx-exporter",
            [
                program("prometheus-nginx-exporter", "prometheus-nginx-exporter"),
                f"-nginx.scrape-uri={proxy.status_url}/stub_status",
                f"-web.listen-address=127.0.0.1:{ports['nginx']}",
            ],
            f"{urls['nginx']}/metrics",
        )
        start(
            "postgres-exporter",
            [
                program("prometheus-postgres-exporter", "prometheus-postgres-exporter"),
                f"--web.listen-address=127.0.0.1:{ports['postgres']}",
            ],
            f"{urls['postgres']}/metrics",
            DATA_SOURCE_NAME=_for_lib_pq(database.url),
        )
        start(
            "blackbox",
            [
                program("prometheus-blackbox-exporter", "prometheus-blackbox-exporter"),
                f"--config.file={PROMETHEUS / 'blackbox.yml'}",
                f"--web.listen-address=127.0.0.1:{ports['blackbox']}",
            ],
            f"{urls['blackbox']}/metrics",
        )
        start(
            "backup",
            [sys.executable, "-m", "db.backup"],
            f"{urls['backup']}/metrics",
            DATABASE_URL=database.url,
            BACKUP_DIR=str(folder / "backups"),
            BACKUP_EVERY_HOURS="24",
            BACKUP_METRICS_PORT=str(ports["backup"]),
        )
        start(
            "loop",
            [sys.executable, "-m", "loop.schedule"],
            f"{urls['loop']}/metrics",
            DATABASE_URL=database.url,
            MODEL_STORE=str(folder),
            LOOP_METRICS_PORT=str(ports["loop"]),
        )
        addresses = {
            "torchserve-metrics:8082": torchserve.metrics_url,
            "torchserve-metrics:8083": torchserve.handler_metrics_url,
            "page-metrics:7860": page.url,
            "nginx-exporter:9113": urls["nginx"],
            "postgres-exporter:9187": urls["postgres"],
            "backup:9188": urls["backup"],
            "loop-metrics:9189": urls["loop"],
            "blackbox:9115": urls["blackbox"],
            "http://proxy:8080/": f"{proxy.url}/",
            "https://proxy:8443/": f"{proxy.tls_url}/",
            "localhost:9090": urls["prometheus"],
        }
        start(
            "prometheus",
            [
                program("prometheus", "prometheus"),
                f"--config.file={_configured(folder, addresses)}",
                f"--storage.tsdb.path={folder / 'series'}",
                f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
            ],
            f"{urls['prometheus']}/-/ready",
        )
        yield Watched(torchserve, page.url, urls["prometheus"])


def _configured(folder: Path, addresses: Mapping[str, str]) -> Path:
    """Write the committed configuration with a test's addresses and a second for each interval."""
    text = (PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8")
    for name, url in addresses.items():
        if name.startswith("http"):
            assert name in text
            text = text.replace(name, url)
        else:
            text = text.replace(name, url.removeprefix("http://").removesuffix("/metrics"))
    config = yaml.safe_load(text)
    config["global"] = dict.fromkeys(config["global"], "1s")
    for job in config["scrape_configs"]:
        for found in job.pop("dns_sd_configs", []):
            targets = [addresses[f"{name}:{found['port']}"] for name in found["names"]]
            job["static_configs"] = [{"targets": [url.split("/")[2] for url in targets]}]
    assert not re.search(
        r"torchserve-metrics|page-metrics|loop-metrics|proxy:|exporter:|backup:\d|blackbox:",
        yaml.safe_dump(config),
    )
    (folder / "rules").mkdir()
    for path in RULE_FILES:
        rules = re.sub(r"\binterval: \w+", "interval: 1s", path.read_text(encoding="utf-8"))
        (folder / "rules" / path.name).write_text(rules, encoding="utf-8")
    written = folder / "prometheus.yml"
    written.write_text(yaml.safe_dump(config), encoding="utf-8")
    return written


def _certificate(folder: Path) -> Certificate:
    files = folder / "certificate.pem", folder / "key.pem"
    certify = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=sketch",
    ]
    subprocess.run([*certify, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files[0].read_bytes(), files[1].read_bytes()


def _look_once(url: str) -> None:
    """Keep a look that found that people draw as in training."""
    now, same = datetime.now(UTC), [0.5, 0.5]
    ink = drifts.Figure("ink_share", 1.0, False, 0.0, [0.1], None, same, same)
    with engine.opened(url) as opened:
        drifts.add(opened, drifts.Look("digits", "1.0.0", now, now, 2000, [ink]))


def _for_lib_pq(database_url: str) -> str:
    """Return the URL for the exporter's driver, which asks for TLS unless it is told."""
    url = make_url(database_url).set(drivername="postgresql").update_query_dict({"sslmode": "disable"})
    return url.render_as_string(hide_password=False)
