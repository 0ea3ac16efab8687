"""Several processes that train one model: `torchrun --nproc-per-node 2 -m training.fitting.train ...`.

Every process holds all frames and takes its share of every batch, so the order of the data, the augmented
frames and the gradient are those of one process. Two things differ from one process: dropout's masks, and on
the CPU batch normalisation, which sees a process's share instead of the whole batch (torch has
SyncBatchNorm for GPUs only; there it is used). The running statistics are then those of the first process.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

# How long the others wait while the first process draws all strokes for a first run.
PATIENCE = timedelta(hours=2)
CPU = torch.device("cpu")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Processes:
    """Where this process stands among those of the run; alone unless torchrun started it.

    Attributes:
        rank: 0 for the first process, which alone evaluates, prints and writes.
        count: of all processes on all machines.
        local_rank: the place on this machine, which is also the number of its GPU.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this process speaks for all."""
        return self.rank == 0

    def part_of(self, batch: int) -> slice:
        """Return which items of a batch are this process's: an equal share for each.

        Raises:
            ValueError: the batch cannot be shared equally.
        """
        if batch % self.count:
            raise ValueError(
                f"A batch of {batch} frames cannot be shared equally by {self.count} processes: "
                f"give --batch a multiple of {self.count}."
            )
        share = batch // self.count
        return slice(self.rank * share, (self.rank + 1) * share)

    def from_first(self, make: Callable[[], Made]) -> Made:
        """Return what `make` gives in the first process, to all."""
        if self.count == 1:
            return make()
        box: list[Any] = [make() if self.first else None]
        dist.broadcast_object_list(box, src=0, device=CPU)
        return box[0]

    def in_turn(self, make: Callable[[], Made]) -> Made:
        """Return what `make` gives in this process, one process after another: they can share files."""
        made: list[Made] = []
        for turn in range(self.count):
            if turn == self.rank:
                made.append(make())
            if self.count > 1:
                dist.all_reduce(torch.zeros(1))  # waits for all; barrier() would choose a GPU by itself
        return made[0]

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a value over all processes."""
        if self.count > 1:
            dist.all_reduce(value)
        return value / self.count

    def wrap(self, model: nn.Module, device: torch.device) -> nn.Module:
        """Return the module to train with, which averages gradients; the weights stay the model's own."""
        if self.count == 1:
            return model
        if device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)


@contextmanager
def joined() -> Iterator[Processes]:
    """Return this process's place among those that torchrun started; the group ends with the block.

    Raises:
        ValueError: torchrun's variables are set, but not to numbers.
    """
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
        yield Processes()
        return
    try:
        place = Processes(*(int(os.environ[key]) for key in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"RANK, WORLD_SIZE and LOCAL_RANK must be whole numbers ({error}): start training with "
            "torchrun, or unset them to train in one process."
        ) from None
    if place.count == 1:
        yield place
        return
    # Each device has its own backend: what is agreed on between processes always travels by gloo.
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
    yield place
    # Not after an error: it would wait for the others, who wait for this process; torchrun ends them.
    dist.destroy_process_group()


def leave(status: int) -> NoReturn:
    """End this process with the status, without the interpreter's own end where others train with it.

    Gloo's threads outlive the group, and the last exchange's tensor may still be theirs: one that lets go of
    it while the interpreter ends is killed inside C++ code that allows no such thing, and the whole process
    aborts ("terminate called without an active exception") with its work done. Seen in 1 of 50 ends.
    """
    if "WORLD_SIZE" not in os.environ:
        sys.exit(status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
