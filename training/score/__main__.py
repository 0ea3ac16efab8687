"""Label pictures by the million with an archive: `python -m training.score INPUT OUTPUT` -> Parquet files."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from system import stopping
from system.files import HeldError, lock, sha256
from system.processes import cores
from training.archive.contents import read_archive
from training.options import positive
from training.score import local
from training.score.answering import unpack
from training.score.inputs import COLUMNS, Inputs, in_words
from training.score.parts import Done
from training.score.plan import UNPACKED, Plan, clear, plan

# Two seconds of one core: little is lost with a part, and a folder of a thousand has four million pictures.
ROWS = 4096
LOCK = "_lock"
# Of progress in a log, which nobody watches, a line in so many seconds.
LOG_EVERY_S, SHOW_EVERY_S = 30.0, 0.5


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    given = _options().parse_args(arguments)
    try:
        _require_apart(given)  # first: a folder of somebody's pictures is not written to, nor cleared
        is_new = not given.output.exists()
        held = lock(_folder(given.output) / LOCK)
    except (HeldError, OSError, ValueError, RuntimeError) as error:
        return _failed(error)
    with held:
        try:
            return _score(given)
        except stopping.Stopped as stopped:
            print("score: stopped. Run the same command again to continue.", file=sys.stderr)
            return int(stopped.code or 0)
        except BrokenExecutor:
            return _failed(
                "a process ended while it worked, or could not load the archive; lines above may say why. "
                "Did it run out of memory? Run the same command again to continue, with a lower --workers "
                "if so"
            )
        except (OSError, ValueError, RuntimeError) as error:
            return _failed(error)
        finally:
            with suppress(OSError):
                clear(given.output)  # what readers of the folder would take for parts
                if is_new and [path.name for path in given.output.iterdir()] == [LOCK]:  # it was refused
                    (given.output / LOCK).unlink()
                    given.output.rmdir()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.score", description=(__doc__ or "").split(":")[0] + "."
    )
    parser.add_argument("input", type=Path, help="a folder, or a tar, Parquet or CSV file")
    parser.add_argument(
        "output", type=Path, help="the folder for the results; an earlier run in it is continued"
    )
    parser.add_argument(
        "--archive",
        type=Path,
        default="model_store/digits.mar",
        help="the archive that labels the pictures (default: model_store/digits.mar)",
    )
    parser.add_argument("--workers", type=positive, help="number of processes (default: one for each core)")
    parser.add_argument(
        "--rows", type=positive, default=ROWS, help=f"pictures in each part of a new OUTPUT (default: {ROWS})"
    )
    parser.add_argument(
        "--column",
        help=(
            "the column of Parquet and CSV files that has the pictures (default: the first that exists of "
            f"{', '.join(COLUMNS)})"
        ),
    )
    parser.add_argument(
        "--any-address",
        action="store_true",
        help="also fetch pictures from hosts of your own network, at any port",
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="the Ray cluster that does the work (default: this machine)"
    )
    return parser


def _require_apart(given: argparse.Namespace) -> None:
    """Return if what is found does not come to lie among what is labelled.

    Raises:
        ValueError: it would.
    """
    output, source = given.output.resolve(), _source(given)
    if output == source.parent if source.is_file() else output.is_relative_to(source):
        raise ValueError(f"OUTPUT {output} is inside INPUT {source}: name a folder outside it")


def _source(given: argparse.Namespace) -> Path:
    path: Path = given.input.expanduser().resolve()
    return path


def _folder(output: Path) -> Path:
    output.mkdir(parents=True, exist_ok=True)
    return output


def _score(given: argparse.Namespace) -> int:
    """Label what is not labelled yet, say how far it is, and return the exit status."""
    output, archive = given.output.resolve(), given.archive.resolve()
    read_archive(archive)
    clear(output)
    work = plan(Inputs(_source(given), given.column), output, sha256(archive), given.rows)
    numbers = work.missing()
    if left_out := work.about["left_out"]:
        print(
            f"score: left out, as links or not pictures by their names: {in_words(left_out)}",
            file=sys.stderr,
        )
    done = _shown(_made(given, output, archive, numbers), work) if numbers else []
    print(_summary(work, numbers, list(done)))
    return 0


def _made(given: argparse.Namespace, output: Path, archive: Path, numbers: Sequence[int]) -> Iterator[Done]:
    unpacked = unpack(archive, output / UNPACKED)
    if given.ray:
        from training.score import cluster  # Ray takes a second to import

        return cluster.made(given.ray, output, unpacked, given.any_address, numbers, given.workers)
    workers = min(given.workers or cores(), len(numbers))
    return local.made(output, unpacked, given.any_address, numbers, workers)


def _shown(parts: Iterator[Done], work: Plan) -> Iterator[Done]:
    every_s = SHOW_EVERY_S if sys.stderr.isatty() else LOG_EVERY_S
    with tqdm(
        total=work.pictures,
        initial=work.pictures_done(),
        unit="picture",
        mininterval=every_s,
        maxinterval=every_s,
    ) as bar:
        for done in parts:
            yield done
            bar.update(done.pictures)


def _summary(work: Plan, numbers: Sequence[int], done: list[Done]) -> str:
    before = work.parts - len(numbers)
    words = f"{work.output}: {work.pictures:,} pictures in {work.parts:,} parts"
    if before:
        words += f", {before:,} of them from earlier runs"
    if done:
        pictures, refused = sum(one.pictures for one in done), sum(one.refused for one in done)
        seconds = max(one.ended for one in done) - min(one.began for one in done)
        rate = pictures / max(seconds, 1e-9)
        words += (
            f"; {refused:,} of the {pictures:,} of this run have a reason instead of a label; {rate:,.0f} a "
            "second"
        )
    return words


def _failed(error: object) -> int:
    print(f"score: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    # Also where Ctrl-C was to be ignored, as behind `nohup`.
    stopping.raise_on_signals()
    sys.exit(main())
