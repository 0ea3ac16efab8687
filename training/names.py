"""What a model is called in its URL, and where training leaves it.

Imports nothing that has to be installed: the launcher asks it, too.
"""

from __future__ import annotations

import re
from pathlib import Path

RUNS = Path("runs")
FOLDER = "folder"  # the data set that is a folder of images; its models have the folder's name
USUAL_ARCHITECTURE = "cnn"
# Data set -> the name of its model. Of two with one name, the first one's results are looked for first.
MODEL_NAMES = {
    "digits": "digits",
    "mnist": "digits",
    "fashion_mnist": "fashion",
    "kmnist": "kmnist",
    "emnist_letters": "letters",
    "optdigits": "optdigits",
}
# Whose models get the gate, which knows digits as people draw them; other networks tell what they know.
GATED = ("digits", "mnist")
TRAINED_FILES = ("model.safetensors", "model.onnx")  # a network's weights; a classical model


def model_name(data_set: str, data: Path, architecture: str = USUAL_ARCHITECTURE) -> str:
    """Return the name of a model in its URL and archive: "fashion", "digits-lenet5".

    Args:
        data_set: a key of MODEL_NAMES, or FOLDER.
        data: the data sets' folder; for FOLDER the folder of images itself.
        architecture: what was trained; the usual one is not named.

    Raises:
        ValueError: the folder of images has a name that fits no URL, or a data set's.
    """
    name = folder_name(data) if data_set == FOLDER else MODEL_NAMES[data_set]
    return name if architecture == USUAL_ARCHITECTURE else f"{name}-{architecture}"


def folder_name(data: Path) -> str:
    """Return the name of a folder of images, fit for a URL: "My shapes" becomes "my-shapes".

    Raises:
        ValueError: nothing of it fits, or another data set has that name.
    """
    given = data.expanduser().resolve().name
    name, why = _for_url(given)
    if why:
        raise ValueError(f"The folder's name {given!r} cannot be the model's name: {why}. Rename the folder.")
    return name


def own_name(network: str, wanted: str | None = None) -> str:
    """Return the name of the model of somebody's own network, fit for a URL.

    Args:
        network: PACKAGE.MODULE:FUNCTION, or its file: by the function's name or the file's.
        wanted: the name, where one was given.

    Raises:
        ValueError: nothing of it fits, or another data set has that name.
    """
    given = wanted or Path(network.rpartition(":")[2]).stem
    name, why = _for_url(given)
    if why or (wanted and name != wanted):
        why = why or f"expected only a-z, 0-9 and -, such as {name!r}"
        raise ValueError(f"{given!r} cannot be the model's name: {why}. Give another with --name.")
    return name


def _for_url(given: str) -> tuple[str, str]:
    """Return what fits a URL of a name, and why it cannot be a model's, if it cannot."""
    name = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    if not name:
        return name, "it has no letter a-z and no digit"
    taken = sorted({*MODEL_NAMES, *MODEL_NAMES.values()})
    if any(f"{name}-".startswith(f"{other}-") for other in taken):
        return name, f"{name!r} is reserved for a data set of Sketchserve"
    return name, ""


def run_folder(data_set: str, data: Path, architecture: str = USUAL_ARCHITECTURE) -> Path:
    """Return where training leaves its results: runs/<data set or folder>-<architecture>.

    Raises:
        ValueError: as `model_name` does.
    """
    return RUNS / f"{folder_name(data) if data_set == FOLDER else data_set}-{architecture}"


def trained_file(folder: Path) -> Path:
    """Return what training left in a folder of results; where there is nothing yet, a network's weights."""
    paths = [folder / name for name in TRAINED_FILES]
    return next((path for path in paths if path.is_file()), paths[0])


def run_folders(name: str) -> list[Path]:
    """Return where training may have left the model of this name, the likeliest first."""
    folders = []
    for data_set, base in MODEL_NAMES.items():
        if name == base:
            folders.append(RUNS / f"{data_set}-{USUAL_ARCHITECTURE}")
        elif name.startswith(f"{base}-"):
            folders.append(RUNS / (data_set + name.removeprefix(base)))
    # A folder of images: "shapes" and "shapes-lenet5" are runs/shapes-cnn and runs/shapes-lenet5.
    return [
        *folders,
        *(path for path in (RUNS / f"{name}-{USUAL_ARCHITECTURE}", RUNS / name) if path not in folders),
    ]


def training_command(name: str) -> str:
    """Return the command that trains the model of this name."""
    for data_set, base in MODEL_NAMES.items():
        if name == base:
            return f"make train DATASET={data_set}"
        if name.startswith(f"{base}-"):
            return f"make train DATASET={data_set} MODEL={name.removeprefix(f'{base}-')}"
    return f"make train DATASET={FOLDER} DATA=<a folder named {name}, with a folder of images for each label>"
