"""The trained file that the served model's archive is built from: committed, or where training left it."""

from __future__ import annotations

import json
from pathlib import Path

from launch.errors import LaunchError
from launch.settings import Settings
from system.files import PROJECT
from training.names import TRAINED_FILES, run_folders, training_command

MODEL_STORE = PROJECT / "model_store"
COMMITTED = MODEL_STORE / "digits.safetensors"


def weights_path(settings: Settings) -> Path:
    """Return where the served model's trained file is: in the model store, or else where training left it.

    Where there is none, it is the place in the model store. What training left is for the project's own model
    store: another one's content is its owner's affair.
    """
    stored = settings.archive.with_suffix(".safetensors")
    places = [stored, settings.archive.with_suffix(".onnx")]
    if settings.model_store == MODEL_STORE:
        places += [PROJECT / run / name for run in run_folders(settings.model) for name in TRAINED_FILES]
    return next((path for path in places if path.is_file()), stored)


def where_weights_come_from(settings: Settings) -> str:
    """Return the advice for missing or damaged weights: git has those of one model only."""
    if weights_path(settings) == COMMITTED:
        return f"`git checkout -- {COMMITTED.relative_to(PROJECT)}`"
    name = settings.model
    put = f"put {name}.safetensors or {name}.onnx (or a whole {name}.mar) into {settings.model_store}"
    if settings.model_store == MODEL_STORE:
        put = f"`{training_command(settings.model)}`, or {put}"
    return f"{put}, or unset MODEL and MODEL_STORE for the committed model"


def require_weights(settings: Settings) -> None:
    """Check that the served model has an archive or a trained file to build it from.

    Raises:
        LaunchError: it has neither.
    """
    if not settings.archive.is_file() and not weights_path(settings).is_file():
        raise LaunchError(
            f"there is neither an archive {settings.archive} nor the weights to build it from",
            where_weights_come_from(settings),
        )


def describe(path: Path) -> str:
    """Return what a trained file is, in words, after checking what can be checked with nothing installed.

    Raises:
        LaunchError: it is damaged; the fix is left to the caller.
    """
    tensors = f", {count_tensors(path)} tensors" if path.suffix == ".safetensors" else ""
    where = path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path
    return f"{where}, {path.stat().st_size / 1e6:.1f} MB{tensors}"


def count_tensors(path: Path) -> int:
    """Return how many tensors a safetensors file holds, after checking its header against its size.

    The format (https://github.com/huggingface/safetensors#format): the header's length as 8 bytes,
    little-endian; the header in JSON; the tensors' bytes, up to the end of the file.

    Raises:
        LaunchError: it is not such a file, or is cut off; the fix is left to the caller.
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
            raise ValueError(f"its header describes {8 + length + max(ends, default=0)} bytes, it has {size}")
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise LaunchError(f"{path.name} is not a complete safetensors file ({error})", "") from error
    return len(ends)
