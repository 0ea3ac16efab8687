"""A part of a plan: its items are read, answered, and written as a Parquet file, whole or not at all."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from system.files import written_aside
from training.score.answering import Answering, label_names
from training.score.inputs import Item
from training.score.payloads import Payload, Reader, Unreadable
from training.score.plan import Plan, read_plan

# So many rows are held until they are written.
ROWS_AT_ONCE = 4096
UNREADABLE = "Unreadable"


@dataclass(frozen=True)
class Done:
    """A finished part.

    Attributes:
        number: its place in the plan.
        pictures: how many rows it has.
        refused: how many of these have a reason and no label.
        began, ended: when it was labelled, seconds since 1970.
    """

    number: int
    pictures: int
    refused: int
    began: float
    ended: float


def schema(labels: list[str]) -> pa.Schema:
    """Return the columns of a part: the input, the API's answer, and why there is none."""
    return pa.schema(
        [
            pa.field("input", pa.string(), nullable=False),
            ("sha256", pa.string()),
            ("label", pa.string()),
            ("confidence", pa.float64()),
            ("set", pa.list_(pa.string())),
            ("is_digit", pa.bool_()),
            ("digit_score", pa.float64()),
            ("is_known", pa.bool_()),
            ("known_score", pa.float64()),
            ("probabilities", pa.struct([(label, pa.float64()) for label in labels])),
            ("top", pa.list_(pa.struct([("label", pa.string()), ("probability", pa.float64())]))),
            ("model", pa.string()),
            ("version", pa.string()),
            ("preprocessing", pa.string()),
            ("type", pa.string()),
            ("reason", pa.string()),
        ]
    )


class Labeller:
    """Makes parts with the archive's handler, in this process.

    Args:
        output: the folder with the plan.
        archive: the unpacked archive.
        any_address: as `Reader` takes it.
    """

    def __init__(self, output: Path, archive: Path, any_address: bool) -> None:
        pa.set_cpu_count(1)  # there is a process for each core
        self._plan: Plan = read_plan(output)
        self._answering = Answering(archive)
        self._reader = Reader(self._plan, any_address)
        # Process ids of two machines may be the same.
        self._writer = f"{platform.node()}-{os.getpid()}"
        about = {name: self._plan.about[name] for name in ("input", "archive_sha256")}
        words = json.dumps({**about, "writer": self._writer})
        self._schema = schema(label_names(archive)).with_metadata({"sketchserve": words})

    def make(self, number: int) -> Done:
        """Make a part, unless it is there.

        Raises:
            OtherPlanError: a file of the inputs has changed.
            OSError: a file with several pictures cannot be read, or the part cannot be written.
            BusyMachineError: other programs leave no time.
        """
        began, part, refused = time.time(), self._plan.part(number), 0
        if part.exists():  # made by somebody who was taken for dead
            return Done(number, 0, 0, began, began)
        items = self._plan.items(number)
        with (
            written_aside(part, self._writer) as draft,
            pq.ParquetWriter(draft, self._schema, compression="zstd") as file,
        ):
            for rows in self._rows(items):
                refused += sum(row["reason"] is not None for row in rows)
                file.write_table(pa.Table.from_pylist(rows, self._schema))
        return Done(number, len(items), refused, began, time.time())

    def _rows(self, items: list[Item]) -> Iterator[list[dict[str, Any]]]:
        rows: list[dict[str, Any]] = []
        for some in self._reader.read(items):
            rows += self._answered(some)
            if len(rows) >= ROWS_AT_ONCE:
                yield rows
                rows = []
        yield rows

    def _answered(self, some: list[tuple[Item, Payload]]) -> list[dict[str, Any]]:
        files = [payload for _, payload in some if isinstance(payload, bytes)]
        answers = iter(self._answering.answers(files))
        return [
            {"input": item.name, "type": UNREADABLE, "reason": payload.reason}
            if isinstance(payload, Unreadable)
            else _row(item, payload, *next(answers))
            for item, payload in some
        ]


def _row(item: Item, payload: bytes, code: int, answer: dict[str, Any]) -> dict[str, Any]:
    """Return a part's row: what is known of the input, and the answer's fields."""
    known = {"input": item.name, "sha256": hashlib.sha256(payload).hexdigest(), "reason": None}
    if code == 200:
        return {**known, **answer}
    return {**known, "type": answer["type"], "reason": answer["message"]}
