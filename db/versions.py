"""The versions of models that are known by their archives, what the gate said of them, and how they do."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, lateral, literal, select, true
from sqlalchemy.dialects.postgresql import JSONB, insert

from db.engine import UsesEngine, transaction
from db.rows import counts, is_judged, is_right
from db.schema import model_versions, predictions, verdicts
from db.version_answers import (
    MOST_ANSWERS,
    MOST_DOUBTED,
    MOST_SESSIONS,
    Doubted,
    Session,
    answers_of,
    in_time,
    lot,
    some_sessions,
)

# A version's accuracy is that of so many answers, the newest that were judged.
MOST_JUDGED = 20_000


@dataclass(frozen=True)
class Version:
    """A version of a model, with its archive.

    Attributes:
        model: The model's name.
        version: Its version.
        archive: The archive's name in the model store.
        sha256: The archive's, in hexadecimal.
        run_id: The run that made it; None for what came otherwise, and where that is gone.
        made_of: Hash of data, commit, seed, settings, metrics; nothing for what came otherwise.
        verdict: What the gate said last: "passed", "refused", "not_enough_evidence", or "" for nothing.
        why: The verdict's reason.
        champion: The version that it was compared with.
    """

    model: str
    version: str
    archive: str
    sha256: str
    run_id: int | None = None
    made_of: dict[str, Any] = field(default_factory=dict)
    verdict: str = ""
    why: str = ""
    champion: str = ""


class Versions(UsesEngine):
    """The versions in PostgreSQL; may be used by many threads. All methods raise DatabaseUnavailable."""

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
                columns.made_of,
                func.coalesce(last.c.outcome, ""),
                func.coalesce(last.c.reason, ""),
                func.coalesce(last.c.champion_version, ""),
            )
            .join(last, true(), isouter=True)
            .where(columns.model_name == model)
            .order_by(columns.created_at.desc(), columns.model_version)
        )
        with transaction(self._engine) as connection:
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
        with transaction(self._engine) as connection:
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
        answers = answers_of(model, version, since, until).subquery()
        with transaction(self._engine) as connection:
            return connection.scalar(select(func.percentile_cont(0.99).within_group(answers.c.latency_ms)))

    def count(self, model: str, version: str, since: datetime, due: int) -> tuple[int, int]:
        """Return how many answers a version gave since then, and to how many sessions.

        No more are counted than are due, or than are looked at: else each look would take longer.
        """
        given = select(predictions.c.session_id).where(*in_time(model, version, since, None))
        some = given.limit(max(due, MOST_ANSWERS)).subquery()
        query = select(func.count(), func.count(some.c.session_id.distinct())).select_from(some)
        with transaction(self._engine) as connection:
            answers, sessions = connection.execute(query).one()
        return answers, sessions

    def sessions(
        self,
        model: str,
        version: str,
        since: datetime,
        until: datetime | None = None,
        slow_ms: float | None = None,
        wrong: Collection[UUID] = (),
    ) -> list[Session]:
        """Return what each session got of a version's answers, MOST_SESSIONS of them by lot.

        Args:
            model: The model's name.
            version: Which one.
            since: From when its answers are taken,
            until: and to when; None for now.
            slow_ms: What took longer is slow; None where nothing is.
            wrong: Which answers count as wrong.
        """
        answers = answers_of(model, version, since, until).subquery()
        query = (
            select(
                func.count(),
                func.count().filter(answers.c.latency_ms > slow_ms) if slow_ms is not None else literal(0),
                func.count().filter(answers.c.id.in_(wrong)) if wrong else literal(0),
            )
            .select_from(answers)
            .group_by(answers.c.session_id)
            .order_by(lot(answers.c.session_id))
            .limit(MOST_SESSIONS)
        )
        with transaction(self._engine) as connection:
            return [Session(*row) for row in connection.execute(query)]

    def doubted(
        self, model: str, version: str, since: datetime, until: datetime | None = None
    ) -> list[Doubted]:
        """Return which of the answers that `sessions` tells of were judged wrong.

        Of each session the first ones; and the first of each session come before all second ones.
        """
        answers = answers_of(model, version, since, until).cte()
        place = func.row_number().over(
            partition_by=answers.c.session_id, order_by=(answers.c.created_at, answers.c.id)
        )
        wrong = (
            select(answers.c.id, answers.c.true_label, place.label("place"))
            .where(answers.c.is_wrong, answers.c.session_id.in_(some_sessions(answers)))
            .subquery()
        )
        query = select(wrong.c.id, wrong.c.true_label).where(wrong.c.place <= MOST_DOUBTED)
        with transaction(self._engine) as connection:
            return [Doubted(*row) for row in connection.execute(query.order_by(wrong.c.place, wrong.c.id))]

    def accuracy(self, model: str, version: str) -> tuple[int, int]:
        """Return how many of a version's newest answers were judged, and how many of these were right."""
        of = (predictions.c.model_name == model, predictions.c.model_version == version)
        judged_last = (
            select(is_right.label("is_right"))
            .where(*of, counts, is_judged)
            .order_by(predictions.c.created_at.desc())
            .limit(MOST_JUDGED)
            .subquery()
        )
        query = select(func.count(), func.count().filter(judged_last.c.is_right))
        with transaction(self._engine) as connection:
            judged, right = connection.execute(query).one()
        return judged, right
