"""Measure a running server: MNIST's test set and held-out writers' strokes, one request a picture.

    python -m training.evaluate --data DIR [--url http://127.0.0.1:8080/predictions/digits]

Pictures go through HTTP, TorchServe and the archive's own handler: the figures are those of what is served.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import requests
from tqdm import tqdm

from training.data import mnist_images
from training.measure import expected_calibration_error
from training.paint import KINDS
from training.rendered import writers
from training.strokes import FILE

CLIENTS = 16  # at a time, so that the server's batches fill
TIMEOUT_S = 30
# Pictures are drawn from this seed, so that two evaluations see the same ones.
SEED = 2024


@dataclass(frozen=True)
class Row:
    """One line of the report.

    Attributes:
        kind: what was sent.
        pictures: how many.
        accuracy: share answered with the true label, 0..1; a refused picture counts as wrong.
        ece: expected calibration error of the answers, 0..1.
        refused: how many came back as bad images.
    """

    kind: str
    pictures: int
    accuracy: float
    ece: float
    refused: int


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description=(__doc__ or "").split("\n")[0]
    )
    server = os.environ.get("TORCHSERVE_INFERENCE_URL", "http://127.0.0.1:8080")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MNIST_DIR", "data")))
    parser.add_argument("--url", default=f"{server}/predictions/{os.environ.get('MODEL', 'digits')}")
    parser.add_argument(
        "--strokes", type=int, default=500, help="pictures of each kind of stroke drawing (0: none)"
    )
    parser.add_argument("--out", type=Path, default=Path("var/evaluation.json"))
    given = parser.parse_args(arguments)
    try:
        rows, model = evaluate(given.url, given.data, given.strokes)
    except (FileNotFoundError, requests.RequestException, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    print(table(rows))
    print(f"model {model['model']} {model['version']}, preprocessing {model['preprocessing']}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    report = {"model": model, "rows": [asdict(row) for row in rows]}
    given.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def evaluate(url: str, data_dir: Path, strokes_of_each: int) -> tuple[list[Row], dict[str, str]]:
    """Give the report's rows, and which model answered.

    Raises:
        FileNotFoundError: MNIST is not there and cannot be downloaded.
        requests.RequestException: no server answers at the URL.
        ValueError: the server answers something else than predictions.
    """
    images, labels = mnist_images(data_dir, train=False)
    pictures = (cv2.imencode(".png", image)[1].tobytes() for image in images)
    rows = []
    row, model = _row("MNIST test set", url, pictures, labels)
    rows.append(row)
    if not strokes_of_each:
        return rows, model
    if not (data_dir / FILE).exists():
        print(f"{data_dir / FILE} is not there: strokes are left out.", file=sys.stderr)
        return rows, model
    held_out = writers(data_dir)["report"]
    chosen = np.random.default_rng(SEED).permutation(len(held_out))[:strokes_of_each]
    digits = [held_out[index] for index in chosen]
    truth = np.array([drawn.label for drawn in digits])
    for name, paint in KINDS.items():
        pictures = (
            paint(drawn, np.random.default_rng(SEED + index)).encoded() for index, drawn in enumerate(digits)
        )
        rows.append(_row(f"strokes: {name.replace('_', ' ')}", url, pictures, truth)[0])
    return rows, model


def table(rows: list[Row]) -> str:
    """Give the rows as a Markdown table."""
    lines = ["| pictures | number | correct | ECE | refused |", "|---|--:|--:|--:|--:|"]
    lines += [
        f"| {row.kind} | {row.pictures:,} | {row.accuracy:.2%} | {row.ece:.4f} | {row.refused} |"
        for row in rows
    ]
    return "\n".join(lines)


def _row(kind: str, url: str, pictures: Iterable[bytes], labels: np.ndarray) -> tuple[Row, dict[str, str]]:
    """Give a row of the report, and the model that answered."""
    with requests.Session() as session, ThreadPoolExecutor(CLIENTS) as pool:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=CLIENTS))
        found = pool.map(partial(_answer, session, url), pictures)
        answers = list(tqdm(found, total=len(labels), desc=kind, unit="picture", leave=False, disable=None))
    read = [(answer, label) for answer, label in zip(answers, labels, strict=True) if "label" in answer]
    if not read:
        raise ValueError(f"{url} read none of {len(answers)} pictures; the first answer: {answers[0]}")
    names = list(read[0][0]["probabilities"])
    truth = np.array([names.index(str(label)) for _, label in read])
    probabilities = np.array([[answer["probabilities"][name] for name in names] for answer, _ in read])
    correct = int((probabilities.argmax(axis=1) == truth).sum())
    ece = expected_calibration_error(probabilities, truth)
    row = Row(kind, len(answers), correct / len(answers), ece, len(answers) - len(read))
    return row, {key: read[0][0][key] for key in ("model", "version", "preprocessing")}


def _answer(session: requests.Session, url: str, picture: bytes) -> dict[str, Any]:
    """Give the JSON of one answer, a prediction or a refusal.

    Raises:
        requests.RequestException: the server failed or is not there.
    """
    response = session.post(url, data=picture, timeout=TIMEOUT_S)
    if response.status_code != requests.codes.bad_request:
        response.raise_for_status()
    return response.json()


if __name__ == "__main__":
    sys.exit(main())
