"""TorchServe as it comes: its own start command, its default settings, logs and number of workers."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.baseline import archive
from bench.findings import BASELINE
from bench.serving import Server, serving
from launch.java import find_java
from system.files import PROJECT
from system.ports import free_ports

# What it needs to answer beside another TorchServe, and without a token; everything else is its default.
SETTINGS = """\
inference_address=http://127.0.0.1:{0}
management_address=http://127.0.0.1:{1}
metrics_address=http://127.0.0.1:{2}
grpc_inference_port={3}
grpc_management_port={4}
disable_token_authorization=true
"""


@contextmanager
def running(folder: Path, picture: bytes) -> Iterator[Server]:
    """Yield the baseline while it runs.

    Args:
        folder: an empty folder for its archive, settings, logs and sockets.
        picture: an image file that it is asked until it answers.

    Raises:
        LaunchError: it did not come up.
    """
    built = archive.build(folder)
    ports = free_ports(5)
    settings = folder / "config.properties"
    settings.write_text(SETTINGS.format(*ports), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "ts.model_server", "--start", "--foreground", "--ncs"),
        *("--ts-config", str(settings), "--model-store", str(folder), "--models", built.name),
    ]
    environ = {
        # Its start command looks for java in JAVA_HOME; workers import the network's class from the project.
        "JAVA_HOME": str(find_java().path.parent.parent),
        "PYTHONPATH": str(PROJECT),
        "TMPDIR": str(folder),
        "TEMP": str(folder),
        "LOG_LOCATION": str(folder / "logs"),
        "METRICS_LOCATION": str(folder / "logs"),
    }
    url = f"http://127.0.0.1:{ports[0]}/predictions/{archive.NAME}"
    with serving(BASELINE, command, url, picture, folder / "console.log", environ) as server:
        yield server
