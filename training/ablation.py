"""What each preprocessing step is worth: the committed weights, with one step switched off at a time.

    python -m training.ablation --data DIR

In process, without a server. The network is not trained again for each line: it shows what serving would lose
without the step, and a network that was trained without it might lose less.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import torch
from tqdm import tqdm

from handler import even_sheet, frame, ink, paper
from handler.bad_image import BadImage
from handler.decode import decode
from handler.even_sheet import _find_sheet as find_sheet  # the one that is not switched off
from handler.fingerprint import preprocessing_fingerprint
from handler.paper import Paper
from training.data.sets import mnist_images
from training.evaluation.questions import SEED, held_out
from training.evaluation.renderers import RENDERERS
from training.models import weights
from training.models.networks import Served

KINDS = ("plain", "transparent", "photo", "strong_jpeg")
SPECKS = "with specks"
# Specks of dust: how many, and their radius as a share of the picture's side.
SPECK_COUNT, SPECK_RADIUS = 6, 0.006


def constant_paper(pixels: np.ndarray) -> Paper:
    """Give a sheet of one colour, the median of the border: no map of the light."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    away = pixels - np.median(border, axis=0).astype(np.float32)
    distance = np.linalg.norm(away, axis=-1)
    sheet = (pixels - away)[:1, :1]
    return Paper(sheet, sheet, np.einsum("yx,yxc->c", distance**3, away), float(np.median(distance)))


def one_strength(distance: np.ndarray) -> np.ndarray:
    """Give one strength for the whole drawing: the mean of the ink weighted by its own square."""
    mean = float((distance**3).sum() / max(float((distance**2).sum()), 1e-12))
    return np.full_like(distance, mean)


