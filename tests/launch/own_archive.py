"""An archive of the tests' own for a real TorchServe: it answers with its version and its environment."""

import subprocess
import sys
from pathlib import Path

import requests

from launch.temporary import TorchServe

HANDLER = """
import os
import sys


class Echo:
    def initialize(self, context):
        self.version = context.manifest["model"]["modelVersion"]
        print("a line on stderr", file=sys.stderr, flush=True)

    def handle(self, requests, context):
        told = {"variables": " ".join(os.environ), "path": " ".join(sys.path)}
        return [{"label": self.version, **told} for _ in requests]
"""
MODEL_CONFIG = "minWorkers: 1\nmaxWorkers: 2\nbatchSize: 4\nmaxBatchDelay: 1\n"


def build(store: Path, file: str, version: str, handler: str = HANDLER) -> None:
    """Build `<store>/<file>` with torch-model-archiver."""
    source = store / f"source-{file}"
    source.mkdir(parents=True)
    (source / "handler.py").write_text(handler)
    (source / "model-config.yaml").write_text(MODEL_CONFIG)
    command = [
        *(str(Path(sys.executable).parent / "torch-model-archiver"), "--model-name", "digits"),
        *("--version", version, "--handler", "handler.py", "--config-file", "model-config.yaml"),
        *("--export-path", str(source)),
    ]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (source / "digits.mar").rename(store / file)


def predict(server: TorchServe, model: str = "digits", body: bytes = b"ink") -> dict[str, str]:
    answer = requests.post(f"{server.inference_url}/predictions/{model}", data=body, timeout=30)
    assert answer.status_code == 200, answer.text
    result: dict[str, str] = answer.json()
    return result
