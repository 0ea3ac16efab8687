"""What a training run is made of, from the command line."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from training.data.frames import FRAMINGS
from training.data.sets import SOURCES
from training.fitting.distributed import Processes
from training.models.networks import MODELS
from training.names import run_folder


@dataclass(frozen=True)
class Settings:
    """What a run is made of. Two runs with equal settings on the same CPU give equal weights.

    Attributes:
        data: the data sets' folder; for the data set "folder" the folder of images itself.
        out: the results' folder.
        dataset: a key of training.data.sets.SOURCES.
        model: a key of training.models.networks.MODELS.
        epochs: the length of the learning rate's cycle, passes over the training frames.
        patience: epochs without a better validation result after which a run stops early; 0: never.
        batch: frames a step, over all processes together.
        seed: of the first weights, the data's order, augmentation and dropout; 0 or more.
        device: auto, cpu, cuda, cuda:1, mps.
        precision: auto, float32 or bfloat16.
        version: the model's version.
        framing: how images become frames, for the data set "folder"; None: as is usual for the data set.
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


def arguments_of_a_run(program: str, description: str) -> argparse.ArgumentParser:
    """Give a parser of every setting except the seed, and of --fresh."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    default_data = Path(os.environ.get("MNIST_DIR", "data"))
    parser.add_argument(
        "--data",
        type=Path,
        default=default_data,
        help="the data sets' folder; downloads go there. With --dataset folder: the folder of images",
    )
    parser.add_argument("--dataset", choices=sorted(SOURCES), default=Settings.dataset)
    parser.add_argument(
        "--framing", choices=sorted(FRAMINGS), help="with --dataset folder: ink, or (default) picture"
    )
    parser.add_argument("--model", choices=sorted(MODELS), default=Settings.model)
    parser.add_argument("--out", type=Path, help="results' folder (default: runs/<dataset>-<model>)")
    parser.add_argument("--epochs", type=positive, default=Settings.epochs)
    parser.add_argument(
        "--patience",
        type=natural,
        default=Settings.patience,
        help="stop after so many epochs without a better validation result (0: never; default: %(default)s)",
    )
    parser.add_argument("--batch", type=positive, default=Settings.batch, help="over all processes together")
    parser.add_argument("--device", default=Settings.device, help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default=Settings.precision)
    parser.add_argument("--version", default=Settings.version, help="the model's version, e.g. 1.1.0")
    parser.add_argument("--fresh", action="store_true", help="start over instead of resuming")
    return parser


def settings_of(given: argparse.Namespace, seed: int) -> Settings:
    """Give the settings of parsed arguments.

    Raises:
        SystemExit: the folder of images has a name that fits no URL; as the parser itself ends a command.
    """
    fields = {key: value for key, value in vars(given).items() if key in Settings.__dataclass_fields__}
    try:
        out = given.out or run_folder(given.dataset, given.data, given.model)
    except ValueError as error:
        raise SystemExit(f"training: {error}") from None
    return Settings(**{**fields, "out": out, "seed": seed})


def device_of(wanted: str, processes: Processes) -> torch.device:
    """Give the device of a name; "auto" takes CUDA, then Apple's MPS, then the CPU.

    Of several processes on one machine each takes a GPU of its own.

    Raises:
        ValueError: there is no such device, or several processes cannot use it.
    """
    try:
        device = torch.device(_best(alone=processes.count == 1) if wanted == "auto" else wanted)
    except RuntimeError:
        raise ValueError(f"--device {wanted}: auto, cpu, cuda, cuda:1 or mps is expected.") from None
    if device.type == "cuda" and processes.count > 1:
        device = torch.device("cuda", processes.local_rank)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"--device {device}: this machine has {torch.cuda.device_count()} usable GPUs; "
            "start fewer processes, or take --device cpu."
        )
    if device.type not in ("cpu", "cuda") and processes.count > 1:
        raise ValueError(f"--device {device.type}: several processes train on cpu or cuda only.")
    return device


def precision_of(wanted: str, device: torch.device) -> str:
    """Give the precision of a name; "auto" takes bfloat16 where the hardware multiplies it natively."""
    if wanted != "auto":
        return wanted
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        native = bool(torch.cpu.get_capabilities().get("amx_bf16", False))
    return "bfloat16" if native else "float32"


def positive(text: str) -> int:
    """Give a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} came, a whole number from 1 is expected")
    return number


def natural(text: str) -> int:
    """Give a whole number from 0."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} came, a whole number from 0 is expected")
    return number


def _best(*, alone: bool) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() and alone else "cpu"
