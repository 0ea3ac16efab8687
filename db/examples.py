"""Which drawings a run of the loop learns from, and which it is measured on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from db.schema import examples, looks, loop_runs, model_versions, predictions, verdicts

PARTS = ("train", "gate")


@dataclass(frozen=True)
class Chosen:
    """A drawing that a run takes.

    Attributes:
        prediction_id: Its answer's.
        part: "train" for what may train, "gate" for what only ever measures.
        label: What it is; None for no digit.
        picture: SHA-256 of the image file, 32 bytes.
    """

    prediction_id: UUID
    part: str
    label: str | None
    picture: bytes


def learnt(connection: Connection, model_name: str) -> set[tuple[bytes, str | None]]:
    """Return the pictures, with their labels, that versions of the model were made with which passed.

    Not those of one that was never tried, which nobody will: it was compared with a version of before.
    """
    query = (
        select(examples.c.picture_sha256, examples.c.label)
        .join(loop_runs, loop_runs.c.id == examples.c.run_id)
        .where(
            loop_runs.c.model_name == model_name,
            select(verdicts.c.id)
            .join(model_versions)
            .join(
                looks,
                (looks.c.model_name == verdicts.c.model_name)
                & (looks.c.model_version == verdicts.c.model_version),
            )
            .where(model_versions.c.run_id == examples.c.run_id, verdicts.c.outcome == "passed")
            .exists(),
        )
    )
    return {(bytes(picture), label) for picture, label in connection.execute(query)}


def gate_pictures(connection: Connection) -> set[bytes]:
    """Return the pictures that some run measured with: they never train."""
    query = select(examples.c.picture_sha256).where(examples.c.part == "gate").distinct()
    return {bytes(picture) for picture in connection.scalars(query)}


def kept(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the predictions that are there; until this transaction ends none of them is deleted."""
    query = select(predictions.c.id).where(predictions.c.id.in_(sorted(ids))).order_by(predictions.c.id)
    return set(connection.scalars(query.with_for_update(read=True, key_share=True)))


def put(connection: Connection, run_id: int, chosen: Sequence[Chosen]) -> None:
    """Write what the run takes, in the place of what it took before."""
    connection.execute(delete(examples).where(examples.c.run_id == run_id))
    rows = [
        {
            "run_id": run_id,
            "prediction_id": one.prediction_id,
            "part": one.part,
            "label": one.label,
            "picture_sha256": one.picture,
        }
        for one in chosen
    ]
    if rows:
        connection.execute(insert(examples), rows)
