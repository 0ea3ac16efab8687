"""Train a model: select on validation, write weights, metrics, plots and a model card.

    python -m training.train --data DIR [--model cnn] [--out runs/NAME] ...

An interrupted run goes on where its last whole epoch ended. The test set is looked at once, at the end.
"""

import argparse
import contextlib
import copy
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from handler.fingerprint import preprocessing_fingerprint
from training import report, weights
from training.augment import augment
from training.data import SOURCES, DataSet, Frames, load
from training.measure import fit_temperature, logits_of, measure
from training.models import MODELS

LEARNING_RATE = 4e-3  # AdamW's peak; the cycle warms up to it and ends near nought
WARM_UP_SHARE = 0.15
WEIGHT_DECAY = 0.02
LABEL_SMOOTHING = 0.05
AVERAGE_DECAY = 0.998  # of the weights' exponential moving average, about four passes over 100 batches
GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class Settings:
    """What a run is made of. Two runs with equal settings on the same CPU give equal weights."""

    data: Path
    out: Path
    dataset: str = "mnist"
    model: str = "cnn"
    epochs: int = 40
    batch: int = 256
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    version: str = "1.0.0"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    settings, fresh = parse(arguments)
    try:
        train(settings, fresh=fresh)
    except (FileNotFoundError, ValueError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from {settings.out}/last.pt", file=sys.stderr)
        return 130
    return 0


def parse(arguments: list[str] | None) -> tuple[Settings, bool]:
    """Give the settings of a command line, and whether an unfinished run is to be thrown away."""
    parser = argparse.ArgumentParser(
        prog="python -m training.train", description=(__doc__ or "").split("\n")[0]
    )
    default_data = Path(os.environ.get("MNIST_DIR", "data"))
    parser.add_argument(
        "--data", type=Path, default=default_data, help="the data sets' folder; downloads go there"
    )
    parser.add_argument("--dataset", choices=sorted(SOURCES), default=Settings.dataset)
    parser.add_argument("--model", choices=sorted(MODELS), default=Settings.model)
    parser.add_argument("--out", type=Path, help="results' folder (default: runs/<dataset>-<model>)")
    parser.add_argument("--epochs", type=_positive, default=Settings.epochs)
    parser.add_argument("--batch", type=_positive, default=Settings.batch)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--device", default=Settings.device, help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default=Settings.precision)
    parser.add_argument("--version", default=Settings.version, help="the model's version, e.g. 1.1.0")
    parser.add_argument("--fresh", action="store_true", help="start over instead of resuming")
    given = vars(parser.parse_args(arguments))
    fresh = given.pop("fresh")
    given["out"] = given["out"] or Path("runs") / f"{given['dataset']}-{given['model']}"
    return Settings(**given), fresh


def train(settings: Settings, *, fresh: bool = False) -> dict[str, Any]:
    """Train, write everything under settings.out, and give the metrics that were written.

    Raises:
        FileNotFoundError: the data set is not there.
        ValueError: the run in settings.out has other settings.
    """
    device = _device(settings.device)
    settings = replace(settings, device=str(device), precision=_precision(settings.precision, device))
    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(device.type == "cpu")
    data = load(settings.dataset, settings.data, Path("var/frames"))
    run = Run(settings, data, device)
    if not fresh:
        run.resume()
    print(
        f"{settings.model} with {sum(p.numel() for p in run.model.parameters()):,} parameters on "
        f"{len(data.train):,} frames of {data.name}, {device}, {settings.precision}"
    )
    while run.epoch < settings.epochs:
        run.one_epoch()
        run.keep()
    return finish(run)


class Run:
    """The state that an interruption must not lose."""

    def __init__(self, settings: Settings, data: DataSet, device: torch.device) -> None:
        self.settings, self.data, self.device = settings, data, device
        self.model = MODELS[settings.model](len(data.label_names)).to(device)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.batches = max(1, len(data.train) // settings.batch)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), weight_decay=WEIGHT_DECAY)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, LEARNING_RATE, total_steps=self.batches * settings.epochs, pct_start=WARM_UP_SHARE
        )
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.frames = torch.from_numpy(data.train.frames).unsqueeze(1).to(device)
        self.labels = torch.from_numpy(data.train.labels).to(device)
        self.epoch, self.best, self.best_state = 0, (-1.0, 0.0), self.average.state_dict()
        self.curves: list[dict[str, float]] = []

    def one_epoch(self) -> None:
        """Train on every frame once, and select on validation."""
        started, losses = time.perf_counter(), 0.0
        self.model.train()
        order = torch.randperm(len(self.labels), generator=self.generator)[
            : self.batches * self.settings.batch
        ]
        epochs = self.settings.epochs
        steps = tqdm(
            order.split(self.settings.batch),
            desc=f"epoch {self.epoch + 1}/{epochs}",
            unit="batch",
            disable=None,
            leave=False,
        )
        for chosen in steps:
            chosen = chosen.to(self.device)
            frames = augment(self.frames[chosen].float() / 255, self.generator)
            with _autocast(self.device, self.settings.precision):
                loss = F.cross_entropy(
                    self.model(frames), self.labels[chosen], label_smoothing=LABEL_SMOOTHING
                )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM)
            self.optimizer.step()
            self.schedule.step()
            self._follow()
            losses += float(loss.detach())
        self.epoch += 1
        found = measure(
            logits_of(self.average, self.data.validation, self.device), self.data.validation.labels
        )
        self.curves.append({"epoch": self.epoch, "train_loss": losses / self.batches, **found})
        # Accuracy moves in steps of one frame; among equals the smaller loss wins.
        score = (found["accuracy"], -found["loss"])
        if score > self.best:
            self.best, self.best_state = score, {k: v.clone() for k, v in self.average.state_dict().items()}
        print(
            f"epoch {self.epoch:3}/{epochs}  train loss {losses / self.batches:.4f}  validation loss "
            f"{found['loss']:.4f}  accuracy {found['accuracy']:.2%}  {time.perf_counter() - started:.0f} s",
            flush=True,
        )

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights one step towards the trained ones; early on they follow faster."""
        step = self.schedule.last_epoch
        decay = min(AVERAGE_DECAY, step / (step + 10))
        for mean, value in zip(
            self.average.state_dict().values(), self.model.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def keep(self) -> None:
        """Write what a later start needs: a kill at any moment costs one epoch at most."""
        self.settings.out.mkdir(parents=True, exist_ok=True)
        state = {
            "settings": self._identity(), "epoch": self.epoch, "best": self.best, "curves": self.curves,
            "model": self.model.state_dict(), "average": self.average.state_dict(),
            "best_state": self.best_state,
            "optimizer": self.optimizer.state_dict(), "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(), "torch": torch.get_rng_state(),
        }  # fmt: skip
        partial = self.settings.out / ".last.pt"
        torch.save(state, partial)
        partial.replace(self.settings.out / "last.pt")

    def resume(self) -> None:
        """Take up an unfinished run.

        Raises:
            ValueError: the folder holds a run with other settings.
        """
        path = self.settings.out / "last.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["settings"] != self._identity():
            changed = [key for key, value in self._identity().items() if state["settings"].get(key) != value]
            raise ValueError(
                f"{path} is a run with another {', '.join(changed)}: "
                "give another --out, or --fresh to start over."
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"].cpu())
        torch.set_rng_state(state["torch"].cpu())
        self.epoch, self.best, self.curves = state["epoch"], tuple(state["best"]), state["curves"]
        self.best_state = state["best_state"]
        print(f"resuming after epoch {self.epoch} of {self.settings.epochs}")

    def _identity(self) -> dict[str, Any]:
        """Give what must be equal for a run to go on."""
        same = {
            key: value
            for key, value in asdict(self.settings).items()
            if key not in ("data", "out", "version")
        }
        return {**same, "preprocessing": preprocessing_fingerprint(), "train_frames": len(self.data.train)}


def finish(run: Run) -> dict[str, Any]:
    """Calibrate on validation, look at the test set, write the results; give the metrics."""
    settings, data = run.settings, run.data
    run.average.load_state_dict(run.best_state)
    temperature = fit_temperature(logits_of(run.average, data.validation, run.device), data.validation.labels)
    about = weights.About(
        settings.model,
        data.label_names,
        settings.version,
        temperature,
        preprocessing_fingerprint(),
        data.name,
    )
    path = settings.out / "model.safetensors"
    weights.save(path, run.best_state, about)

    def measured(part: Frames) -> dict[str, float]:
        return measure(logits_of(run.average, part, run.device) / temperature, part.labels)

    metrics: dict[str, Any] = {
        **{key: str(value) if isinstance(value, Path) else value for key, value in asdict(settings).items()},
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "weights_bytes": path.stat().st_size,
        "temperature": temperature,
        "preprocessing": about.preprocessing,
        "frames": {"train": len(data.train), "validation": len(data.validation)},
        "validation": measured(data.validation),
        "tests": {name: {"frames": len(part), **measured(part)} for name, part in data.tests.items()},
    }
    name, part = next(iter(data.tests.items()))
    predicted = logits_of(run.average, part, run.device).argmax(dim=1).numpy()
    report.write(
        settings.out, metrics, run.curves, report.Confusion(name, data.label_names, part.labels, predicted)
    )
    found = ", ".join(f"{name} {row['accuracy']:.2%}" for name, row in metrics["tests"].items())
    print(f"test accuracy: {found}; weights and report in {settings.out}/")
    return metrics


def _device(wanted: str) -> torch.device:
    """Give the device of a name; "auto" takes CUDA, then Apple's MPS, then the CPU."""
    if wanted != "auto":
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _precision(wanted: str, device: torch.device) -> str:
    """Give the precision of a name; "auto" takes bfloat16 where the hardware multiplies it natively."""
    if wanted != "auto":
        return wanted
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        native = bool(torch.cpu.get_capabilities().get("amx_bf16", False))
    return "bfloat16" if native else "float32"


def _autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} came, a whole number from 1 is expected")
    return number


if __name__ == "__main__":
    sys.exit(main())
