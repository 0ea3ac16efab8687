"""The weights file that the archive of the served model is built from."""

from __future__ import annotations

import json
from pathlib import Path

from launch.errors import LaunchError
from launch.settings import PROJECT, Settings

COMMITTED = PROJECT / "model_store" / "digits.safetensors"


def weights_path(settings: Settings) -> Path:
    """Give where the weights of the served model are, if they are there."""
    return settings.archive.with_suffix(".safetensors")


def where_weights_come_from(settings: Settings) -> str:
    """Give the advice for missing or damaged weights: git has those of one model only."""
    if weights_path(settings) == COMMITTED:
        return f"`git checkout -- {COMMITTED.relative_to(PROJECT)}`"
    return (
        f"put {settings.archive.name} or {weights_path(settings).name} into {settings.model_store}, "
        "or unset MODEL and MODEL_STORE for the committed model"
    )


def count_tensors(path: Path) -> int:
    """Give how many tensors a safetensors file holds, after checking its header against its size.

    The format (https://github.com/huggingface/safetensors#format): the header's length as 8 bytes,
    little-endian; the header in JSON; the tensors' bytes, up to the end of the file.

    Raises:
        LaunchError: it is no such file, or not all of one; the fix is left to the caller.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= size - 8:
                raise ValueError(f"its header should have {length} bytes, the file has {size}")
            header = json.loads(file.read(length))
        ends = [about["data_offsets"][1] for name, about in header.items() if name != "__metadata__"]
        if not ends or 8 + length + max(ends) != size:
            raise ValueError(f"its header tells of {8 + length + max(ends, default=0)} bytes, it has {size}")
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise LaunchError(f"{path.name} is no whole safetensors file ({error})", "") from error
    return len(ends)
