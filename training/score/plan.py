"""The plan of a run: every input once, in parts; what is done is told by which parts are there.

It is a Parquet file with a row group a part, made before the first picture is labelled and never changed. So
a run that was ended at any moment is gone on with by whoever reads the plan, and no input is in two parts.
"""

import itertools
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from system.files import UNFINISHED, written_aside
from training.score.inputs import Inputs, Item, in_words, state

# An underscore keeps it from those who read a folder of Parquet files as one table.
FILE, ABOUT = "_plan.parquet", b"plan"
UNPACKED = f"archive{UNFINISHED}"
# What a run makes until it is whole; a folder may have files of others that are called unfinished.
DRAFTS = (UNPACKED, f"{FILE}.*{UNFINISHED}", f"part-[0-9]*.parquet.*{UNFINISHED}")
SCHEMA = pa.schema(
    [("name", pa.string()), ("file", pa.binary()), ("offset", pa.int64()), ("size", pa.int64())]
)


class OtherPlanError(ValueError):
    """OUTPUT was begun with something else."""


@dataclass(frozen=True)
class Plan:
    """What is to be labelled, and into which parts.

    Attributes:
        output: the folder of the parts.
        parts: how many there are.
        pictures: how many inputs, in all of them.
        about: what it was made for: input, is_file, column, archive_sha256, root, containers, left_out.
    """

    output: Path
    parts: int
    pictures: int
    about: dict[str, Any]

    @property
    def root(self) -> Path:
        """Return the folder that items' files are relative to."""
        return Path(self.about["root"])

    def part(self, number: int) -> Path:
        """Return where a part is once it is finished."""
        return self.output / f"part-{number:06}.parquet"

    def items(self, number: int) -> list[Item]:
        """Return a part's inputs, in order."""
        with pq.ParquetFile(self.output / FILE) as file:
            columns = file.read_row_group(number).to_pydict()
        return [
            Item(name, os.fsdecode(file), offset, size)
            for name, file, offset, size in zip(*columns.values(), strict=True)
        ]

    def missing(self) -> list[int]:
        """Return the parts that are not finished."""
        there = {path.name for path in self.output.glob("part-*.parquet")}
        return [number for number in range(self.parts) if self.part(number).name not in there]

    def pictures_done(self) -> int:
        """Return how many inputs are in finished parts."""
        missing = set(self.missing())
        with pq.ParquetFile(self.output / FILE) as file:
            rows = [file.metadata.row_group(number).num_rows for number in range(self.parts)]
        return sum(count for number, count in enumerate(rows) if number not in missing)

    def require_same(self, file: str) -> None:
        """Return if a file with several pictures in it is the one that was planned with.

        Raises:
            OtherPlanError: it is another, or changed.
            OSError: it cannot be looked at.
        """
        if list(state(self.root / file)) != self.about["containers"][file]:
            raise OtherPlanError(
                f"{self.root / file} has changed since {self.output / FILE} was made: restore it, or name "
                "another OUTPUT"
            )


def plan(inputs: Inputs, output: Path, archive_sha256: str, rows: int) -> Plan:
    """Return the plan that is in the folder of output, or else a new one, which is there then.

    Args:
        inputs: what is to be labelled.
        output: the folder; it is made where there is none.
        archive_sha256: of the archive that answers.
        rows: how many inputs a new plan has in a part; only those that cannot be read apart may be more.

    Raises:
        OtherPlanError: the folder's plan is for other inputs, or for some that are gone, or for another
            archive; or it has parts without one.
        ValueError: the inputs are none that can be read, or there are none.
        OSError: they cannot be read, or the folder cannot be written.
    """
    wanted = {
        "input": str(inputs.given),
        "column": inputs.column,
        "archive_sha256": archive_sha256,
        "is_file": not inputs.given.is_dir(),
    }
    output.mkdir(parents=True, exist_ok=True)
    if (output / FILE).exists():
        found = read_plan(output)
        _require_for(wanted, found)
        _require_there(inputs.given, found)
        return found
    if any(output.glob("part-*.parquet")):
        raise OtherPlanError(f"{output} has parts but no {FILE}: name another OUTPUT")
    _write(inputs, output / FILE, wanted, rows)
    return read_plan(output)


def read_plan(output: Path) -> Plan:
    """Return the plan that is in a folder.

    Raises:
        ValueError: it is not a plan.
        OSError: there is none.
    """
    try:
        with pq.ParquetFile(output / FILE) as file:
            about = json.loads((file.metadata.metadata or {})[ABOUT])
            return Plan(output, file.num_row_groups, file.metadata.num_rows, about)
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        raise ValueError(
            f"{output / FILE} is not a plan of this command ({error}): name another OUTPUT"
        ) from error


def clear(output: Path) -> None:
    """Remove what a run that was ended left unfinished."""
    for draft in itertools.chain.from_iterable(map(output.glob, DRAFTS)):
        shutil.rmtree(draft) if draft.is_dir() else draft.unlink(missing_ok=True)


def _require_for(wanted: dict[str, Any], found: Plan) -> None:
    words = {"input": "INPUT", "column": "--column", "archive_sha256": "the archive"}
    for key, word in words.items():
        if found.about[key] != wanted[key]:
            raise OtherPlanError(
                f"{found.output} was begun with another {word.removeprefix('the ')} ({found.about[key]}, now "
                f"{wanted[key]}): name another OUTPUT, or the same {word.removeprefix('the ')}"
            )


def _require_there(given: Path, found: Plan) -> None:
    # A disk that is not mounted leaves an empty folder, or nothing: each picture would be without bytes.
    if not given.exists() or (given.is_dir() and not any(given.iterdir())):
        raise OtherPlanError(
            f"INPUT {given} is {'empty' if given.exists() else 'not there'}, and {found.output} was begun "
            f"with {found.pictures:,} pictures of it: mount its disk, or restore it, and run this again"
        )
    if found.about["is_file"] == given.is_dir():
        was, now = ("file", "folder") if given.is_dir() else ("folder", "file")
        raise OtherPlanError(
            f"{found.output} was begun with another INPUT ({given} was a {was}, now it is a {now}): restore "
            "it, or name another OUTPUT"
        )
    for file in found.about["containers"]:
        found.require_same(file)


def _write(inputs: Inputs, path: Path, wanted: dict[str, Any], rows: int) -> None:
    with written_aside(path) as draft:
        with pq.ParquetWriter(draft, SCHEMA, compression="zstd") as file:
            for items in _parts(inputs.groups(), rows):
                columns = [
                    [_in_unicode(item.name) for item in items],
                    [os.fsencode(item.file) for item in items],
                    [item.offset for item in items],
                    [item.size for item in items],
                ]
                file.write_table(pa.table(columns, SCHEMA), row_group_size=len(items))
            about = {
                **wanted,
                "root": str(inputs.root),
                "containers": inputs.containers,
                "left_out": dict(inputs.left_out),
            }
            file.add_key_value_metadata({ABOUT.decode(): json.dumps(about)})
        with pq.ParquetFile(draft) as file:
            if not file.metadata.num_rows:
                others = f" (left out: {in_words(inputs.left_out)})" if inputs.left_out else ""
                raise ValueError(f"there are no pictures in {inputs.given}{others}")


def _in_unicode(name: str) -> str:
    """Return a name as it can be written: one from a file system may have bytes that are not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def _parts(groups: Iterator[list[Item]], rows: int) -> Iterator[list[Item]]:
    part: list[Item] = []
    for group in groups:
        if part and len(part) + len(group) > rows:
            yield part
            part = []
        part.extend(group)
    if part:
        yield part
