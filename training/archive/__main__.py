"""Build the archive that TorchServe loads: `python -m training.archive` -> model_store/digits.mar."""

import argparse
import os
import sys
from pathlib import Path

from system import known_archives
from training.archive.build import build
from training.models import weights
from training.names import FOLDER, MODEL_NAMES, USUAL_ARCHITECTURE, model_name, run_folder, trained_file
from training.options import folder


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.archive", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--weights", type=Path, help="what was trained (default: the committed digits)")
    parser.add_argument("--dataset", choices=[*MODEL_NAMES, FOLDER], help="take what was trained on this")
    parser.add_argument("--model", default=USUAL_ARCHITECTURE, help="with --dataset: the architecture")
    parser.add_argument("--data", type=folder, default="data", help="with --dataset folder: the folder")
    parser.add_argument("--name", help="the model's name in its URL (default: the data set's)")
    parser.add_argument("--version", help="the version in the manifest (default: the weights' own)")
    parser.add_argument("--out", type=Path, help="the archive (default: model_store/NAME.mar)")
    given = parser.parse_args(arguments)
    trained, name = given.weights, given.name
    try:
        if given.dataset:
            trained = trained or trained_file(run_folder(given.dataset, given.data, given.model))
            name = name or model_name(given.dataset, given.data, given.model)
        trained, name = trained or weights.DEFAULT_WEIGHTS, name or "digits"
        path = build(trained, name, given.out or Path("model_store") / f"{name}.mar", given.version)
        known_archives.add(path.resolve(), known_archives.place(os.environ))
    except (OSError, ValueError) as error:
        print(f"archive: {error}", file=sys.stderr)
        return 1
    print(f"{path} ({path.stat().st_size / 1e6:.2f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
