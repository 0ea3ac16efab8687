"""Which models got their workers through a page, and when a visitor of any page asked each last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.engine import UsesEngine, transaction
from db.schema import model_uses


@dataclass(frozen=True)
class Use:
    """How many seconds ago a model was asked last, and how many workers it had."""

    ago_s: float
    workers: int


class ModelUses(UsesEngine):
    """The uses in PostgreSQL, by its own clock; for many threads. All methods raise DatabaseUnavailable."""

    def exchange(self, started: Mapping[str, Use], asked_ago_s: Mapping[str, float]) -> dict[str, Use]:
        """Tell what happened on this page, and return what is known of all models that pages gave workers.

        Args:
            started: Models that got workers here since the last exchange.
            asked_ago_s: How many seconds ago a visitor of this page asked a model last.
        """
        with transaction(self._engine) as connection:
            for path, use in sorted(started.items()):
                added = insert(model_uses).values(
                    model_path=path, used_at=_ago(use.ago_s), workers=use.workers
                )
                latest = func.greatest(model_uses.c.used_at, added.excluded.used_at)
                connection.execute(
                    added.on_conflict_do_update(
                        index_elements=["model_path"],
                        set_={"used_at": latest, "workers": added.excluded.workers},
                    )
                )
            for path, ago_s in sorted(asked_ago_s.items()):
                at = _ago(ago_s)
                is_later = (model_uses.c.model_path == path, model_uses.c.used_at < at)
                connection.execute(update(model_uses).where(*is_later).values(used_at=at))
            since = func.extract("epoch", func.now() - model_uses.c.used_at)
            rows = connection.execute(select(model_uses.c.model_path, since, model_uses.c.workers))
            return {path: Use(float(ago), workers) for path, ago, workers in rows}

    def claim(self, path: str, idle_s: float) -> bool:
        """Forget a model that nobody asked for so long; return False where it is not, or another page did."""
        is_idle = (model_uses.c.model_path == path, model_uses.c.used_at <= _ago(idle_s))
        with transaction(self._engine) as connection:
            return connection.execute(delete(model_uses).where(*is_idle)).rowcount == 1

    def forget(self, path: str) -> None:
        """Let no page take workers from a model any more."""
        with transaction(self._engine) as connection:
            connection.execute(delete(model_uses).where(model_uses.c.model_path == path))


def _ago(seconds: float) -> ColumnElement[datetime]:
    return func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
