"""All that a report asks of a running server, and what its archive says of itself."""

import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from training.archive.contents import Archive, read_archive
from training.evaluation import outliers, questions
from training.evaluation.ask import Question, Server
from training.evaluation.findings import Findings, find
from training.gate import characters


def everything(data_dir: Path, strokes_of_each: int, mnist_count: int | None = None) -> Iterable[Question]:
    """Return all that a report asks; without strokes or their file, MNIST alone.

    Raises:
        FileNotFoundError: MNIST is not there and cannot be downloaded.
    """
    asked: Iterable[Question] = [questions.mnist(data_dir, mnist_count)]
    if not strokes_of_each:
        return asked
    try:
        digits = questions.held_out(data_dir, strokes_of_each)
    except FileNotFoundError as error:
        print(f"{error} Leaving strokes out.", file=sys.stderr)
        return asked
    # A share moves less from sheet to sheet of the same digit than from digit to digit: fewer are enough.
    some = digits[: max(1, strokes_of_each * 2 // 5)]
    return chain(
        asked,
        questions.kinds(digits),
        questions.resolutions(some),
        questions.changed(some),
        outliers.questions(outliers.material(data_dir), len(some), characters.parted(data_dir)["report"]),
    )


def measure(server: Server, data_dir: Path, strokes_of_each: int, mnist_count: int | None = None) -> Findings:
    """Return what the server's answers to all that a report asks amount to.

    Raises:
        FileNotFoundError: MNIST is not there and cannot be downloaded.
        requests.RequestException: the server failed or is not there.
        ValueError: it answers something else than predictions of digits, or its model changed meanwhile.
    """
    server.require_digits()  # before thousands of pictures are sent, or downloaded
    asked = everything(data_dir, strokes_of_each, mnist_count)
    return find([server.ask(question) for question in asked])


def archive_of(model: dict[str, str], path: Path) -> Archive:
    """Return what the archive of the model that answered says; of another's file, what is known."""
    known = Archive(model["model"], model["version"])
    try:
        found = read_archive(path)
    except (OSError, ValueError) as error:
        why = str(error)
    else:
        if (found.name, found.version) == (known.name, known.version):
            return found
        why = f"{path} holds {found.name} {found.version}"
    print(
        f"evaluate: what {known.name} {known.version} was trained on is not known ({why}): set MODEL and "
        "MODEL_STORE to name its archive.",
        file=sys.stderr,
    )
    return known
