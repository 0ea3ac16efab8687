"""From a trained file to the archive that TorchServe loads: network, gate, handler, labels, golden files."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import nn

from handler.fingerprint import preprocessing_fingerprint
from handler.framings import frame_shape
from handler.model import BrokenArchive, Model
from system.environment import PYTHON, passed
from system.files import sha256, written_aside
from training.archive import cost, golden
from training.archive.contents import within_project
from training.gate import network as gate
from training.models import weights
from training.models.classical_file import load_classical
from training.models.known import Known
from training.models.networks import Served
from training.models.onnx_program import program_of
from training.names import GATED

HANDLER_FOLDER = Path("handler")
# The archiver takes the network by itself and everything else as a folder.
NETWORK_FROM_EXTRA = "../network.onnx"


def build(trained: Path, name: str, out: Path, version: str | None = None) -> Path:
    """Return the path of the archive built from a network's weights, or from a classical model's ONNX file.

    A server that reads `out` meanwhile sees the old archive or the new one, never half of it.

    Raises:
        FileNotFoundError: the trained file is missing.
        OSError: the archive cannot be written.
        ValueError: the trained file is broken, or the archive's own preprocessing or the archiver failed.
    """
    out.parent.mkdir(parents=True, exist_ok=True)  # before half a minute's work finds that it cannot be kept
    with tempfile.TemporaryDirectory(prefix="archive-") as folder:
        staged = Path(folder)
        extra = staged / "extra"
        about = _write_network(trained, staged / "network.onnx")
        now = preprocessing_fingerprint(HANDLER_FOLDER, about.framing)
        _warn_of_another(trained, about.preprocessing, now)
        copy_sources(HANDLER_FOLDER, extra / "handler")
        labels = {str(index): label for index, label in enumerate(about.label_names)}
        (extra / "index_to_name.json").write_text(json.dumps(labels), encoding="utf-8")
        threshold = _add_gate(extra, now) if about.data_set in GATED else None
        facts = {
            "framing": about.framing,
            "coverage": about.coverage,
            "set_threshold": about.set_threshold,
            "digit_threshold": threshold,
            **({} if about.known_threshold is None else {"known_threshold": about.known_threshold}),
            "data_set": about.data_set,
            "reference": about.reference and asdict(about.reference),
            "trained_file": within_project(trained),
            "trained_sha256": sha256(trained),
        }
        (extra / "model.json").write_text(json.dumps(facts), encoding="utf-8")
        try:
            golden.write(extra, Model(extra, NETWORK_FROM_EXTRA, name))
        except BrokenArchive as error:
            raise ValueError(
                f"{name} cannot be built from {trained}. {error.cause}: train it again."
            ) from None
        # The golden pictures have compiled nearly all of it, and it need not be compiled again.
        copy_machine_code(HANDLER_FOLDER, extra / "handler")
        settings = HANDLER_FOLDER / "model-config.yaml"
        cost.note(cost.checked(extra, NETWORK_FROM_EXTRA, name, settings), extra / "model.json")
        # Each is marked with a hash of its source and with the CPU that it is for; a worker on another one
        # compiles anew, which takes some seconds.
        machine_code = sorted(extra.rglob("*.nb?"))
        _archive(staged, name, version or about.version)
        # The archiver leaves every __pycache__ out, which is where they belong.
        with zipfile.ZipFile(staged / f"{name}.mar", "a", zipfile.ZIP_DEFLATED) as mar:
            for file in machine_code:
                mar.write(file, file.relative_to(extra))
        # Copied: a rename does not reach from the temporary folder to another file system.
        with written_aside(out) as draft:
            shutil.copyfile(staged / f"{name}.mar", draft)
    return out


def copy_sources(folder: Path, into: Path) -> None:
    """Copy a folder's sources without their times: images and package stores have 1970, which no ZIP has."""
    left_out = shutil.ignore_patterns("__pycache__", "*.pyi")
    shutil.copytree(folder, into, ignore=left_out, copy_function=shutil.copy)


def copy_machine_code(folder: Path, into: Path) -> None:
    """Copy what numba has compiled of a folder's functions, and not of those that were there once.

    Its index says of what source each is: what does not fit is compiled anew.

    Args:
        folder: with Python files, and what was compiled of them in `__pycache__`.
        into: where the same files are, too.
    """
    kept = into / "__pycache__"
    kept.mkdir(exist_ok=True)
    for file in folder.glob("*.py"):
        for one in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(one, ast.FunctionDef) and one.decorator_list:
                name = f"{file.stem}.{one.name}-{one.decorator_list[0].lineno}"
                for part in (folder / "__pycache__").glob(f"{name}.*.nb?"):
                    shutil.copy(part, kept)


def _write_network(trained: Path, path: Path) -> weights.About:
    """Write what is to be served of a trained file as ONNX; return what the file says of itself."""
    if trained.suffix == ".onnx":
        network, about = load_classical(trained)
        path.write_bytes(network)
    else:
        model, about = weights.load(trained)
        bank = None if about.known_threshold is None else weights.bank_of(trained)
        if bank is None:
            export(Served(model, about.temperature).eval(), path, framing=about.framing)
            return replace(about, known_threshold=None)
        known = Known(model, about.temperature, bank).eval()
        export(known, path, ("probabilities", "known_score"), about.framing)
    return about


def _add_gate(folder: Path, preprocessing: str) -> float:
    """Export the committed gate into an archive's folder; return its threshold."""
    network, about = gate.load(gate.DEFAULT_GATE)
    _warn_of_another(gate.DEFAULT_GATE, about.preprocessing, preprocessing)
    export(network, folder / "gate.onnx", ("digit_score",))
    return about.threshold


def _warn_of_another(trained: Path, then: str, now: str) -> None:
    """Say that a file was trained on frames of other preprocessing than the archive's, if it was."""
    if then != now:
        print(
            f"archive: {trained} was trained with preprocessing {then}, but handler/ has {now}: run `make "
            "evaluate` before you serve it.",
            file=sys.stderr,
        )


def export(
    model: nn.Module, path: Path, outputs: Sequence[str] = ("probabilities",), framing: str = "ink"
) -> None:
    """Write a network as ONNX: input "frames", uint8 (batch, *frame_shape); outputs by name, float32."""
    example = torch.zeros((2, *frame_shape(framing)), dtype=torch.uint8)
    program_of(model, "frames", example, outputs, {0: torch.export.Dim("batch")}).save(str(path))


def _archive(staged: Path, name: str, version: str) -> None:
    """Run torch-model-archiver on the staged files; the archive lies in the same folder afterwards."""
    command: list[str | Path] = [
        *(sys.executable, "-m", "model_archiver.model_packaging"),
        *("--model-name", name, "--version", version),
        *("--serialized-file", staged / "network.onnx"),
        *("--handler", HANDLER_FOLDER / "digit_handler.py"),
        *("--config-file", HANDLER_FOLDER / "model-config.yaml"),
        *("--extra-files", staged / "extra"),
        *("--export-path", staged),
    ]
    # It collects its files in $TMPDIR/NAME and deletes what is there, so it gets a folder of its own.
    scratch = staged / "scratch"
    scratch.mkdir()
    environment = {**passed(os.environ, *PYTHON), "TMPDIR": str(scratch)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0 or not (staged / f"{name}.mar").exists():
        raise ValueError(f"torch-model-archiver failed: {(done.stderr or done.stdout).strip()[-500:]}")
