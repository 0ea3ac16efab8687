"""What a filter matches as a file: CSV, JSON, or pictures in a folder for each label, sent as it is made."""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import anyio
import anyio.to_thread
from starlette.responses import RedirectResponse, Response, StreamingResponse

from db.drawings import Drawings, Filter
from db.records import HistoryRow
from ui.backend import Backend
from ui.history.asked import read_asked
from ui.history.picture import media_type
from ui.history.settled import settle
from ui.shell.views import Views
from ui.shell.visit import Visit

# So many rows are read at once: rows have thumbnails of some KB.
BATCH_ROWS = 500
MOST_ROWS = 100_000
MOST_PICTURES = 10_000
# The folder in the archive, after which `make train` names the model.
FOLDER = "drawings"
NONE = "none"
# Of the database's ten connections all exports together take so many, and no thread that a stroke may need.
_threads = anyio.CapacityLimiter(2)
# A ZIP has no earlier times; a machine without a battery for its clock may have begun in 1970.
ZIP_BEGINS = (1980, 1, 1, 0, 0, 0)
# Of the answers in CSV and JSON, in this order.
COLUMNS = (
    "id",
    "created_at",
    "source",
    "model_name",
    "model_version",
    "preprocessing",
    "predicted_label",
    "confidence",
    "is_digit",
    "label_set",
    "said",
    "true_label",
    "latency_ms",
    "request_id",
)
# Spreadsheets take a cell that begins so for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# What a folder's name cannot have on one system or another.
UNFIT = re.compile(r'[\\/:*?"<>|\x00-\x1f]')


def export(views: Views, backend: Backend, drawings: Drawings, visit: Visit) -> Response:
    """Return the file that is asked for with `?as=csv`, `json` or `zip`, and the filters of the list."""
    params = visit.request.query_params
    asked = read_asked(visit, params, datetime.now(UTC))
    kind = params.get("as", "")
    if asked is None or kind not in FORMATS:
        return RedirectResponse(f"{views.root}/history", 303)
    settle(backend.writer)
    write, media = FORMATS[kind]
    drawings.count(asked.filter)  # a database that is away is said now, and not amid the file
    headers = {"Content-Disposition": f'attachment; filename="{FOLDER}.{kind}"', "Cache-Control": "no-store"}
    parts = _in_few_threads(write(drawings, asked.filter))
    return StreamingResponse(parts, media_type=media, headers=headers)


async def _in_few_threads(parts: Iterator[str | bytes]) -> AsyncIterator[str | bytes]:
    """Yield the same; a place is held only while something is read, so that slow readers hold up nobody."""
    while (part := await anyio.to_thread.run_sync(next, parts, None, limiter=_threads)) is not None:
        yield part


def rows_of(drawings: Drawings, wanted: Filter, most: int = MOST_ROWS) -> Iterator[HistoryRow]:
    """Yield the newest `most` rows that match; no connection is held while a browser takes its time."""
    before, left = None, most
    while left > 0:
        rows = drawings.page(wanted, min(BATCH_ROWS, left), before)
        yield from rows
        if len(rows) < min(BATCH_ROWS, left):
            return
        left -= len(rows)
        before = (rows[-1].prediction.created_at, rows[-1].prediction.id)


def _values(row: HistoryRow) -> dict[str, Any]:
    """Return what a row says, without its drawing and its visitor's id, with which one could delete it."""
    prediction = row.prediction
    said = "not_a_digit" if row.is_no_digit else "label" if row.is_judged else ""
    own = {"said": said, "true_label": row.true_label or ""}
    values = {name: own[name] if name in own else getattr(prediction, name) for name in COLUMNS}
    label_set = list(prediction.label_set or ())
    return {
        **values,
        "id": str(prediction.id),
        "created_at": prediction.created_at.isoformat(),
        "label_set": label_set,
    }


def csv_lines(drawings: Drawings, wanted: Filter) -> Iterator[str]:
    """Yield the lines of a CSV file (RFC 4180)."""
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    for row in rows_of(drawings, wanted):
        values = _values(row)
        writer.writerow(map(_cell, {**values, "label_set": in_a_cell(values["label_set"])}.values()))
        yield line.getvalue()
        line.seek(0)
        line.truncate()
    yield line.getvalue()


def in_a_cell(labels: Sequence[str]) -> str:
    """Return labels with blanks between them; one that has a blank of its own is quoted, as CSV does it."""
    line = io.StringIO()
    csv.writer(line, delimiter=" ", lineterminator="").writerow(labels)
    return line.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def json_lines(drawings: Drawings, wanted: Filter) -> Iterator[str]:
    """Yield the lines of a JSON list, an object for each row, with all probabilities."""
    yield "["
    separator = "\n"
    for row in rows_of(drawings, wanted):
        yield separator + json.dumps({**_values(row), "probabilities": row.prediction.probabilities})
        separator = ",\n"
    yield "\n]\n"


def picture_chunks(drawings: Drawings, wanted: Filter) -> Iterator[bytes]:
    """Yield the bytes of a ZIP of the pictures with a label, each as it was sent, in a folder of its label.

    Where what is no digit is asked for, they are all in the folder `NONE`. Of equal pictures there is the
    newest alone: training refuses one that has two labels.
    """
    matching = wanted if wanted.show == "none" else replace(wanted, has_label=True)
    written = _Written()
    seen: set[bytes] = set()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for row in rows_of(drawings, matching, MOST_PICTURES):
            prediction = row.prediction
            image = drawings.drawing(prediction.id, prediction.session_id)
            if image is None:  # deleted meanwhile
                continue
            digest = hashlib.sha256(image).digest()
            if digest in seen:
                continue
            seen.add(digest)
            folder = f"{FOLDER}/{NONE if row.true_label is None else folder_of(row.true_label)}"
            name = f"{folder}/{prediction.id}.{media_type(image)[1]}"
            made = zipfile.ZipInfo(name, max(ZIP_BEGINS, prediction.created_at.timetuple()[:6]))
            archive.writestr(made, image)
            yield written.taken()
    yield written.taken()


def folder_of(label: str) -> str:
    """Return a label as the name of a folder: "T-shirt/top" becomes "T-shirt_top"."""
    return UNFIT.sub("_", label).strip(". ") or "_"


class _Written(io.RawIOBase):
    """What `zipfile` writes to, as to a pipe: it cannot seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


FORMATS: dict[str, tuple[Callable[[Drawings, Filter], Iterator[Any]], str]] = {
    "csv": (csv_lines, "text/csv; charset=utf-8"),
    "json": (json_lines, "application/json"),
    "zip": (picture_chunks, "application/zip"),
}