def whole_picture(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Give the box of the whole picture, wherever its ink lies."""
    return 0, mask.shape[0], 0, mask.shape[1]


def whole_sheet(packed: np.ndarray) -> tuple[int, ...]:
    """Give an even sheet's colour, and the box of the whole picture."""
    return find_sheet(packed)[0], *whole_picture(packed)


def middle_of_box(box: np.ndarray) -> tuple[int, int]:
    """Give the start that puts the middle of the box, not its mass, into the frame's middle."""
    height, width = box.shape
    return (frame.FRAME_PX - height) // 2, (frame.FRAME_PX - width) // 2


def on_white(payload: bytes) -> np.ndarray:
    """Give the decoded picture laid on white: what is left when alpha is thrown away first."""
    pixels = decode(payload).astype(np.uint16)
    alpha = pixels[..., 3:]
    opaque = np.full_like(alpha, 255)
    return np.dstack([(pixels[..., :3] * alpha + 255 * (255 - alpha)) // 255, opaque]).astype(np.uint8)


# What takes a step's place: (module, name, replacement) each.
STEPS: dict[str, list[tuple[Any, str, Any]]] = {
    "all steps": [],
    "light map (one colour of paper instead)": [(paper, "find_paper", constant_paper)],
    "noise floor (none)": [(ink, "FLOOR_PER_MEDIAN", 0.0)],
    "speck removal (none)": [(ink, "SPECK_SHARE", 0.0), (even_sheet, "SPECK_SHARE", 0.0)],
    "local strength (one for the drawing)": [(ink, "_strength", one_strength)],
    "ink box of 20 px (whole picture to 28 px)": [
        (ink, "_box", whole_picture),
        (even_sheet, "_box", whole_picture),
        (even_sheet, "_find_sheet", whole_sheet),
        (frame, "BOX_PX", frame.FRAME_PX),
    ],
    "centre of mass (middle of the box)": [(frame, "_start", middle_of_box)],
    "distance in alpha (laid on white first)": [(frame, "decode", on_white)],
}


@contextmanager
def without(step: str) -> Iterator[None]:
    """Switch one step of the preprocessing off, and on again at the end, whatever happens."""
    with ExitStack() as stack:
        for module, name, replacement in STEPS[step]:
            stack.enter_context(patch.object(module, name, replacement))
        yield


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.ablation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MNIST_DIR", "data")))
    parser.add_argument("--weights", type=Path, default=weights.DEFAULT_WEIGHTS)
    parser.add_argument("--mnist", type=int, default=2000, help="how many of MNIST's test images")
    parser.add_argument("--strokes", type=int, default=250, help="digits, each drawn by both renderers")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        model, about = weights.load(given.weights)
        pictures = make_pictures(given.data, given.mnist, given.strokes)
    except (FileNotFoundError, ValueError) as error:
        print(f"ablation: {error}", file=sys.stderr)
        return 1
    network = Served(model, about.temperature).eval()
    steps = tqdm(STEPS, desc="switching off", unit="step", disable=None)
    print(table({step: accuracies(network, pictures, step) for step in steps}))
    sizes = ", ".join(f"{kind} {len(truth):,}" for kind, (_, truth) in pictures.items())
    print(f"\nmodel {about.version}, preprocessing {preprocessing_fingerprint()}; pictures: {sizes}")
    return 0


def make_pictures(data_dir: Path, mnist: int, strokes: int) -> dict[str, tuple[list[bytes], np.ndarray]]:
    """Give image files with their labels by kind; strokes are by held-out writers, drawn by both renderers.

    Raises:
        FileNotFoundError: MNIST or the strokes are not under data_dir.
    """
    images, labels = mnist_images(data_dir, train=False)
    found = {
        "MNIST": ([cv2.imencode(".png", image)[1].tobytes() for image in images[:mnist]], labels[:mnist])
    }
    digits = held_out(data_dir, strokes)
    truth = np.array([drawn.label for drawn in digits] * len(RENDERERS))
    for kind in KINDS:
        files = [
            renderer.kinds[kind](drawn, np.random.default_rng(SEED + index))
            for renderer in RENDERERS
            for index, drawn in enumerate(digits)
        ]
        found[kind.replace("_", " ")] = (files, truth)
    plain, _ = found["plain"]
    found[SPECKS] = (
        [specked(file, np.random.default_rng(SEED + index)) for index, file in enumerate(plain)],
        truth,
    )
    return found


def specked(file: bytes, random: np.random.Generator) -> bytes:
    """Give the picture, black on white, with specks of dust scattered over it, as a PNG."""
    image = np.asarray(cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_GRAYSCALE)).copy()
    height, width = image.shape
    for x, y in random.random((SPECK_COUNT, 2)):
        radius = max(1, round(SPECK_RADIUS * max(image.shape)))
        cv2.circle(image, (int(x * width), int(y * height)), radius, 0, cv2.FILLED, cv2.LINE_AA)
    return cv2.imencode(".png", image)[1].tobytes()


def accuracies(
    network: Callable[[torch.Tensor], torch.Tensor],
    pictures: dict[str, tuple[list[bytes], np.ndarray]],
    step: str,
) -> dict[str, float]:
    """Give the share of right answers by kind, 0..1, without a step; a refused picture counts as wrong."""
    found = {}
    with without(step), torch.inference_mode():
        for kind, (files, truth) in pictures.items():
            frames = [_frame_or_none(file) for file in files]
            read = np.array([one is not None for one in frames])
            batches = torch.from_numpy(np.stack([one for one in frames if one is not None])).split(500)
            answers = torch.cat([network(batch).argmax(dim=1) for batch in batches]).numpy()
            found[kind] = float((answers == truth[read]).sum() / len(truth))
    return found


def table(rows: dict[str, dict[str, float]]) -> str:
    """Give accuracies by step and kind as a Markdown table."""
    kinds = list(next(iter(rows.values())))
    lines = [f"| without | {' | '.join(kinds)} |", f"|---|{'--:|' * len(kinds)}"]
    lines += [
        f"| {step} | {' | '.join(f'{row[kind]:.1%}' for kind in kinds)} |" for step, row in rows.items()
    ]
    return "\n".join(lines).replace("| all steps |", "| nothing: all steps |")


def _frame_or_none(file: bytes) -> np.ndarray | None:
    # By its module, so that what was switched off there is off here.
    try:
        return frame.frame_of(file)
    except BadImage:
        return None


if __name__ == "__main__":
    sys.exit(main())
