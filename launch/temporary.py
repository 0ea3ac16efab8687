"""A private TorchServe on free ports, for as long as a test, a measurement or a command takes.

    python -m launch.temporary -- COMMAND ...

runs the command with TORCHSERVE_INFERENCE_URL, TORCHSERVE_MANAGEMENT_URL and MANAGEMENT_TOKEN_FILE set, and
gives its exit status.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.management import Management
from launch.errors import LaunchError
from launch.readiness import wait_until_ready
from launch.settings import read_settings
from system import processes, stopping, variables
from system.keeper import KILLED, STOP_S
from system.ports import free_ports

READY_S = 90


@dataclass(frozen=True)
class TorchServe:
    """A running TorchServe.

    Attributes:
        inference_url: where it answers.
        management_url: where it is managed, with the header that `token_file` holds.
        pid: the process that runs it, and ends it.
        java_pid: its own.
        log_dir: the folder of its logs.
    """

    inference_url: str
    management_url: str
    token_file: Path
    metrics_url: str
    handler_metrics_url: str
    pid: int
    java_pid: int
    log_dir: Path

    def management(self) -> Management:
        """Return its management API."""
        return Management(self.management_url, self.token_file)


@contextmanager
def running(
    model_store: Path, models: str = "digits.mar", host: str = "127.0.0.1", **overrides: str
) -> Iterator[TorchServe]:
    """Start TorchServe, wait until each model is ready, and end it with all its processes.

    Args:
        model_store: the folder of archives.
        models: what to load: `file.mar` or `name=file.mar`, comma-separated.
        host: the address of this machine where its APIs listen.
        overrides: more environment variables, such as TS_JOB_QUEUE_SIZE="1"; MANAGEMENT_PORT and
            MANAGEMENT_TOKEN_FILE, too, so that several have the same.

    Raises:
        LaunchError: it does not become ready.
    """
    names = [entry.partition("=")[0].removesuffix(".mar") for entry in models.split(",")]
    inference, management, metrics, handler_metrics, grpc_inference, grpc_management = free_ports(6)
    with tempfile.TemporaryDirectory(prefix="torchserve-") as folder:
        token_file = variables.token_file({"VAR_DIR": folder, **overrides})
        environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("TS_")},
            "MODEL": names[0],
            "MODELS": models,
            "MODEL_STORE": str(model_store.resolve()),
            "VAR_DIR": folder,
            **dict.fromkeys(("INFERENCE_HOST", "MANAGEMENT_HOST", "METRICS_HOST"), host),
            "INFERENCE_PORT": str(inference),
            "MANAGEMENT_PORT": str(management),
            "MANAGEMENT_TOKEN_FILE": str(token_file),
            "METRICS_PORT": str(metrics),
            "HANDLER_METRICS_PORT": str(handler_metrics),
            "GRPC_INFERENCE_PORT": str(grpc_inference),
            "GRPC_MANAGEMENT_PORT": str(grpc_management),
            **overrides,
        }
        log_dir = Path(folder, "log")
        log_dir.mkdir()
        management_url = f"http://{host}:{environ['MANAGEMENT_PORT']}"
        api = Management(management_url, token_file)
        console = log_dir / "console.log"
        with processes.running([sys.executable, "-m", "launch.torchserve"], environ, console) as server:
            for name in names:
                wait_until_ready(api, name, READY_S, log_dir, server.how_it_ended)
            guard, java, *_ = server.family()
            yield TorchServe(
                inference_url=f"http://{host}:{inference}",
                management_url=management_url,
                token_file=token_file,
                metrics_url=f"http://{host}:{metrics}/metrics",
                handler_metrics_url=f"http://{host}:{handler_metrics}/metrics",
                pid=guard.pid,
                java_pid=java.pid,
                log_dir=log_dir,
            )
        if KILLED in console.read_text(errors="replace"):
            raise LaunchError(
                f"TorchServe was still running {STOP_S} s after SIGTERM, and was killed", "see its logs"
            )


def end_in_order_when_told() -> None:
    """Let a SIGTERM to this process end its servers too, as Ctrl-C does, instead of leaving them behind."""
    stopping.raise_on_signals(signal.SIGTERM)


def main() -> None:
    """Run a command beside a temporary TorchServe that serves MODEL's archive."""
    command = [argument for argument in sys.argv[1:] if argument != "--"]
    if not command:
        sys.exit("usage: python -m launch.temporary -- COMMAND ...")
    end_in_order_when_told()
    try:
        settings = read_settings()
        with running(settings.model_store, settings.archive.name) as server:
            environ = {
                **os.environ,
                "TORCHSERVE_INFERENCE_URL": server.inference_url,
                "TORCHSERVE_MANAGEMENT_URL": server.management_url,
                "MANAGEMENT_TOKEN_FILE": str(server.token_file),
            }
            status = subprocess.run(command, env=environ, check=False).returncode
    except LaunchError as error:
        sys.exit(f"launch.temporary: {error}")
    sys.exit(status)


if __name__ == "__main__":
    main()
