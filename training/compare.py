"""One table of all models of the data set "digits", each measured through the real TorchServe.

    python -m training.compare --data DIR [--models cnn lenet5 ...] [--mnist N] [--strokes N]

A model is what `make train DATASET=digits MODEL=...` left in runs/, and for "cnn" the committed weights, the
served ensemble. Each gets an archive and a server of its own, one after the other; what was measured is kept
in var/compare, so that an interrupted table goes on, and only what has changed is measured again. Writes
compare.md and compare.json there.
"""

import argparse
import hashlib
import json
import os
import platform
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.load import LoadError, load
from bench.pictures import pictures
from handler.frame import frame_of
from handler.model import NETWORK
from launch.build import ingredients
from launch.errors import LaunchError
from launch.settings import PROJECT
from launch.temporary import end_in_order_when_told, running
from training import names
from training.archive.build import build
from training.evaluation import figures, questions
from training.evaluation.ask import Server
from training.fitting.settings import natural, positive
from training.forward_time import BATCH, ROUNDS, in_turns, session_of
from training.models import weights
from training.models.classical_recipes import RECIPES
from training.names import USUAL_ARCHITECTURE, model_name, run_folder, training_command

DATA_SET = "digits"
MODELS = (USUAL_ARCHITECTURE, "lenet5", "vit", *RECIPES)
OUT = Path("var/compare")
SERVER_SETTINGS = "config.properties"
WARM_UP_S, LOAD_S = 3.0, 5.0  # JVM and network become steady; long enough for a median
BUSY_CLIENTS = 64


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        model: as `make train` names it.
        made_of: how large it is, in its own words.
        archive_mb: the archive that TorchServe loads, in megabytes.
        mnist: the report's row for MNIST's test set.
        strokes: that for held-out writers' strokes, all kinds by both renderers; None where none were asked.
        network_us: microseconds of processor time a frame, in the network alone, a full batch on one core.
        p50_ms: half of one client's requests took no longer.
        requests_per_s: answered to BUSY_CLIENTS clients.
    """

    model: str
    made_of: str
    archive_mb: float
    mnist: figures.Row
    strokes: figures.Row | None
    network_us: float
    p50_ms: float
    requests_per_s: float


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status: 1 where a trained model could not be measured."""
    parser = argparse.ArgumentParser(
        prog="python -m training.compare", description=(__doc__ or "").split("\n")[0]
    )
    default_data = Path(os.environ.get("MNIST_DIR", "data"))
    parser.add_argument("--data", type=Path, default=default_data, help="the data sets' folder")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    parser.add_argument("--mnist", type=positive, help="only the first of MNIST's test images")
    parser.add_argument(
        "--strokes",
        type=natural,
        default=500,
        help="pictures of each kind and renderer (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, default=OUT, help="results' folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="measure again what is kept")
    given = parser.parse_args(arguments)
    end_in_order_when_told()
    given.out.mkdir(parents=True, exist_ok=True)
    lines: list[Line] = []
    untrained: dict[str, str] = {}
    failed: dict[str, str] = {}
    for model in given.models:
        try:
            file = trained_file(model, given.data)
            lines.append(kept(given, model, file) or keep(given, file, measured(given, model, file)))
        except Untrained as error:
            untrained[model] = str(error)
        except (LaunchError, LoadError, OSError, ValueError) as error:
            failed[model] = " ".join(str(error).split())
            print(f"compare: {model}: {failed[model]}", file=sys.stderr)
    text = table(lines, untrained, failed)
    found = {"lines": [asdict(line) for line in lines], "untrained": untrained, "failed": failed}
    _write(given.out / "compare.md", text)
    _write(given.out / "compare.json", json.dumps({**_asked(given), **found}, indent=2))
    print(text)
    return 1 if failed else 0


class Untrained(Exception):  # noqa: N818 - nothing went wrong
    """There is no model of this name yet; the message says how to make it."""


def trained_file(model: str, data_dir: Path) -> Path:
    """Give the file of a trained model.

    Raises:
        Untrained: there is none.
    """
    if model == USUAL_ARCHITECTURE:
        return weights.DEFAULT_WEIGHTS
    file = names.trained_file(run_folder(DATA_SET, data_dir, model))
    if not file.is_file():
        raise Untrained(training_command(model_name(DATA_SET, data_dir, model)))
    return file


def measured(given: argparse.Namespace, model: str, file: Path) -> Line:
    """Build the model's archive, serve it, and give what was measured.

    Raises:
        LaunchError: it cannot be served.
        LoadError: the server does not answer under load.
        OSError: the server does not answer, or the model or the pictures are not there.
        ValueError: the model's file is broken, or its archive does not pass its own check.
    """
    name = model_name(DATA_SET, given.data, model)
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        built = build(file, name, Path(folder) / f"{name}.mar")
        network_us = _network_us(built)
        with running(Path(folder), built.name) as server:
            url = f"{server.inference_url}/predictions/{name}"
            asked = Server(url)
            asked.require_digits()
            mnist = asked.ask(questions.mnist(given.data, given.mnist))
            strokes = []
            if given.strokes:
                held_out = questions.held_out(given.data, given.strokes)
                strokes = [asked.ask(question) for question in questions.kinds(held_out)]
            sketches = pictures()
            load(url, sketches, BUSY_CLIENTS, WARM_UP_S)
            return Line(
                model,
                _made_of(file),
                built.stat().st_size / 1e6,
                figures.row([mnist]),
                figures.row(strokes, "all kinds", "both") if strokes else None,
                network_us,
                load(url, sketches, 1, LOAD_S).p50_ms,
                load(url, sketches, BUSY_CLIENTS, LOAD_S).requests_per_s,
            )


def kept(given: argparse.Namespace, model: str, file: Path) -> Line | None:
    """Give the line that an earlier start left, if it was of this file, code and machine, asked the same."""
    path = given.out / f"{model}.json"
    if given.fresh or not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["of"] != _identity(given, file):
            return None
        line = found["line"]
        rows = {key: line[key] and figures.Row(**line[key]) for key in ("mnist", "strokes")}
        return Line(**{**line, **rows})
    except (ValueError, KeyError, TypeError):
        return None  # cut short or of another version: it is measured again


def keep(given: argparse.Namespace, file: Path, line: Line) -> Line:
    """Give the line, after it was written for a later start."""
    content = {"of": _identity(given, file), "line": asdict(line)}
    _write(given.out / f"{line.model}.json", json.dumps(content, indent=2))
    return line


def table(lines: list[Line], untrained: dict[str, str], failed: dict[str, str]) -> str:
    """Give the lines as a Markdown table, and below it what is not in it and why."""
    columns: dict[str, Callable[[Line], str]] = {
        "made of": lambda line: line.made_of,
        "archive, MB": lambda line: f"{line.archive_mb:.2f}",
        "MNIST test": lambda line: f"{line.mnist.accuracy:.2%}",
        "ECE": lambda line: f"{line.mnist.ece:.4f}",
        "held-out strokes": lambda line: f"{line.strokes.accuracy:.2%}" if line.strokes else "-",
        "their ECE": lambda line: f"{line.strokes.ece:.4f}" if line.strokes else "-",
        "network, µs a frame": lambda line: f"{line.network_us:.0f}",
        "one client, p50 ms": lambda line: f"{line.p50_ms:.1f}",
        f"requests/s, {BUSY_CLIENTS} clients": lambda line: f"{line.requests_per_s:,.0f}",
    }
    text = [f"| model | {' | '.join(columns)} |", f"|---|---|{'--:|' * (len(columns) - 1)}"]
    text += [f"| {line.model} | {' | '.join(cell(line) for cell in columns.values())} |" for line in lines]
    if lines:
        strokes = f" and {lines[0].strokes.pictures:,} stroke pictures" if lines[0].strokes else ""
        text += ["", f"{lines[0].mnist.pictures:,} MNIST test images{strokes} each, through the server."]
    text += [f"\nNot trained: {model} (`{command}`)." for model, command in untrained.items()]
    text += [f"\nNot measured: {model} ({words})." for model, words in failed.items()]
    return "\n".join(text)


def _network_us(built: Path) -> float:
    with zipfile.ZipFile(built) as mar, tempfile.TemporaryDirectory() as folder:
        session = session_of(Path(mar.extract(NETWORK, folder)))
    # Drawings and not noise: how far a tree is walked down depends on the frame.
    frames = np.stack([frame_of(picture) for picture in pictures(BATCH)])
    cost = in_turns({"network": lambda: session.run(None, {"frames": frames})}, ROUNDS)["network"]
    return cost.median / BATCH


def _made_of(file: Path) -> str:
    if file.suffix == ".safetensors":
        model, about = weights.load(file)
        return f"{about.architecture}, {sum(tensor.numel() for tensor in model.parameters()):,} parameters"
    return str(json.loads((file.parent / "metrics.json").read_text(encoding="utf-8"))["made_of"])


def _asked(given: argparse.Namespace) -> dict[str, Any]:
    return {"mnist": given.mnist, "strokes": given.strokes}


def _identity(given: argparse.Namespace, file: Path) -> dict[str, Any]:
    """Give what a kept line must agree with: all that the archive is made of, server, machine, questions."""
    digest = hashlib.sha256()
    for path in (*sorted(ingredients(file)), PROJECT / SERVER_SETTINGS):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return {"made_of": digest.hexdigest(), "machine": platform.node(), **_asked(given)}


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
