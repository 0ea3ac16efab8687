"""Build the archive that TorchServe loads: `python -m training.archive` -> model_store/digits.mar.

With --network, build it from a network of your own. This imports and runs your module, and all that it
imports, with your rights: do not name a module that you would not run. Weights and ONNX files are only data.
"""

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
    first, _, trust = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m training.archive", description=first, epilog=trust.strip()
    )
    parser.add_argument(
        "--weights", type=Path, help="the trained weights (default: the committed ones of digits)"
    )
    parser.add_argument(
        "--dataset", choices=[*MODEL_NAMES, FOLDER], help="use the model that was trained on this data set"
    )
    parser.add_argument("--model", default=USUAL_ARCHITECTURE, help="with --dataset: the architecture")
    parser.add_argument(
        "--data", type=folder, default=Path("data"), help="with --dataset folder: the folder of images"
    )
    parser.add_argument("--name", help="the model's name in its URL (default: the data set's)")
    parser.add_argument("--version", help="the version in the manifest (default: the weights' own)")
    parser.add_argument("--out", type=Path, help="the archive (default: model_store/NAME.mar)")
    own = parser.add_argument_group("a network of your own")
    own.add_argument(
        "--network",
        help=(
            "PACKAGE.MODULE:FUNCTION, which is imported and run, and must return a torch.nn.Module; or an "
            "ONNX file"
        ),
    )
    own.add_argument(
        "--labels",
        type=Path,
        help="with --network: a file with one label per line, in the order of the outputs",
    )
    own.add_argument("--validation", type=folder, help="with --network: a folder of images to calibrate with")
    own.add_argument("--framing", help="with --network: how an image becomes a frame, such as photo-224")
    given = parser.parse_args(arguments)
    only = [name for name in ("labels", "validation", "framing") if getattr(given, name)]
    if only and not given.network:
        parser.error(f"--{only[0]} needs --network")
    if given.network and not (given.labels and given.validation):
        parser.error("--network needs --labels and --validation")
    idle = [name for name in ("model", "data") if getattr(given, name) != parser.get_default(name)]
    if idle and not given.dataset:
        parser.error(f"--{idle[0]} needs --dataset")
    if given.network and given.dataset:
        parser.error(
            "--dataset and --network exclude each other: --dataset is for a model trained here, --network "
            "for your own"
        )
    try:
        path = _own(given) if given.network else _trained(given)
        known_archives.add(path.resolve(), known_archives.place(os.environ))
    except (OSError, ValueError) as error:
        print(f"archive: {error}", file=sys.stderr)
        return 1
    return 0


def _trained(given: argparse.Namespace) -> Path:
    """Build the archive of what was trained here; return its path.

    Raises:
        OSError, ValueError: it cannot be built.
    """
    trained, name = given.weights, given.name
    if given.dataset:
        trained = trained or trained_file(run_folder(given.dataset, given.data, given.model))
        name = name or model_name(given.dataset, given.data, given.model)
    trained, name = trained or weights.DEFAULT_WEIGHTS, name or "digits"
    path = build(trained, name, given.out or Path("model_store") / f"{name}.mar", given.version)
    print(f"{path} ({path.stat().st_size / 1e6:.2f} MB)")
    return path


def _own(given: argparse.Namespace) -> Path:
    """Build the archive of somebody's own network, and the file that it is built from; return its path.

    Raises:
        OSError, ValueError: it cannot be built.
    """
    try:
        from training.archive.own_network import build_own
    except ModuleNotFoundError as error:
        raise ValueError(f"--network needs {error.name}: run `make setup GROUP=train`.") from None
    return build_own(given)


if __name__ == "__main__":
    sys.exit(main())
