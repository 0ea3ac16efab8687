"""The next version's weights: the served ones, taught what people corrected, without forgetting the rest.

Most of every batch is of the data that the weights were trained on (rehearsal: Ratcliff 1990,
doi:10.1037/0033-295X.97.2.285), so that learning a few drawings costs nothing elsewhere; and the learning
rate is a tenth of what training from nothing takes.
"""

import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.frames import Frames
from training.fitting.batches import shown
from training.fitting.begin import WEIGHT_DECAY
from training.fitting.measure import fit_shares, fit_temperature, logits_of
from training.fitting.run import GRADIENT_NORM, LABEL_SMOOTHING, follow
from training.models.networks import Ensemble

CPU = torch.device("cpu")
BATCH = 256
FEEDBACK_SHARE = 1 / 8  # of a batch
# No picture is shown more often, however few there are: what few people say is to move little.
MOST_SHOWN = 40
LEARNING_RATE = 4e-4  # AdamW's peak
AUGMENTATION = 0.5  # training ends with 0.2, and what people draw is to be learnt for other hands, too


@dataclass(frozen=True)
class Recipe:
    """What a fine-tuning is made of, beside weights and data.

    Attributes:
        steps: batches, for each member of an ensemble. For the default model, 300 take some two minutes.
        seed: of the order, augmentation and dropout.
    """

    steps: int = 300
    seed: int = 0


def fine_tuned(
    model: nn.Module, old: Frames, feedback: Frames, validation: Frames, recipe: Recipe
) -> nn.Module:
    """Return the network with the feedback learnt, in evaluation mode; of an ensemble each member by itself.

    The same arguments give the same weights, bit for bit, on the same machine: it runs on one thread, so that
    sums have one order.

    Args:
        model: with the weights to begin with; it is left as it is.
        old: what these were trained on.
        feedback: what is to be learnt.
        validation: what an ensemble's shares and its members' temperatures are fitted on.
        recipe: for how long, and from which seed.
    """
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # That is for finding code which reads what nobody wrote, and takes 5 % of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        if not isinstance(model, Ensemble):
            return _taught(model, old, feedback, recipe)
        members = [
            _taught(member, old, feedback, Recipe(recipe.steps, recipe.seed + number))
            for number, member in enumerate(model.members)
        ]
        return _put_together(members, validation)
    finally:
        torch.use_deterministic_algorithms(deterministic)
        torch.set_num_threads(threads)


def _taught(model: nn.Module, old: Frames, feedback: Frames, recipe: Recipe) -> nn.Module:
    torch.manual_seed(recipe.seed)  # dropout's
    network = copy.deepcopy(model).train().requires_grad_(True)
    network.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=recipe.steps)
    generator = torch.Generator().manual_seed(recipe.seed)
    known, taught = _tensors(old), _tensors(feedback)
    classes = int(old.labels.max()) + 1  # training has frames of every label
    for step, fresh in enumerate(_fresh(len(feedback), recipe.steps, generator), 1):
        rehearsed = torch.randint(len(old), (BATCH - len(fresh),), generator=generator)
        frames, labels = (
            torch.cat((before[rehearsed], new[fresh])) for before, new in zip(known, taught, strict=True)
        )
        everything = torch.arange(len(labels))
        changed, target = shown(frames, labels, everything, slice(None), generator, AUGMENTATION, classes)
        loss = F.cross_entropy(network(changed), target, label_smoothing=LABEL_SMOOTHING)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        follow(average.state_dict().values(), network.state_dict().values(), step)
    return average.to(memory_format=torch.contiguous_format).eval()


def _fresh(count: int, steps: int, generator: torch.Generator) -> list[Tensor]:
    """Return which pictures of feedback are in each batch: all of them by turns, in a new order each time.

    Args:
        count: how many there are.
        steps: of batches.
        generator: for the orders.
    """
    places = min(round(BATCH * FEEDBACK_SHARE) * steps, MOST_SHOWN * count)
    turns = [torch.randperm(count, generator=generator) for _ in range(-(-places // max(count, 1)))]
    order = torch.cat(turns)[:places] if turns else torch.empty(0, dtype=torch.int64)
    return list(order.tensor_split([places * step // steps for step in range(1, steps)]))


def _tensors(some: Frames) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(some.frames), torch.from_numpy(some.labels)


def _put_together(members: list[nn.Module], validation: Frames) -> Ensemble:
    """Return an ensemble of the members, as training.fitting.ensemble fits it."""
    ensemble = Ensemble(members).eval()
    logits = [logits_of(member, validation, CPU) for member in members]
    temperatures = torch.tensor([fit_temperature(one, validation.labels) for one in logits])
    ensemble.temperatures.copy_(temperatures)
    read = [torch.log_softmax(one / t, dim=1) for one, t in zip(logits, temperatures, strict=True)]
    ensemble.shares.copy_(fit_shares(torch.stack(read), validation.labels))
    return ensemble
