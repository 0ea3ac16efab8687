"""What a training run is made of, from the command line."""

import argparse
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.data.looking import HINT, framing_name
from training.data.sets import SOURCES
from training.fitting.distributed import Processes
from training.models.classical_recipes import RECIPES
from training.models.networks import MODELS
from training.models.photo_networks import torchvision_names
from training.names import run_folder
from training.options import data_folder, natural, positive

# What means nothing to scikit-learn's classifiers.
OF_NETWORKS = ("init", "freeze", "epochs", "patience", "batch", "device", "precision")


@dataclass(frozen=True)
class Settings:
    """What a run is made of. Two runs with equal settings on the same CPU give equal weights.

    Attributes:
        data: the data sets' folder; for the data set "folder" the folder of images itself.
        out: the results' folder.
        dataset: a key of training.data.sets.SOURCES.
        model: a key of training.models.networks.MODELS or training.models.classical_recipes.RECIPES.
        epochs: the length of the learning rate's cycle, passes over the training frames.
        patience: epochs without a better validation result after which a run stops early; 0: never.
        batch: frames a step, over all processes together.
        seed: of the first weights, the data's order, augmentation and dropout; 0 or more.
        device: auto, cpu, cuda, cuda:1, mps.
        precision: auto, float32 or bfloat16.
        version: the model's version.
        framing: how images become frames, for the data set "folder"; None: as is usual for the data set.
        init: a file with weights to begin with.
        freeze: whether the last layer alone is trained.
    """

    data: Path
    out: Path
    dataset: str = "mnist"
    model: str = "cnn"
    epochs: int = 40
    # One-cycle gains most while its rate falls, in the last third, so a plateau in the middle says little:
    # over a cycle of 28 epochs the best result came after 9 without one. Only a longer stretch stops a run,
    # which then has diverged or has learnt what it can; the weights are those of its best epoch either way.
    patience: int = 15
    batch: int = 256
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    version: str = "1.0.0"
    framing: str | None = None
    init: str | None = None
    freeze: bool | None = None


def settings_of(description: str, arguments: list[str] | None) -> tuple[Settings, list[int]]:
    """Return the settings of the command's arguments, with the first of its seeds, and all seeds.

    Raises:
        SystemExit: an argument is wrong, or the folder of images has a name that fits no URL.
    """
    parser = argparse.ArgumentParser(prog="python -m training.fitting.train", description=description)
    data_folder(parser)
    parser.add_argument(
        "--dataset", choices=sorted(SOURCES), default=Settings.dataset, help="(default: %(default)s)"
    )
    parser.add_argument(
        "--framing", type=framing, help=f"with --dataset folder: {HINT} (default: by looking at the images)"
    )
    parser.add_argument(
        "--model",
        type=architecture,
        default=Settings.model,
        help=f"{', '.join(sorted([*MODELS, *RECIPES]))}; for photographs cnn, or one of torchvision's",
    )
    parser.add_argument(
        "--init", help="weights to begin with: safetensors, or a state dict written by torch.save"
    )
    parser.add_argument("--freeze", action="store_true", default=None, help="train the last layer alone")
    parser.add_argument("--out", type=Path, help="folder of the results (default: runs/<dataset>-<model>)")
    parser.add_argument(
        "--epochs",
        type=positive,
        default=Settings.epochs,
        help="length of the learning rate's cycle (default: %(default)s)",
    )
    parser.add_argument(
        "--patience",
        type=natural,
        default=Settings.patience,
        help=(
            "stop after this many epochs without a better validation result (0: never; default: %(default)s)"
        ),
    )
    parser.add_argument(
        "--batch", type=positive, default=Settings.batch, help="frames per step, over all processes together"
    )
    parser.add_argument("--device", default=Settings.device, help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default=Settings.precision,
        help="(default: %(default)s)",
    )
    parser.add_argument("--version", default=Settings.version, help="the model's version, e.g. 1.1.0")
    parser.add_argument(
        "--seed",
        type=natural,
        nargs="+",
        default=[Settings.seed],
        help="of several, train once with each, and print mean and deviation (default: %(default)s)",
    )
    given = vars(parser.parse_args(arguments))
    seeds = given.pop("seed")
    idle = [name for name in OF_NETWORKS if given[name] != getattr(Settings, name)]
    if idle and given["model"] in RECIPES:
        parser.error(f"--{idle[0]} is only for networks, and {given['model']} is not one: leave it out")
    if len(set(seeds)) < len(seeds):
        parser.error(f"--seed {' '.join(map(str, seeds))}: expected each seed only once")
    try:
        given["out"] = given["out"] or run_folder(given["dataset"], given["data"], given["model"])
    except ValueError as error:
        raise SystemExit(f"training: {error}") from None
    return Settings(**given, seed=seeds[0]), seeds


def framing(text: str) -> str:
    """Return a framing's name, for argparse."""
    try:
        return framing_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def architecture(text: str) -> str:
    """Return an architecture's name, for argparse."""
    if text not in MODELS and text not in RECIPES and text not in torchvision_names():
        raise argparse.ArgumentTypeError(
            f"got {text}, expected one of {', '.join(sorted([*MODELS, *RECIPES]))}, or for photographs one "
            f"of torchvision's: {', '.join(torchvision_names())}"
        )
    return text


def device_of(wanted: str, processes: Processes) -> torch.device:
    """Return the device of a name; "auto" takes CUDA, then Apple's MPS, then the CPU.

    Of several processes on one machine each takes a GPU of its own.

    Raises:
        ValueError: there is no such device, or several processes cannot use it.
    """
    try:
        device = torch.device(_best(alone=processes.count == 1) if wanted == "auto" else wanted)
    except RuntimeError:
        raise ValueError(f"--device {wanted}: expected auto, cpu, cuda, cuda:1 or mps.") from None
    if device.type == "cuda" and processes.count > 1:
        device = torch.device("cuda", processes.local_rank)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"--device {device}: this machine has {torch.cuda.device_count()} usable GPUs; start fewer "
            "processes, or use --device cpu."
        )
    if device.type not in ("cpu", "cuda") and processes.count > 1:
        raise ValueError(f"--device {device.type}: several processes can train only on cpu or cuda.")
    return device


def precision_of(wanted: str, device: torch.device) -> str:
    """Return the precision of a name; "auto" takes bfloat16 where the hardware multiplies it natively."""
    if wanted != "auto":
        return wanted
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        native = bool(torch.cpu.get_capabilities().get("amx_bf16", False))
    return "bfloat16" if native else "float32"


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Return what a network is called in to multiply with this precision, float32 or bfloat16."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def _best(*, alone: bool) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() and alone else "cpu"
