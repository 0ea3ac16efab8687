"""How near `python -m training.score` comes to the handler's own speed: `python -m bench.bulk`."""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.in_process import limit
from bench.pictures import pictures
from bench.served_archive import unpack
from training.options import positive
from training.score import local
from training.score.inputs import Inputs
from training.score.plan import plan

ARCHIVE = Path("model_store/digits.mar")
# Files of a folder: so many drawn pictures, each under several names.
DRAWN, ROWS = 512, 512


def main(arguments: list[str] | None = None) -> int:
    """Print a table, a row for each number of processes, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.bulk", description=(__doc__ or "").split(":")[0] + "."
    )
    parser.add_argument("--pictures", type=positive, default=16_384, help="how many files (16384)")
    parser.add_argument("--seconds", type=positive, default=5, help="length of the limit's measurement (5)")
    parser.add_argument("--rounds", type=positive, default=3, help="how often each is measured (3)")
    given = parser.parse_args(arguments)
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        work = Path(place).resolve()
        archive, files = unpack(ARCHIVE, work / "archive"), _files(work / "files", given.pictures)
        for turn in range(given.rounds):
            for workers, measured in found.items():
                fastest = limit(archive, given.seconds, workers)
                output = work / f"found-{turn}-{workers}"
                measured.append((fastest, scored_per_s(files, output, archive, workers)))
    print("| processes | handler in a loop, pictures/s | `training.score`, pictures/s | share |")
    print("|---|---|---|---|")
    for workers, measured in found.items():
        fastest, scored = (median(column) for column in zip(*measured, strict=True))
        share = median(mine / theirs for theirs, mine in measured)
        print(f"| {workers} | {fastest:,.0f} | {scored:,.0f} | {share:.0%} |")
    return 0


def scored_per_s(files: Path, output: Path, archive: Path, workers: int) -> float:
    """Return how many pictures a second are read, answered and written, once the processes have started.

    Args:
        files: a folder of pictures.
        output: a folder that is not there yet.
        archive: the unpacked archive.
        workers: how many processes.
    """
    work = plan(Inputs(files), output, "", ROWS)
    done = list(local.made(output, archive, False, work.missing(), workers))
    # Each process makes one part after the other; that they do not all begin at once is not counted.
    return workers * work.pictures / sum(part.ended - part.began for part in done)


def _files(folder: Path, count: int) -> Path:
    """Return a folder with so many PNG files, in folders of their own."""
    for index, content in enumerate(pictures(min(count, DRAWN))):
        for copy, number in enumerate(range(index, count, DRAWN)):
            path = folder / f"{copy:04}" / f"{number:08}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            if copy:
                os.link(folder / "0000" / f"{index:08}.png", path)
            else:
                path.write_bytes(content)
    return folder


if __name__ == "__main__":
    sys.exit(main())
