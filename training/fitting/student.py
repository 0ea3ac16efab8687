"""Train one small network to answer as an ensemble does, starting from the ensemble's first member.

    python -m training.fitting.student --data DIR --teacher runs/digits-ensemble/model.safetensors

The student is the member with fewer channels inside its residual blocks: those that carry most stay. It
learns from what the teacher says of every augmented frame (Hinton et al. 2015, arXiv:1503.02531); both read
the same (Beyer et al. 2021, arXiv:2106.05237). An interrupted run goes on, as in training.fitting.train.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handler.frame import FRAME_PX
from training.data.sets import CACHE, load
from training.fitting.network import train_from
from training.fitting.run import Run
from training.fitting.settings import Settings
from training.models import weights
from training.models.networks import Cnn, Ensemble, ResidualBlock
from training.options import data_folder, natural, parser_of, positive

MODEL = "cnn-slim"
# Half of what new weights take: the member's weights are a start, but a third of its channels is gone.
LEARNING_RATE = 2e-3
# The teacher is sure of nearly every frame it was trained on. Softened, it says what else a frame looks like.
SOFTENED = 2.0
OF_NORMALISATION = ("weight", "bias", "running_mean", "running_var")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    parser = parser_of("training.fitting.student", __doc__)
    data_folder(parser)
    parser.add_argument("--teacher", type=Path, required=True, help="the ensemble's weights")
    parser.add_argument(
        "--epochs", type=positive, default=8, help="passes over the training frames (default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        type=natural,
        default=0,
        help="seed of order, augmentation and dropout (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/digits-student"), help="folder of the results")
    parser.add_argument("--version", default="1.0.0", help="the model's version")
    given = parser.parse_args(arguments)
    try:
        teach(given.teacher, given.data, given.epochs, given.seed, given.out, given.version)
    except (OSError, ValueError) as error:
        print(f"student: {error}", file=sys.stderr)
        return 1
    return 0


def teach(teacher: Path, data_dir: Path, epochs: int, seed: int, out: Path, version: str) -> None:
    """Train a student of an ensemble, and write to `out` what training.fitting.train writes of a network.

    Raises:
        OSError: the weights or the data set are not there, or the results cannot be written.
        ValueError: the teacher is not an ensemble that begins with a cnn, or `out` has a run with other
            settings.
    """
    ensemble, about = weights.load(teacher)
    if not isinstance(ensemble, Ensemble) or not isinstance(ensemble.members[0], Cnn):
        raise ValueError(
            f"{teacher} is {about.architecture}, expected an ensemble whose first member is a cnn: make one "
            "with `python -m training.fitting.ensemble`."
        )
    out.mkdir(parents=True, exist_ok=True)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    settings = Settings(
        data_dir, out, about.data_set, MODEL, epochs, patience=0, seed=seed, device="cpu",
        precision="float32", version=version,
    )  # fmt: skip
    run = Run(settings, load(about.data_set, data_dir, CACHE), torch.device("cpu"))
    run.loss = Taught(ensemble, about.temperature)
    said = f"{MODEL} with {run.parameters:,} parameters learns from {about.architecture}"
    train_from(narrowed(ensemble.members[0], run.model), run, LEARNING_RATE, said)


class Taught:
    """The loss of a student: how far its answer is from the teacher's, on the same frames.

    Args:
        teacher: gives logits.
        temperature: what makes them calibrated.
    """

    def __init__(self, teacher: nn.Module, temperature: float) -> None:
        # Frozen, with batch normalisation in the convolutions' weights, it takes half of its time.
        traced = torch.jit.trace(teacher.eval(), torch.zeros(2, 1, FRAME_PX, FRAME_PX))
        self.teacher = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
        self.temperature = temperature

    def __call__(self, logits: Tensor, _: Tensor, frames: Tensor) -> Tensor:
        """Return the mean Kullback-Leibler divergence of softened answers, in nats times SOFTENED squared."""
        with torch.no_grad():
            wanted = torch.log_softmax(self.teacher(frames) / (self.temperature * SOFTENED), dim=1)
        found = torch.log_softmax(logits / SOFTENED, dim=1)
        # Times the square, gradients are as large as without softening.
        return F.kl_div(found, wanted, reduction="batchmean", log_target=True) * SOFTENED**2


def narrowed(network: nn.Module, like: nn.Module) -> dict[str, Tensor]:
    """Return a network's state with only as many channels inside its residual blocks as another one has.

    Those stay whose signal counts most in the block's sum: by the scale that batch normalisation gives them,
    times the weights that read them.
    """
    state = dict(network.state_dict())
    for name, block in like.named_modules():
        if not isinstance(block, ResidualBlock):
            continue
        inner = block.first[0].out_channels
        reading = state[f"{name}.second.0.weight"]
        weight = state[f"{name}.first.1.weight"].abs() * reading.square().sum(dim=(0, 2, 3)).sqrt()
        kept = weight.argsort(descending=True)[:inner].sort().values
        state[f"{name}.second.0.weight"] = reading[:, kept]
        for key in (f"{name}.first.0.weight", *(f"{name}.first.1.{of}" for of in OF_NORMALISATION)):
            state[key] = state[key][kept]
    return state


if __name__ == "__main__":
    sys.exit(main())
