"""The archive of a network that somebody brings, and what is said of it."""

import argparse
import shlex
from pathlib import Path

from system.memory import available_bytes
from training.archive.build import build
from training.archive.contents import Worker, worker_of
from training.data.looking import framing_name
from training.names import own_name
from training.own import timing
from training.own.bring import ONNX, Own, bring

MB = 1e6
STORE = Path("model_store")
USUAL_VERSION = "1.0.0"


def build_own(given: argparse.Namespace) -> Path:
    """Build the archive and the model file that it is built from; say what it costs; return its path.

    `make -B archive MODEL=NAME` builds it again from that file.

    Args:
        given: what the command was given, as `training.archive.__main__` has it.

    Raises:
        OSError, ValueError: it cannot be built.
    """
    name = own_name(given.network, given.name)
    path = given.out or STORE / f"{name}.mar"
    own = Own(
        given.network,
        given.weights,
        given.labels,
        given.validation,
        framing_name(given.framing) if given.framing else None,
        given.version or USUAL_VERSION,
    )
    file = path.with_suffix(ONNX)
    if file.resolve() == Path(given.network).resolve():
        raise ValueError(
            f"--network {given.network} would be overwritten: move it elsewhere, or give another --name."
        )
    times = bring(own, file, _say)
    build(file, name, path)
    rebuild = _rebuild(name, file, path)
    _say(f"{path} ({_size(path)}), which `{rebuild}` rebuilds from {file} ({_size(file)})")
    _say(timing.in_words(times))
    worker = worker_of(path)
    assert worker is not None, "it was just written"
    free = available_bytes()
    _say(_memory(worker, free))
    guess = timing.suggested(times, worker.own_bytes, worker.shared_bytes, free)
    _say(f"settings to start with in handler/model-config.yaml: {guess}; then run `{rebuild}`")
    return path


def _rebuild(name: str, file: Path, path: Path) -> str:
    """Return the command that builds an archive again; make's knows those in the model store."""
    if path.resolve() == (STORE / f"{name}.mar").resolve():
        return f"make -B archive MODEL={name}"
    words = ("--weights", str(file), "--name", name, "--out", str(path))
    return f".venv/bin/python -m training.archive {shlex.join(words)}"


def _memory(worker: Worker, free_bytes: int) -> str:
    takes = worker.count * worker.own_bytes + worker.shared_bytes
    words = (
        f"memory: {worker.own_bytes / MB:,.0f} MB a worker, with batches of {worker.batch}, and "
        f"{worker.shared_bytes / MB:,.0f} MB shared by all: {takes / MB:,.0f} MB for {worker.count}; "
        f"{free_bytes / MB:,.0f} MB are free"
    )
    return words if takes <= free_bytes else f"{words}, so TorchServe would not start with it"


def _size(path: Path) -> str:
    return f"{path.stat().st_size / MB:.1f} MB"


def _say(line: str) -> None:
    print(line, flush=True)
