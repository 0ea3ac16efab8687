"""Measure a running server: MNIST's test set and held-out writers' strokes, one request a picture.

    python -m training.evaluate --data DIR [--url http://127.0.0.1:8080/predictions/digits]

Pictures go through HTTP, TorchServe and the archive's own handler: the figures are those of what is served.
Prints a table and writes var/report: index.html, evaluation.json and model_card.md.
"""

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import requests

from launch.archive import Archive, read_archive
from launch.errors import LaunchError
from training.evaluation import outliers, questions
from training.evaluation.ask import Question, Server
from training.evaluation.figures import Row
from training.evaluation.findings import Findings, find
from training.evaluation.markdown import model_card, outlier_table, table
from training.evaluation.page import page

USUAL_MODEL = "digits"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description=(__doc__ or "").split("\n")[0]
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


def evaluate(url: str, data_dir: Path, strokes_of_each: int) -> tuple[list[Row], dict[str, str]]:
    """Give the report's rows, MNIST's first, and which model answered.

    Raises:
        FileNotFoundError: MNIST is not there and cannot be downloaded.
        requests.RequestException: no server answers at the URL.
        ValueError: the server answers something else than predictions of digits.
    """
    found = measure(Server(url), data_dir, strokes_of_each)
    return found.rows, found.model


def everything(data_dir: Path, strokes_of_each: int, mnist_count: int | None = None) -> Iterable[Question]:
    """Give all that a report asks; without strokes or their file, MNIST alone.

    Raises:
        FileNotFoundError: MNIST is not there and cannot be downloaded.
    """
    asked: Iterable[Question] = [questions.mnist(data_dir, mnist_count)]
    if not strokes_of_each:
        return asked
    try:
        digits = questions.held_out(data_dir, strokes_of_each)
    except FileNotFoundError as error:
        print(f"{error} Strokes are left out.", file=sys.stderr)
        return asked
    # A share moves less from sheet to sheet of the same digit than from digit to digit: fewer are enough.
    some = digits[: max(1, strokes_of_each * 2 // 5)]
    return chain(
        asked,
        questions.kinds(digits),
        questions.resolutions(some),
        questions.changed(some),
        outliers.questions(outliers.material(data_dir), len(some)),
    )


def measure(server: Server, data_dir: Path, strokes_of_each: int, mnist_count: int | None = None) -> Findings:
    """Give what the server's answers to all that a report asks amount to.

    Raises:
        FileNotFoundError: MNIST is not there and cannot be downloaded.
        requests.RequestException: the server failed or is not there.
        ValueError: it answers something else than predictions of digits, or its model changed meanwhile.
    """
    server.require_digits()  # before thousands of pictures are sent, or downloaded
    asked = everything(data_dir, strokes_of_each, mnist_count)
    return find([server.ask(question) for question in asked])


def archive_of(model: dict[str, str], path: Path) -> Archive:
    """Give what the archive of the model that answered says; where this file is another's, what is known."""
    known = Archive(model["model"], model["version"])
    try:
        found = read_archive(path)
    except LaunchError as error:
        why = error.cause
    else:
        if (found.name, found.version) == (known.name, known.version):
            return found
        why = f"{path} holds {found.name} {found.version}"
    print(
        f"evaluate: what {known.name} {known.version} was trained on is not known ({why}): name its archive "
        "with --archive.",
        file=sys.stderr,
    )
    return known


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
