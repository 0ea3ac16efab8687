"""Parts on a Ray cluster: Ray Data hands their numbers to actors, each with the archive's handler."""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import ray

from system.files import PROJECT
from training.score.parts import Done, Labeller

# A block of numbers is what Ray hands out at a time; it keeps something for each.
MOST_BLOCKS = 10_000
# What actors import of the project; the handler comes in the archive.
PACKAGES = ("system", "training")


class Actor:
    """A process of the cluster that makes parts.

    Args:
        output: the folder with the plan, which every node has at the same path.
        archive: the unpacked archive, the same.
        any_address: as `Reader` takes it.
    """

    def __init__(self, output: str, archive: str, any_address: bool) -> None:
        # Of its own, since another kind of CPU compiles the preprocessing anew; goes with the actor.
        self._copy = tempfile.TemporaryDirectory(prefix="score-")
        folder = Path(self._copy.name).resolve() / "archive"
        shutil.copytree(archive, folder)
        self._labeller = Labeller(Path(output), folder, any_address)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[Any]]:
        """Return what came of the parts of these numbers, a column for each field of `Done`."""
        done = [asdict(self._labeller.make(int(number))) for number in batch["number"]]
        return {name: [one[name] for one in done] for name in Done.__dataclass_fields__}


def made(
    address: str, output: Path, archive: Path, any_address: bool, numbers: Sequence[int], workers: int | None
) -> Iterator[Done]:
    """Yield parts as they are finished.

    Args:
        address: the cluster's, as `ray.init` takes it: "auto", "host:6379", "ray://host:10001".
        output: the folder with the plan, which every node has at the same path.
        archive: the unpacked archive, as well.
        any_address: as `Reader` takes it.
        numbers: which parts.
        workers: how many actors, with a core each; None: all cores of the cluster.

    Raises:
        ConnectionError: there is no cluster at the address.
        RuntimeError: an actor could not load the archive, or could not make a part.
    """
    environment = {"py_modules": [str(PROJECT / name) for name in PACKAGES]}
    ray.init(address, runtime_env=environment, log_to_driver=False, logging_level=logging.WARNING)
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        cores = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        arguments = {"output": str(output), "archive": str(archive), "any_address": any_address}
        blocks = min(len(numbers), MOST_BLOCKS)
        parts = ray.data.from_items([{"number": number} for number in numbers], override_num_blocks=blocks)
        done = parts.map_batches(
            Actor,
            fn_constructor_kwargs=arguments,
            batch_size=1,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=min(cores, len(numbers))),
        )
        for row in done.iter_rows():
            yield Done(**row)
    except ray.exceptions.RayError as error:
        # The last line is what an actor said; those before it are Ray's.
        raise RuntimeError(str(error).strip().splitlines()[-1]) from error
    finally:
        ray.shutdown()
