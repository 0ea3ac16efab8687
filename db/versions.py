"""The versions of models that are known by their archives, what the gate said of them, and how they do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Subquery, func, lateral, literal, select, true
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import SQLAlchemyError

from db.errors import unavailable
from db.rows import counts, is_judged, is_right
from db.schema import model_versions, predictions, verdicts

# Of a version's answers the newest, and of these the sessions that answered last.
NEWEST_ANSWERS = 20_000
NEWEST_SESSIONS = 500


@dataclass(frozen=True)
class Version:
    """A version of a model, with its archive.

    Attributes:
        model: The model's name.
        version: Its version.
        archive: The archive's name in the model store.
        sha256: The archive's, in hexadecimal.
        run_id: The run that made it; None for what came otherwise.
        verdict: What the gate said last: "passed", "refused", "not_enough_evidence", or "" for nothing.
        why: The verdict's reason.
        champion: The version that it was compared with.
    """

    model: str
    version: str
    archive: str
    sha256: str
    run_id: int | None = None
    verdict: str = ""
    why: str = ""
    champion: str = ""


@dataclass(frozen=True)
class Session:
    """What one session got of a version.

    Attributes:
        answers: So many answers.
        slow: So many of these came later than a bound.
        wrong: And so many were judged to be wrong.
    """

    answers: int
    slow: int
    wrong: int


class Versions:
    """The versions in PostgreSQL; may be used by many threads. All methods raise DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        """Use the connections of `engine` (see `db.engine.create`)."""
        self._engine = engine

    def all(self, model: str) -> list[Version]:
        """Return the model's versions, newest first, each with its last verdict."""
        columns = model_versions.c
        last = lateral(
            select(verdicts.c.outcome, verdicts.c.reason, verdicts.c.champion_version)
            .where(
                verdicts.c.model_name == columns.model_name, verdicts.c.model_version == columns.model_version
            )
            .order_by(verdicts.c.id.desc())
            .limit(1)
        )
        query = (
            select(
                columns.model_name,
                columns.model_version,
                columns.archive,
                columns.archive_sha256,
                columns.run_id,
                func.coalesce(last.c.outcome, ""),
                func.coalesce(last.c.reason, ""),
                func.coalesce(last.c.champion_version, ""),
            )
            .join(last, true(), isouter=True)
            .where(columns.model_name == model)
            .order_by(columns.created_at.desc(), columns.model_version)
        )
        with self._connection() as connection:
            return [Version(*row) for row in connection.execute(query)]

    def find(self, model: str, version: str) -> Version | None:
        """Return one version, None where nothing is known of it."""
        return next((one for one in self.all(model) if one.version == version), None)

    def note(self, version: Version) -> None:
        """Remember a version's archive, unless a run of the loop has made the version."""
        values = {
            "model_name": version.model,
            "model_version": version.version,
            "archive": version.archive,
            "archive_sha256": version.sha256,
            "made_of": {},
        }
        with self._connection() as connection:
            noted = insert(model_versions).values(values)
            archive = {key: noted.excluded[key] for key in ("archive", "archive_sha256")}
            connection.execute(
                noted.on_conflict_do_update(
                    constraint=model_versions.primary_key,
                    set_=archive,
                    where=model_versions.c.made_of == literal({}, JSONB),
                )
            )

    def p99_ms(
        self, model: str, version: str, since: datetime, until: datetime | None = None
    ) -> float | None:
        """Return what 99 % of a version's answers took at most, None where there are none."""
        newest = _newest(model, version, since, until)
        with self._connection() as connection:
            return connection.scalar(select(func.percentile_cont(0.99).within_group(newest.c.latency_ms)))

    def sessions(
        self,
        model: str,
        version: str,
        since: datetime,
        until: datetime | None = None,
        slow_ms: float | None = None,
    ) -> list[Session]:
        """Return what each session got of a version's newest answers, sessions with the newest ones first."""
        newest = _newest(model, version, since, until)
        query = (
            select(
                func.count(),
                func.count().filter(newest.c.latency_ms > slow_ms) if slow_ms is not None else literal(0),
                func.count().filter(newest.c.is_wrong),
            )
            .group_by(newest.c.session_id)
            .order_by(func.max(newest.c.created_at).desc())
            .limit(NEWEST_SESSIONS)
        )
        with self._connection() as connection:
            return [Session(*row) for row in connection.execute(query)]

    def accuracy(self, model: str, version: str) -> tuple[int, int]:
        """Return how many of a version's newest answers were judged, and how many of these were right."""
        of = (predictions.c.model_name == model, predictions.c.model_version == version)
        newest = (
            select(is_right.label("is_right"))
            .where(*of, counts, is_judged)
            .order_by(predictions.c.created_at.desc())
            .limit(NEWEST_ANSWERS)
            .subquery()
        )
        query = select(func.count(), func.count().filter(newest.c.is_right))
        with self._connection() as connection:
            judged, right = connection.execute(query).one()
        return judged, right

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Yield a connection in a transaction; what fails becomes DatabaseUnavailable."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise unavailable(error) from error


def _newest(model: str, version: str, since: datetime, until: datetime | None) -> Subquery:
    """Return the query for a version's newest answers in a time."""
    query = select(
        predictions.c.session_id,
        predictions.c.created_at,
        predictions.c.latency_ms,
        (is_judged & ~func.coalesce(is_right, False)).label("is_wrong"),
    ).where(
        predictions.c.model_name == model,
        predictions.c.model_version == version,
        predictions.c.created_at >= since,
        counts,
    )
    if until is not None:
        query = query.where(predictions.c.created_at < until)
    return query.order_by(predictions.c.created_at.desc()).limit(NEWEST_ANSWERS).subquery()
