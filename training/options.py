"""Options that several commands share."""

import argparse
import os
from pathlib import Path


def parser_of(name: str, about: str | None) -> argparse.ArgumentParser:
    """Return the parser of `python -m NAME`, which the first line of its module's docstring describes."""
    return argparse.ArgumentParser(prog=f"python -m {name}", description=(about or "").split("\n")[0])


def data_folder(parser: argparse.ArgumentParser) -> None:
    """Add --data, which MNIST_DIR names where it is not given."""
    parser.add_argument(
        "--data",
        type=folder,
        default=os.environ.get("MNIST_DIR") or "data",
        help="folder of the data sets; downloads go there. With --dataset folder: the folder of images",
    )


def folder(text: str) -> Path:
    """Return the path of a folder; of `DATA=~/shapes`, in which not every shell replaces the `~`, as well."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise argparse.ArgumentTypeError(f"got {text} ({error}): name the folder without ~") from None


def positive(text: str) -> int:
    """Return a whole number from 1."""
    return _whole(text, 1)


def natural(text: str) -> int:
    """Return a whole number from 0."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    number = int(text)
    if number < least:
        raise argparse.ArgumentTypeError(f"got {text}, expected a whole number of at least {least}")
    return number
