"""One training run: its recipe, and the state that an interruption must not lose."""

import copy
import io
import math
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from handler.fingerprint import preprocessing_fingerprint
from handler.framings import PHOTO
from system.files import written_aside
from training.data.frames import DataSet
from training.data.looking import CHOSEN
from training.fitting import begin
from training.fitting.batches import shown, strength
from training.fitting.distributed import Processes
from training.fitting.measure import logits_of, measure
from training.fitting.settings import Settings, autocast
from training.models.first_weights import keep_statistics
from training.names import FOLDER

LABEL_SMOOTHING = 0.05
AVERAGE_DECAY = 0.998  # of the weights' exponential moving average, about four passes over 100 batches
GRADIENT_NORM = 1.0
# What may differ between two starts of one run: where things lie, and when it is to stop.
FREE_TO_CHANGE = ("data", "out", "version", "patience")


class Run:
    """The state of a run. All processes that share it hold the same one."""

    def __init__(
        self, settings: Settings, data: DataSet, device: torch.device, processes: Processes | None = None
    ) -> None:
        self.settings, self.data, self.device = settings, data, device
        self.processes = processes or Processes()
        self.model = begin.network(settings, data, device, self.say)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.network = self.processes.wrap(self.model, device)
        self.batch = min(settings.batch, len(data.train))
        self.batches = len(data.train) // self.batch
        self.part = self.processes.part_of(self.batch)
        steps = self.batches * settings.epochs
        self.optimizer, self.schedule = begin.optimizer(settings, self.model, data.framing, steps)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.frames = torch.from_numpy(data.train.frames).to(device)
        self.labels = torch.from_numpy(data.train.labels).to(device)
        self.content = data.content()
        self.epoch, self.best_state = 0, self.average.state_dict()
        self.curves: list[dict[str, float]] = []

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(tensor.numel() for tensor in self.model.parameters())

    @property
    def best_epoch(self) -> int:
        """The epoch that validation chose, from 1; 0 before the first."""
        # Accuracy moves in steps of one frame; among equals the smaller loss wins.
        scores = [(row["accuracy"], -row["loss"]) for row in self.curves]
        return scores.index(max(scores)) + 1 if scores else 0

    @property
    def stopped_early(self) -> bool:
        """Whether patience ran out: so many epochs came after the best one."""
        patience = self.settings.patience
        return 0 < patience <= self.epoch - self.best_epoch and self.epoch < self.settings.epochs

    @property
    def over(self) -> bool:
        """Whether there is nothing left to train."""
        return self.epoch >= self.settings.epochs or self.stopped_early

    def one_epoch(self) -> None:
        """Train on every frame once, and select on validation.

        Raises:
            ValueError: the loss is no longer a number.
        """
        started, losses = time.perf_counter(), torch.zeros((), device=self.device)
        self._seed_dropout()
        self.network.train()
        keep_statistics(self.model)
        order = torch.randperm(len(self.labels), generator=self.generator)[: self.batches * self.batch]
        epochs = self.settings.epochs
        steps = tqdm(
            order.split(self.batch),
            desc=f"epoch {self.epoch + 1}/{epochs}",
            unit="batch",
            disable=None if self.processes.first else True,
            leave=False,
        )
        for batch in steps:
            losses += self._step(batch)
        self.epoch += 1
        train_loss = float(self.processes.mean(losses.cpu())) / self.batches
        if not math.isfinite(train_loss):
            raise ValueError(
                f"The training loss became {train_loss} in epoch {self.epoch}: lower LEARNING_RATE in "
                "training/fitting/begin.py, or give --precision float32."
            )
        found = self.processes.from_first(self._validate)
        self.curves.append({"epoch": self.epoch, "train_loss": train_loss, **found})
        if self.best_epoch == self.epoch:
            self.best_state = {k: v.clone() for k, v in self.average.state_dict().items()}
        self.say(
            f"epoch {self.epoch:3}/{epochs}  train loss {train_loss:.4f}  validation loss "
            f"{found['loss']:.4f}  accuracy {found['accuracy']:.2%}  {time.perf_counter() - started:.0f} s"
        )

    def _step(self, batch: Tensor) -> Tensor:
        """Learn from this process's share of a batch, int64 (batch,); return its mean loss."""
        frames, target = shown(
            self.frames, self.labels, batch, self.part, self.generator,
            strength(self.schedule.last_epoch / self.schedule.total_steps, self.data.framing),
            len(self.data.label_names),
        )  # fmt: skip
        with autocast(self.device, self.settings.precision):
            loss = F.cross_entropy(self.network(frames), target, label_smoothing=LABEL_SMOOTHING)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM)
        self.optimizer.step()
        self.schedule.step()
        follow(self.average.state_dict().values(), self.model.state_dict().values(), self.schedule.last_epoch)
        return loss.detach()

    def _validate(self) -> dict[str, float]:
        part = self.data.validation
        return measure(logits_of(self.average, part, self.device), part.labels)

    def _seed_dropout(self) -> None:
        """Start torch's own generator anew for this epoch and process, so that no process's state is kept."""
        place = (self.settings.seed, self.epoch, self.processes.rank)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def keep(self) -> None:
        """Write what a later start needs: a kill at any moment costs one epoch at most."""
        if not self.processes.first:
            return
        state = {
            "settings": self._identity(), "content": self.content,
            "epoch": self.epoch, "curves": self.curves,
            "model": self.model.state_dict(), "average": self.average.state_dict(),
            "best_state": self.best_state,
            "optimizer": self.optimizer.state_dict(), "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
        }  # fmt: skip
        # By way of memory: torch's own writer says of a full disk that it has a fault.
        torch.save(state, written := io.BytesIO())
        with written_aside(self.settings.out / "last.pt") as draft:
            draft.write_bytes(written.getbuffer())

    def resume(self) -> None:
        """Take up an unfinished run, with as many processes as there are now.

        Raises:
            ValueError: the folder holds a run with other settings, or a damaged one.
        """
        if (state := self.processes.from_first(self._kept)) is None:
            return
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"])
        self.epoch, self.curves, self.best_state = state["epoch"], state["curves"], state["best_state"]
        self.say(f"resuming after epoch {self.epoch} of {self.settings.epochs}")

    def _kept(self) -> dict[str, Any] | None:
        """Return the state of the run in the folder, if there is one, and its data is what it was."""
        path = self.settings.out / "last.pt"
        if not path.exists():
            return None
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # the unpickler raises whatever a damaged file leads it to
            raise ValueError(f"{path} is damaged ({error}): remove it to start over.") from None
        changed = _changed(state["settings"], self._identity())
        if changed == ["preprocessing"] and self._were_framed_otherwise(state["settings"]["preprocessing"]):
            changed = []
        if changed:
            raise ValueError(
                f"{path} is from a run with different settings ({', '.join(changed)}): give another "
                "--out, or remove it to start over."
            )
        if corrected := _changed(state.get("content", {}), self.content):
            why = (
                f"the data changed in: {', '.join(corrected)}"
                if "content" in state
                else "the data may have changed"
            )
            self.say(f"training from the start: since the run in {path}, {why}")
            return None
        return state

    def _were_framed_otherwise(self, preprocessing: str) -> bool:
        """Say whether the framing alone was another, as looking at other images chose it."""
        chosen = self.settings.dataset == FOLDER and self.settings.framing in (None, PHOTO)
        return chosen and preprocessing in {preprocessing_fingerprint(framing=one) for one in CHOSEN}

    def _identity(self) -> dict[str, Any]:
        """Return what must be equal for a run to go on, beside its data."""
        same = {key: value for key, value in asdict(self.settings).items() if key not in FREE_TO_CHANGE}
        return {**same, "preprocessing": preprocessing_fingerprint(framing=self.data.framing)}

    def say(self, line: str) -> None:
        """Print a line once, however many processes there are."""
        if self.processes.first:
            print(line, flush=True)


def _changed(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [key for key, value in now.items() if then.get(key) != value]


@torch.no_grad()
def follow(means: Iterable[Tensor], values: Iterable[Tensor], step: Tensor | int) -> None:
    """Move averaged tensors one step towards the trained ones; early on they follow faster.

    Args:
        means: are changed; those of whole numbers, which count batches, become the trained ones.
        values: the trained ones, in the same order.
        step: how many steps there were, from 1.
    """
    decay = min(AVERAGE_DECAY, float(step) / (float(step) + 10))
    for mean, value in zip(means, values, strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
