"""What is up behind the page, for `/healthz`."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ui.outcome import Backend
from ui.torchserve import Unreachable


def health(backend: Backend, engine: Engine) -> dict[str, Any]:
    """Return what can be used now; "status" is "degraded" where something behind the page is away."""
    torchserve = _torchserve(backend)
    database = _database(backend, engine)
    is_ok = torchserve["is_up"] and database["is_up"]
    return {"status": "ok" if is_ok else "degraded", "torchserve": torchserve, "database": database}


def _torchserve(backend: Backend) -> dict[str, Any]:
    try:
        status = backend.management.describe(backend.model)
    except Unreachable as error:
        return {"is_up": False, "model": backend.model, "reason": str(error)}
    return {
        "is_up": status.ready_workers > 0,
        "model": status.model,
        "version": status.version,
        "ready_workers": status.ready_workers,
    }


def _database(backend: Backend, engine: Engine) -> dict[str, Any]:
    records = {"pending": backend.writer.pending, "dropped": backend.writer.dropped}
    try:
        # Taking a connection tests it (pool_pre_ping).
        with engine.connect():
            return {"is_up": True, "is_history_paused": backend.writer.paused, **records}
    except SQLAlchemyError:
        return {"is_up": False, "is_history_paused": backend.writer.paused, **records}
