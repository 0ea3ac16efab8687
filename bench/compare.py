"""Compare all models of the data set "digits" in one table, each measured through the real TorchServe.

    python -m bench.compare --data DIR [--models cnn lenet5 ...]

A model is what `make train DATASET=digits MODEL=...` left in runs/, and for "cnn" the committed weights, the
served ensemble. Each gets an archive and a server of its own, one after the other.
"""

import json
import statistics
import sys
import tempfile
import time
import timeit
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from bench.load import LoadError, load, require_wrk
from bench.pictures import pictures
from handler.frame import frame_of
from handler.model import NETWORK
from launch.errors import LaunchError
from launch.temporary import end_in_order_when_told, running
from training import names
from training.archive.build import build
from training.evaluation import figures, questions
from training.evaluation.ask import Server
from training.models import weights
from training.models.classical_recipes import RECIPES
from training.options import data_folder, parser_of

DATA_SET = "digits"
MODELS = (names.USUAL_ARCHITECTURE, "lenet5", "vit", *RECIPES)
WARM_UP_S, LOAD_S = 3.0, 5.0  # JVM and network become steady; long enough for a median
BUSY_CLIENTS = 64
# Pen-drawn pictures of each kind and renderer.
STROKES = 500
BATCH, ROUNDS, CALLS = 16, 30, 20  # of the network alone: frames a call, and measurements of so many calls


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
    """Run the command; the exit status is 1 where a trained model could not be measured."""
    parser = parser_of("bench.compare", __doc__)
    data_folder(parser)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    given = parser.parse_args(arguments)
    try:
        require_wrk()
    except LoadError as error:
        sys.exit(f"bench.compare: {error}")
    end_in_order_when_told()
    lines: list[Line] = []
    left_out: list[str] = []
    failed = False
    for model in given.models:
        file = trained_file(model, given.data)
        if not file.is_file():
            command = names.training_command(names.model_name(DATA_SET, given.data, model))
            left_out.append(f"Not trained: {model} (`{command}`).")
            continue
        try:
            lines.append(measured(model, file, given.data, STROKES))
        except (LaunchError, LoadError, OSError, ValueError) as error:
            left_out.append(f"Not measured: {model} ({' '.join(str(error).split())}).")
            failed = True
    print(table(lines, left_out))
    return 1 if failed else 0


def trained_file(model: str, data_dir: Path) -> Path:
    """Return where the file of a trained model is, or would be."""
    if model == names.USUAL_ARCHITECTURE:
        return weights.DEFAULT_WEIGHTS
    return names.trained_file(names.run_folder(DATA_SET, data_dir, model))


def measured(
    model: str, file: Path, data_dir: Path, strokes_of_each: int, mnist_count: int | None = None
) -> Line:
    """Build the model's archive, serve it, and return what was measured.

    Args:
        model: one of MODELS.
        file: what was trained.
        data_dir: the data sets' folder.
        strokes_of_each: pictures of each kind and renderer.
        mnist_count: how many of MNIST's test images; None: all.

    Raises:
        LaunchError: it cannot be served.
        LoadError: the server does not answer under load.
        OSError: the server does not answer, or the model or the pictures are not there.
        ValueError: the model's file is broken, or its archive does not pass its own check.
    """
    name = names.model_name(DATA_SET, data_dir, model)
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        built = build(file, name, Path(folder) / f"{name}.mar")
        network_us = _network_us(built)
        with running(Path(folder), built.name) as server:
            url = f"{server.inference_url}/predictions/{name}"
            asked = Server(url)
            asked.require_digits()
            mnist = asked.ask(questions.mnist(data_dir, mnist_count))
            held_out = questions.held_out(data_dir, strokes_of_each) if strokes_of_each else []
            strokes = [asked.ask(question) for question in questions.kinds(held_out)] if held_out else []
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


def table(lines: list[Line], left_out: list[str]) -> str:
    """Return the lines as a Markdown table, and below it what is not in it and why."""
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
    return "\n".join([*text, *(f"\n{words}" for words in left_out)])


def _network_us(built: Path) -> float:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # as the handler has it
    with zipfile.ZipFile(built) as mar:
        network = onnxruntime.InferenceSession(mar.read(NETWORK), options, providers=["CPUExecutionProvider"])
    # Drawings and not noise: how far a tree is walked down depends on the frame.
    frames = {"frames": np.stack([frame_of(picture) for picture in pictures(BATCH)])}
    network.run(None, frames)  # the first one allocates
    # Processor time and not the clock's: while another program has the core, nothing is counted.
    seconds = timeit.repeat(
        lambda: network.run(None, frames), timer=time.process_time, repeat=ROUNDS, number=CALLS
    )
    return statistics.median(seconds) / (CALLS * BATCH) * 1e6


def _made_of(file: Path) -> str:
    if file.suffix == ".safetensors":
        model, about = weights.load(file)
        return f"{about.architecture}, {sum(tensor.numel() for tensor in model.parameters()):,} parameters"
    return str(json.loads((file.parent / "metrics.json").read_text(encoding="utf-8"))["made_of"])


if __name__ == "__main__":
    sys.exit(main())
