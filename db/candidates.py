"""What a candidate is trained and judged on, and the rows about versions that the loop made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, lateral, select, true, tuple_
from sqlalchemy.dialects.postgresql import insert

from db.engine import reading
from db.loop_runs import Run, held
from db.rows import counts, newest_first
from db.schema import examples, feedback, model_versions, predictions
from db.versions import Version

# A picture may have 8 MiB, and comes from PostgreSQL as text of twice its size: so few come at once.
AT_ONCE = 4
# What is asked again of pictures, together: some hundred photographs, or all drawings.
MOST_BYTES = 512 * 1024**2


@dataclass(frozen=True)
class Taken:
    """A drawing that a run took up.

    Attributes:
        label: what people say that it is; None for no digit.
        picture_sha256: of its file, 32 bytes.
        drawing: the image file as it was sent.
    """

    label: str | None
    picture_sha256: bytes
    drawing: bytes


def taken(engine: Engine, run_id: int, part: str) -> Iterator[Taken]:
    """Yield the drawings that a run took up and that are there still.

    Args:
        engine: the database.
        run_id: the run.
        part: "train", or "gate": that one is never trained on.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
    """
    columns = (examples.c.label, examples.c.picture_sha256, predictions.c.drawing)
    query = (
        select(*columns)
        .join(predictions, predictions.c.id == examples.c.prediction_id)
        .where(examples.c.run_id == run_id, examples.c.part == part)
        .order_by(examples.c.picture_sha256)
    )
    with reading(engine) as connection:
        rows = connection.execution_options(yield_per=AT_ONCE).execute(query)
        for label, sha256, drawing in rows:
            yield Taken(label, bytes(sha256), bytes(drawing))


def newest(
    engine: Engine, model_name: str, limit: int, until: datetime
) -> list[tuple[str, bytes, str | None]]:
    """Return id, image file and, where somebody said it, the true label of the newest drawings.

    They are as many as are asked for, or as have MOST_BYTES: those of that time, with what was said by then.
    So they are the same, whatever is drawn and said later.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
    """
    said = lateral(
        select(feedback.c.true_label)
        .where(feedback.c.prediction_id == predictions.c.id, feedback.c.created_at <= until)
        .order_by(feedback.c.id.desc())
        .limit(1)
    )
    later = predictions.alias()
    replaced_at = (
        select(func.min(later.c.created_at))
        .where(
            later.c.drawing_id == predictions.c.drawing_id,
            later.c.session_id == predictions.c.session_id,
            tuple_(later.c.created_at, later.c.id) > tuple_(predictions.c.created_at, predictions.c.id),
        )
        .scalar_subquery()
    )
    query = (
        select(predictions.c.id, predictions.c.drawing, said.c.true_label)
        .join(said, true(), isouter=True)
        .where(
            predictions.c.model_name == model_name,
            predictions.c.created_at <= until,
            counts | (replaced_at > until),
        )
        .order_by(*newest_first)
        .limit(limit)
    )
    found: list[tuple[str, bytes, str | None]] = []
    bytes_left = MOST_BYTES
    with reading(engine) as connection:
        for id_, drawing, label in connection.execution_options(yield_per=AT_ONCE).execute(query):
            bytes_left -= len(drawing)
            if bytes_left < 0:
                break
            found.append((str(id_), bytes(drawing), label))
    return found


def put_version(engine: Engine, run: Run, version: Version, place: Callable[[], None] = lambda: None) -> None:
    """Write a version's row, in the place of one that the same run wrote before.

    Args:
        engine: The database.
        run: That has made it.
        version: The row.
        place: Puts the files that belong to it in their place. It is called while the step is this process's:
            one that was stopped for so long that another took the step over changes no file.

    Raises:
        DatabaseUnavailable: Nothing is written.
        LostError: Another process does this step now.
    """
    key = {"model_name": version.model, "model_version": version.version}
    changed = {
        "archive": version.archive,
        "archive_sha256": version.sha256,
        "run_id": version.run_id,
        "made_of": version.made_of,
    }
    with held(engine, run) as connection:
        connection.execute(
            insert(model_versions)
            .values(key | changed)
            .on_conflict_do_update(constraint=model_versions.primary_key, set_=changed)
        )
        place()
