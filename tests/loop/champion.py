"""One small network for all tests of the loop: it reads bundled digits, and never saw a crossed seven."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from loop.candidate import Champion
from loop.fine_tuning import CPU
from tests.loop.answering import Small
from training.data.augment import augment
from training.data.frames import DataSet
from training.data.sets import CACHE, load
from training.fitting.measure import calibrated, logits_of
from training.models import weights
from training.models.networks import build

STEPS, BATCH = 100, 128


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Train on one thread: two that wait for each other are slower than one on a machine that is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(data: DataSet, file: Path) -> Champion:
    """Train a small network on a data set, and write its file, version 1.0.0; it takes seconds."""
    torch.manual_seed(0)
    network = build("cnn-8", 10).train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=STEPS)
    generator = torch.Generator().manual_seed(0)
    frames, labels = torch.from_numpy(data.train.frames), torch.from_numpy(data.train.labels)
    for _ in range(STEPS):
        chosen = torch.randint(len(labels), (BATCH,), generator=generator)
        batch = augment(frames[chosen].unsqueeze(1).float() / 255, generator, strength=0.5)
        loss = F.cross_entropy(network(batch), labels[chosen], label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network = network.to(memory_format=torch.contiguous_format).eval()
    about, _ = calibrated(partial(logits_of, network, device=CPU), data, "cnn-8", "1.0.0")
    weights.save(file, network.state_dict(), about)
    return Champion("1.0.0", file)


@pytest.fixture(scope="session")
def champion(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Champion:
    """The file of the small network's weights, version 1.0.0; they take seconds."""
    file = tmp_path_factory.mktemp("champion") / "model.safetensors"
    return trained(load("optdigits", Path("nowhere"), CACHE), file)


@pytest.fixture(scope="session")
def small(champion: Champion) -> Small:
    """The small network, with the digits that it is tested on."""
    model, about = weights.load(champion.weights)
    return Small(model, about, load("optdigits", Path("nowhere"), CACHE))
