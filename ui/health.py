"""Whether the page can read a drawing, for `/readyz`; whether all behind it is whole, for `/healthz`."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from client.errors import Unreachable
from client.management import path_of
from db.spool import Spool
from db.writer import Writer
from ui.backend import Backend

# A batch is written within milliseconds, and a database that was away is tried again after five seconds.
WAITS_TOO_LONG_S = 10.0
# So long it is said that records were lost.
RECENTLY_S = 300.0
# Who asks waits for 5 s (`make status`) or 10 (the proxy). Nothing bounds the look-up of PostgreSQL's name,
# which takes 10 s where no name server answers: threads of their own wait for that.
LOOK_S = 3.0
LOOKS = ThreadPoolExecutor(2, "database-health")


def readiness(backend: Backend) -> dict[str, Any]:
    """Return whether the page can read a drawing, and if not the reason; TorchServe has seconds to say it."""
    reason = _torchserve(backend).get("reason", "")
    return {"is_ready": False, "reason": reason} if reason else {"is_ready": True}


def health(backend: Backend, engine: Engine) -> dict[str, Any]:
    """Return what can be used now; "status" is "ok" where all is whole, else "degraded" with the reasons."""
    torchserve = _torchserve(backend)
    database = _database(backend.writer, engine)
    reasons = [torchserve["reason"]] if "reason" in torchserve else []
    reasons += _complaints(backend.writer, is_up=database["is_up"])
    return {
        "status": "degraded" if reasons else "ok",
        "reasons": reasons,
        "torchserve": torchserve,
        "database": database,
    }


def _torchserve(backend: Backend) -> dict[str, Any]:
    try:
        status = backend.management.describe(path_of(backend.model))
    except Unreachable as error:
        return {"is_up": False, "model": backend.model, "reason": str(error)}
    said = {
        "is_up": status.ready_workers > 0,
        "model": status.model,
        "version": status.version,
        "ready_workers": status.ready_workers,
    }
    if not status.ready_workers:
        said["reason"] = f"TorchServe has no ready worker for {status.model} {status.version}."
    return said


def _database(writer: Writer, engine: Engine) -> dict[str, Any]:
    said = {
        "is_history_paused": writer.paused,
        "pending": writer.pending,
        "oldest_s": round(writer.oldest_s, 1),
        "dropped": writer.dropped,
        "set_aside": writer.spool.aside,
    }
    look = LOOKS.submit(_connect, engine)
    try:
        look.result(LOOK_S)
    except (SQLAlchemyError, TimeoutError):
        look.cancel()
        return {"is_up": False, **said}
    return {"is_up": True, **said}


def _connect(engine: Engine) -> None:
    # Taking a connection tests it (pool_pre_ping).
    with engine.connect():
        pass


def _complaints(writer: Writer, *, is_up: bool) -> list[str]:
    found = []
    oldest_s = writer.oldest_s
    if not is_up:
        found.append(f"The database is unavailable; records waiting on disk: {writer.pending}.")
    if oldest_s > WAITS_TOO_LONG_S:
        found.append(f"A record has waited for the database for {oldest_s:.0f} s.")
    if writer.dropped_ago_s < RECENTLY_S:
        found.append(
            f"Records were dropped, the last one {writer.dropped_ago_s:.0f} s ago: no room for them."
        )
    found += _disk(writer.spool)
    if aside := writer.spool.aside:
        found.append(f"Records that PostgreSQL refused are set aside in {writer.spool.path}: {aside}.")
    return found


def _disk(spool: Spool) -> list[str]:
    try:
        lacks_mb = spool.lacks_bytes / 1e6
    except OSError as error:
        return [f"Records cannot be kept: {error}."]
    if not lacks_mb:
        return []
    return [f"The disk is short: {lacks_mb:.0f} MB more are needed at {spool.path} for all that may wait."]
