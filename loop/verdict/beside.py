"""A TorchServe of the gate's own, beside the one that serves, with both versions.

`python -m launch.temporary` starts it, since launch/ is above loop/. The command that it runs says where the
servers answer, and waits until its standard input ends. So they end with whoever asks, however that one ends.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.errors import ChangeRefused, LoadFailed, Unreachable
from client.management import Management, path_of
from client.readiness import given_up_when_all_fail, wait_until_ready
from system.files import PROJECT
from training.archive.contents import read_archive

ADDRESSES = ("TORCHSERVE_INFERENCE_URL", "TORCHSERVE_MANAGEMENT_URL", "MANAGEMENT_TOKEN_FILE")
WAIT = (
    "import json, os, sys; "
    f"print(json.dumps([os.environ[key] for key in {ADDRESSES!r}]), flush=True); sys.stdin.read()"
)
CANDIDATE = "candidate.mar"
READY_S = 120.0


class NoServer(RuntimeError):  # noqa: N818 - what it is, as callers read it
    """TorchServe did not start; the message says why."""


@dataclass(frozen=True)
class TorchServe:
    """A running TorchServe.

    Attributes:
        inference_url: where it answers.
        management: how it is managed.
    """

    inference_url: str
    management: Management


@contextmanager
def running(champion: Path, candidate: Path) -> Iterator[TorchServe]:
    """Start a TorchServe that serves the champion and can be given the candidate; end it with the block.

    Args:
        champion: the archive that is served.
        candidate: the archive that may take its place; of the same model.

    Raises:
        NoServer: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        store = Path(folder)
        name = read_archive(champion).name
        shutil.copyfile(champion, store / f"{name}.mar")
        shutil.copyfile(candidate, store / CANDIDATE)
        environ = {
            **{key: value for key, value in os.environ.items() if key not in ("MODELS", *ADDRESSES)},
            "MODEL": name,
            "MODEL_STORE": folder,
        }
        log = store / "said.log"
        with log.open("w") as said, subprocess.Popen(
            [sys.executable, "-m", "launch.temporary", "--", sys.executable, "-c", WAIT],
            cwd=PROJECT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
            start_new_session=True,  # a Ctrl-C in the terminal is for this process
        ) as server:  # fmt: skip
            assert server.stdin is not None
            assert server.stdout is not None
            try:
                line = server.stdout.readline()
                if not line:
                    raise NoServer(log.read_text().strip()[-500:] or "TorchServe did not start")
                inference_url, management_url, token_file = json.loads(line)
                yield TorchServe(inference_url, Management(management_url, Path(token_file)))
            finally:
                server.stdin.close()
                server.wait()


def load_candidate(server: TorchServe, name: str, version: str) -> str:
    """Have the candidate loaded; return "" once its worker has read its golden pictures, or why it does not.

    Args:
        server: as `running` gives it.
        name: the model's.
        version: the candidate's.
    """
    path = path_of(name, version)
    try:
        server.management.register(CANDIDATE)
        wait_until_ready(server.management, path, READY_S, given_up_when_all_fail(set()))
    except (ChangeRefused, LoadFailed, Unreachable) as error:
        return str(error).rstrip(".")
    return ""
