"""What machines ask the page: whether it lives, is ready, is well, and what it has counted."""

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Engine

from ui.backend import Backend
from ui.health import health, readiness
from ui.sign_in.admission import may_know_details

# So many health checks and scrapes at once; one may wait for the database for seconds.
THREADS = 8


def add_to(web: FastAPI, backend: Backend, engine: Engine) -> None:
    """Add the routes."""
    # Threads of their own, since all others may be waiting for TorchServe.
    threads = anyio.CapacityLimiter(THREADS)

    @web.get("/livez")
    async def livez() -> dict[str, bool]:
        return {"is_alive": True}

    @web.get("/readyz")
    async def readyz() -> JSONResponse:
        found = await anyio.to_thread.run_sync(readiness, backend, limiter=threads)
        return JSONResponse(found, status_code=200 if found["is_ready"] else 503)

    @web.get("/healthz")
    async def healthz(request: Request) -> JSONResponse:
        found = await anyio.to_thread.run_sync(health, backend, engine, limiter=threads)
        status_code = 200 if found["status"] == "ok" else 503
        if not may_know_details(request.scope):
            found = {"status": found["status"]}
        return JSONResponse(found, status_code=status_code)

    @web.get("/metrics")
    async def metrics() -> Response:
        written = await anyio.to_thread.run_sync(generate_latest, backend.metrics.registry, limiter=threads)
        return Response(written, media_type=CONTENT_TYPE_LATEST)
