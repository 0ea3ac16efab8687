"""Measure a running server: MNIST's test set and held-out writers' strokes, one request a picture.

    python -m training.evaluation --data DIR [--url http://127.0.0.1:8080/predictions/digits]

Pictures go through HTTP, TorchServe and the archive's own handler: the figures are those of what is served.
Prints a table and writes var/report: index.html, evaluation.json and model_card.md.
"""

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path

import requests

from training.evaluation.ask import Server
from training.evaluation.evaluate import archive_of, measure
from training.evaluation.markdown import model_card, outlier_table, table
from training.evaluation.page import page

USUAL_MODEL = "digits"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluation", description=(__doc__ or "").split("\n")[0]
    )
    root = os.environ.get("TORCHSERVE_INFERENCE_URL", "http://127.0.0.1:8080")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MNIST_DIR", "data")))
    served, store = os.environ.get("MODEL") or USUAL_MODEL, os.environ.get("MODEL_STORE") or "model_store"
    parser.add_argument("--url", default=f"{root}/predictions/{served}")
    parser.add_argument(
        "--archive", type=Path, default=Path(store, f"{served}.mar"),
        help="what is served there, which says what it was trained on (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--strokes", type=_count, default=500,
        help="pictures of each kind of stroke drawing and renderer (0: no strokes)",
    )  # fmt: skip
    parser.add_argument("--mnist", type=_count, help="only the first of MNIST's test images")
    parser.add_argument("--out", type=Path, default=Path("var/report"), help="the folder of the report")
    given = parser.parse_args(arguments)
    data = f"DATA={shlex.quote(str(given.data))}"
    command = f"make evaluate {data}" if served == USUAL_MODEL else f"make evaluate MODEL={served} {data}"
    differing = [f"--{name} {getattr(given, name)}" for name in ("strokes", "mnist")
                 if getattr(given, name) != parser.get_default(name)]  # fmt: skip
    command += f' ARGS="{" ".join(differing)}"' if differing else ""
    server = Server(given.url)
    started = time.monotonic()
    try:
        found = measure(server, given.data, given.strokes, given.mnist)
        archive = archive_of(found.model, given.archive)
        html = page(found, command, server.frame, time.strftime("%Y-%m-%d %H:%M"), archive.coverage)
    except (FileNotFoundError, requests.RequestException, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    given.out.mkdir(parents=True, exist_ok=True)
    report = {"command": command, "data_set": archive.data_set, **found.as_json()}
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


def _count(text: str) -> int:
    """Give a whole number of pictures.

    Raises:
        argparse.ArgumentTypeError: it is none, or negative.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of pictures: expected 0 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
