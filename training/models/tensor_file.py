"""Files of tensors in safetensors, and beside the tensors what rebuilding and serving them needs."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor

from system.files import written_aside

Rebuilt = TypeVar("Rebuilt")


def save(path: Path, tensors: dict[str, Tensor], about: Any) -> None:
    """Write tensors and a dataclass; a reader sees the old file or the new one, never half of it."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with written_aside(path) as draft:
        # By way of memory: the error of its own writer is not an OSError, even where the disk is full.
        draft.write_bytes(serialised(kept, metadata={"about": json.dumps(asdict(about))}))
        draft.chmod(0o644)  # servers run as others


def tensor(path: Path, name: str) -> Tensor | None:
    """Return one tensor of a file that can be read, None where it has none of this name."""
    with safe_open(str(path), framework="pt") as file:
        return file.get_tensor(name) if name in file.keys() else None  # noqa: SIM118 - not a dict


def load(
    path: Path, rebuild: Callable[[dict[str, Any], dict[str, Tensor]], Rebuilt], kind: str, command: str
) -> Rebuilt:
    """Return what `rebuild` makes of the dataclass's fields and the tensors.

    Args:
        path: of the file.
        rebuild: may raise KeyError, TypeError, AttributeError, ValueError or RuntimeError where they do not
            fit together.
        kind: what the file holds, in words.
        command: that makes such a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds something else.
    """
    if not path.exists():
        raise FileNotFoundError(f"There are no {kind} in {path}: train them with `{command}`.")
    try:
        with safe_open(str(path), framework="pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        return rebuild(about, tensors)
    except (SafetensorError, KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold {kind} ({error}): train it again.") from None
