"""Measure how often a running server is right, on MNIST's test set and on strokes of held-out writers.

    python -m training.evaluation --data DIR [--url http://127.0.0.1:8080/predictions/digits]

Pictures go through HTTP, TorchServe and the archive's own handler: the figures are those of what is served.
Prints a table and writes var/report: index.html, evaluation.json and model_card.md.
"""

import json
import os
import shlex
import sys
import time
from pathlib import Path

import requests

from training.evaluation.ask import Server
from training.evaluation.evaluate import archive_of, measure
from training.evaluation.findings import plain
from training.evaluation.markdown import model_card, table
from training.evaluation.page import page
from training.gate.rejection import outlier_table
from training.options import data_folder, natural, parser_of

USUAL_MODEL = "digits"


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    parser = parser_of("training.evaluation", __doc__)
    root = os.environ.get("TORCHSERVE_INFERENCE_URL") or "http://127.0.0.1:8080"
    served, store = os.environ.get("MODEL") or USUAL_MODEL, os.environ.get("MODEL_STORE") or "model_store"
    data_folder(parser)
    parser.add_argument("--url", default=f"{root}/predictions/{served}")
    parser.add_argument(
        "--strokes", type=natural, default=500,
        help="pen-drawn pictures of each kind and renderer (0: none)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("var/report"), help="the folder of the report")
    given = parser.parse_args(arguments)
    data = f"DATA={shlex.quote(str(given.data))}"
    command = f"make evaluate {data}" if served == USUAL_MODEL else f"make evaluate MODEL={served} {data}"
    if given.strokes != parser.get_default("strokes"):
        command += f' ARGS="--strokes {given.strokes}"'
    server = Server(given.url)
    started = time.monotonic()
    try:
        found = measure(server, given.data, given.strokes)
        archive = archive_of(found.model, Path(store, f"{served}.mar"))
        html = page(found, command, server.frame, time.strftime("%Y-%m-%d %H:%M"), archive.coverage)
    except (FileNotFoundError, requests.RequestException, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    given.out.mkdir(parents=True, exist_ok=True)
    report = {"command": command, "data_set": archive.data_set, **plain(found)}
    # The card goes along with the weights, the folder of the data does not.
    anywhere = command.replace(data, "DATA=<folder>", 1)
    for name, text in (
        ("index.html", html),
        ("evaluation.json", json.dumps(report, indent=2) + "\n"),
        ("model_card.md", model_card(found, anywhere, archive)),
    ):
        (given.out / name).write_text(text, encoding="utf-8")
    print(table(found.rows + found.together))
    if found.rejections:
        print(f"\n{outlier_table(found.rejections)}")
    model = found.model
    print(f"\nmodel {model['model']} {model['version']}, preprocessing {model['preprocessing']}")
    print(f"the page: {given.out / 'index.html'} ({time.monotonic() - started:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
