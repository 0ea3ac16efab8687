"""The baseline's archive, made as TorchServe's documentation says, with its defaults for everything."""

import json
import subprocess
import sys
from pathlib import Path

import torch

from training.models import weights

FOLDER = Path(__file__).parent
NAME = "baseline"


def build(folder: Path, weights_path: Path = weights.DEFAULT_WEIGHTS) -> Path:
    """Return the archive of the same weights for eager PyTorch, built in the folder.

    Raises:
        subprocess.CalledProcessError: torch-model-archiver failed.
    """
    model, about = weights.load(weights_path)
    torch.save(model.state_dict(), folder / "digits.pt")
    names = {str(index): label for index, label in enumerate(about.label_names)}
    (folder / "index_to_name.json").write_text(json.dumps(names), encoding="utf-8")
    command: list[str | Path] = [
        *(sys.executable, "-m", "model_archiver.model_packaging"),
        *("--model-name", NAME, "--version", "1.0"),
        *("--model-file", FOLDER / "network.py"),
        *("--serialized-file", folder / "digits.pt"),
        *("--handler", FOLDER / "pillow_handler.py"),
        *("--extra-files", folder / "index_to_name.json"),
        *("--export-path", folder),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder / f"{NAME}.mar"
