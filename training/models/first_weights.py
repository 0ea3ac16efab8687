"""Weights from elsewhere, to begin a training with: only data is read of a file, never code."""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

# What other programs put around a state dict, and before its names.
WRAPPERS = ("state_dict", "model_state_dict", "model", "model_state")
PREFIXES = ("module.", "_orig_mod.", "network.", "model.")
# What the unpickler names in its error that is not a tensor.
OBJECT = re.compile(r"GLOBAL (\S+) was not an allowed global")
# So begins what torch.save wrote: a zip file or, of former days, a pickle. Lines of text, too, may pass for a
# pickle: "cat" and "dog" name a global.
SAVED = (b"PK", b"\x80")
# Of a network's numbers so many have to be in the file, or it is another network's.
LEAST_SHARE = 0.5


def begin_with(network: nn.Module, path: Path) -> str:
    """Load what fits of a file into a network; return in words what did and what did not.

    A tensor fits where name and shape are equal: the last layer of a network for other labels does not.

    Args:
        network: as `training.models.networks.build` returns it.
        path: safetensors, or what torch.save wrote of a state dict.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no tensors by name, or those of another network.
    """
    given = tensors_of(path)
    own = network.state_dict()
    names = {plain(name): name for name in own}
    fitting = {
        names[name]: tensor
        for name, tensor in given.items()
        if name in names and own[names[name]].shape == tensor.shape
    }
    total = sum(tensor.numel() for tensor in own.values())
    if sum(tensor.numel() for tensor in fitting.values()) < LEAST_SHARE * total:
        raise ValueError(
            f"{path} has weights of another network: {len(fitting)} of {len(own)} tensors fit. It has "
            f"{', '.join(list(given)[:3])}, ...; expected {', '.join(list(names)[:3])}, ..."
        )
    network.load_state_dict({**own, **fitting})
    left = [plain(name) for name in own if name not in fitting]
    fresh = f"; newly initialised: {', '.join(left[:4])}{', ...' if len(left) > 4 else ''}" if left else ""
    return f"{len(fitting)} of {len(own)} tensors come from {path}{fresh}"


def freeze(network: nn.Module) -> None:
    """Leave the last layer alone to be trained.

    Raises:
        ValueError: the network does not end in a linear layer.
    """
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(
            "--freeze: the network does not end in a linear layer, which could be trained alone."
        )
    network.requires_grad_(False)
    linear[-1].requires_grad_(True)


def keep_statistics(network: nn.Module) -> None:
    """Let batch normalisation of what is frozen use what it has counted, and count no more."""
    for module in network.modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not getattr(weight, "requires_grad", True):
            module.eval()


def tensors_of(path: Path, option: str = "--init") -> dict[str, Tensor]:
    """Return a file's tensors by their names without what other programs put before these.

    Args:
        path: safetensors, or what torch.save wrote of a state dict.
        option: which one named the file, for advice.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no tensors by name.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{option} {path}: there is no such file.")
    try:
        found: Any = load_file(path)
    except SafetensorError:
        try:
            # Pickles run code; weights_only reads tensors and plain containers, and refuses all else.
            found = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # the unpickler raises whatever a damaged file leads it to
            raise ValueError(
                f"{option} {path}: expected safetensors, or a state dict written by torch.save; "
                f"{_in_its_place(path, str(error))}"
            ) from None
    for wrapper in WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    tensors = {}
    if isinstance(found, dict):
        tensors = {plain(str(name)): one for name, one in found.items() if isinstance(one, Tensor)}
    if not tensors:
        raise ValueError(f"{option} {path}: it does not hold tensors by name, as a state dict does.")
    return tensors


def _in_its_place(path: Path, error: str) -> str:
    """Return what a file holds in place of tensors, and what to do, by torch.load's error."""
    with path.open("rb") as file:
        saved = file.read(2).startswith(SAVED)
    if saved and (found := OBJECT.search(error)):
        holds = f"Python objects ({found[1]}), such as a whole network, and loading them runs code"
    elif "TorchScript" in error:
        holds = "a network compiled to TorchScript"
    else:
        return "this file is neither, or it is damaged."
    return (
        f"this file holds {holds}. Load it where it was written, and save only its tensors: "
        "torch.save(network.state_dict(), FILE)."
    )


def plain(name: str) -> str:
    """Return a tensor's name without what other programs put before it."""
    while name.startswith(PREFIXES):
        name = name.partition(".")[2]
    return name
