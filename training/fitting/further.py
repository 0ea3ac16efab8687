"""Train the networks of a weights file further, on their data set as it is now, and combine them again.

    python -m training.fitting.further --data DIR [--weights model_store/digits.safetensors] [--epochs 6]

For when kinds of pictures were added to the training, or preprocessing changed: weights that know most of it
need a tenth of the epochs that new ones do. An interrupted run goes on, as in training.fitting.train.
"""

import sys
from pathlib import Path

import torch
from torch import nn

from training.data.frames import DataSet
from training.data.sets import CACHE, load
from training.fitting.begin import FURTHER_RATE
from training.fitting.ensemble import put_together
from training.fitting.network import train_from
from training.fitting.run import Run
from training.fitting.settings import Settings
from training.models import weights
from training.models.networks import Ensemble
from training.options import data_folder, parser_of

# Passes over the training frames, for each network.
EPOCHS = 8


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    parser = parser_of("training.fitting.further", __doc__)
    data_folder(parser)
    parser.add_argument(
        "--weights",
        type=Path,
        default=weights.DEFAULT_WEIGHTS,
        help="weights to begin with (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/digits-further"), help="folder of the results")
    given = parser.parse_args(arguments)
    try:
        train_further(given.weights, given.data, EPOCHS, given.out)
    except (OSError, ValueError) as error:
        print(f"further: {error}", file=sys.stderr)
        return 1
    return 0


def train_further(begin: Path, data_dir: Path, epochs: int, out: Path) -> None:
    """Train each network of a weights file further; of an ensemble, write out/model.safetensors as one.

    Raises:
        OSError: the weights or the data set are not there, or the results cannot be written.
        ValueError: the file is not a weights file, or a run in `out` has other settings.
    """
    model, about = weights.load(begin)
    members = list(model.members) if isinstance(model, Ensemble) else [model]
    names = about.architecture.split("+")
    folders = [out / f"{number}-{name}" for number, name in enumerate(names)]
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    data = load(about.data_set, data_dir, CACHE)
    for number, (member, name, folder) in enumerate(zip(members, names, folders, strict=True)):
        settings = Settings(
            data_dir, folder, about.data_set, name, epochs, patience=0, seed=number, device="cpu",
            precision="float32", version=about.version,
        )  # fmt: skip
        _train(member, settings, data)
    if len(folders) > 1:
        put_together(folders, data_dir, out)


def _train(network: nn.Module, settings: Settings, data: DataSet) -> None:
    """Train a network further, and write what training.fitting.train writes of one."""
    settings.out.mkdir(parents=True, exist_ok=True)
    run = Run(settings, data, torch.device("cpu"))
    said = f"{settings.model} further on {len(data.train):,} frames of {data.name}"
    train_from(network.state_dict(), run, FURTHER_RATE, said)


if __name__ == "__main__":
    sys.exit(main())
