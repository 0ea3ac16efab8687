"""A real TorchServe on free ports, for the length of a `with`."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from launch.ports import free_ports
from launch.readiness import wait_until_ready

PROJECT = Path(__file__).resolve().parent.parent.parent
READY_S = 90
STOP_S = 20


@dataclass(frozen=True)
class TorchServe:
    """A running TorchServe: where it answers, its java process, and the folder of its logs."""

    inference_url: str
    management_url: str
    metrics_url: str
    pid: int
    log_dir: Path


@contextmanager
def running(model_store: Path, models: str = "digits.mar", **overrides: str) -> Iterator[TorchServe]:
    """Start TorchServe, wait until each model is ready, and end it with all its processes.

    Args:
        model_store: the folder of archives.
        models: what to load: `file.mar` or `name=file.mar`, comma-separated.
        overrides: more environment variables, such as TS_JOB_QUEUE_SIZE="1".
    """
    names = [entry.partition("=")[0].removesuffix(".mar") for entry in models.split(",")]
    inference, management, metrics, grpc_inference, grpc_management = free_ports(5)
    with tempfile.TemporaryDirectory(prefix="torchserve-") as folder:
        environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("TS_")},
            "MODEL": names[0],
            "MODELS": models,
            "MODEL_STORE": str(model_store.resolve()),
            "VAR_DIR": folder,
            "INFERENCE_PORT": str(inference),
            "MANAGEMENT_PORT": str(management),
            "METRICS_PORT": str(metrics),
            "GRPC_INFERENCE_PORT": str(grpc_inference),
            "GRPC_MANAGEMENT_PORT": str(grpc_management),
            **overrides,
        }
        log_dir = Path(environ["VAR_DIR"], "log")
        log_dir.mkdir(parents=True, exist_ok=True)
        with (log_dir / "console.log").open("ab") as console:
            process = subprocess.Popen(
                [sys.executable, "-m", "launch.torchserve"],
                cwd=PROJECT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )

        def ended() -> str | None:
            if process.poll() is None:
                return None
            words = (log_dir / "console.log").read_text(errors="replace")
            return f"ended with {process.returncode} ({words.strip()[-500:]})"

        management_url = f"http://127.0.0.1:{management}"
        try:
            for name in names:
                wait_until_ready(management_url, name, READY_S, log_dir, ended)
            yield TorchServe(
                inference_url=f"http://127.0.0.1:{inference}",
                management_url=management_url,
                metrics_url=f"http://127.0.0.1:{metrics}/metrics",
                pid=process.pid,
                log_dir=log_dir,
            )
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End java as an operator would, and make sure that it left none of its workers behind."""
    if process.poll() is not None:
        return
    java = psutil.Process(process.pid)
    family = [java, *java.children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=STOP_S)
    for left in alive:
        left.kill()
    process.wait()
    assert not alive, f"SIGTERM to TorchServe left these running for {STOP_S} s: {alive}"
